"""Sums since the first data, by edge, remembered between questions: what is settled is read once.

Equal to a scan of everything at every moment, for what a sum stands on (``settled``) is read in the
same snapshot: it is moved on with the mark, and made anew when something before the mark changed.
Never writes; what it holds is some rows for each edge.
"""

import threading
from dataclasses import dataclass, field
from typing import Final

import duckdb
import pyarrow as pa

from collector.store.settled import Settled, read_settled
from collector.store.tiers import split

LONGEST_S: Final = 3600
_COLUMNS: Final = {
    "sli": ("edge_id", "sum(requests)::BIGINT AS requests, sum(attempts)::BIGINT AS attempts"),
    "latency": ("edge_id, latency_bucket", "sum(count)::BIGINT AS count"),
}


@dataclass(frozen=True, slots=True)
class Base:
    """The counts of all buckets that begin before ``settled.to_s``, by edge."""

    settled: Settled
    sums: dict[str, pa.Table]
    """``sli``: edge_id, requests, attempts. ``latency``: edge_id, latency_bucket, count."""

    @property
    def to_s(self) -> int:
        """The end, exclusive."""
        return self.settled.to_s

    def leads_to(self, settled: Settled) -> bool:
        """Tell whether it still holds, and what came after it can be added.

        Not when it is long ago: fine buckets that are older than hours may be deleted unnoted.
        """
        age_s = settled.to_s - self.to_s
        return self.settled.changes == settled.changes and 0 <= age_s <= LONGEST_S


@dataclass(slots=True)
class Remembered:
    """The newest base of one store. Safe to use from several threads."""

    _base: Base | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def base(self, cursor: duckdb.DuckDBPyConnection) -> Base | None:
        """Return what holds in the snapshot of this cursor; None when all has to be read."""
        settled = read_settled(cursor)
        if settled is None or not settled.adds_up:
            return None
        with self._lock:
            if self._base is None or self._base.settled != settled:
                self._base = _read(cursor, settled, self._base)
            return self._base


def _read(cursor: duckdb.DuckDBPyConnection, settled: Settled, known: Base | None) -> Base:
    """Sum up to the mark: from the known base on, if it still holds."""
    if known is not None and not known.leads_to(settled):
        known = None
    from_s = 0 if known is None else known.to_s
    sums = {}
    for kind, (keys, columns) in _COLUMNS.items():
        parts = [
            f"SELECT * FROM {kind}_{part.tier}"
            f" WHERE bucket_s >= {part.from_s} AND bucket_s < {part.to_s}"
            for part in split(from_s, settled.to_s)
        ] or [f"SELECT * FROM {kind}_10s WHERE false"]
        if known is not None:
            cursor.register("known", known.sums[kind])
            parts.append("SELECT 0 AS bucket_s, * FROM known")
        rows = " UNION ALL BY NAME ".join(parts)
        sums[kind] = cursor.execute(
            f"SELECT {keys}, {columns} FROM ({rows}) GROUP BY {keys}"
        ).to_arrow_table()
        if known is not None:
            cursor.unregister("known")
    return Base(settled, sums)
