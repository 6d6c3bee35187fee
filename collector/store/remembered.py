"""Sums since the first data, by edge, remembered between questions: what is settled is read once.

Equal to a scan of everything at every moment, for what a sum stands on (``settled``) is read in the
same snapshot: it is moved on with the mark, and made anew when something before the mark changed.
What is older than a day is summed apart, so that a change of the last day makes only that day be
read again. Never writes; what it holds is some rows for each edge.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import duckdb
import pyarrow as pa

from collector.store.settled import Settled, read_settled
from collector.store.tiers import split

Sums = Mapping[str, pa.Table]
"""``sli``: edge_id, requests, attempts. ``latency``: edge_id, latency_bucket, count."""

_LONGEST_S: Final = 3600
"""Minutes that are older than two hours may be deleted unnoted, so that none is added so late."""
_COLUMNS: Final = {
    "sli": ("edge_id", "sum(requests)::BIGINT AS requests, sum(attempts)::BIGINT AS attempts"),
    "latency": ("edge_id, latency_bucket", "sum(count)::BIGINT AS count"),
}


@dataclass(frozen=True, slots=True)
class Base:
    """The counts of all buckets that begin before ``settled.to_s``, by edge, in two parts."""

    settled: Settled
    old: Sums
    """To ``settled.old_to_s``."""
    recent: Sums
    """From there on."""

    @property
    def to_s(self) -> int:
        """The end, exclusive."""
        return self.settled.to_s

    def rows(self, kind: str) -> pa.Table:
        """Return the rows of both parts; an edge may be in each."""
        return pa.concat_tables([self.old[kind], self.recent[kind]])


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
                old = _old(cursor, settled, self._base)
                self._base = Base(settled, old, _recent(cursor, settled, self._base))
            return self._base


def _old(cursor: duckdb.DuckDBPyConnection, settled: Settled, known: Base | None) -> Sums:
    """Return the sums of what is old: those known, if they hold, and what came after them."""
    to_s = settled.old_to_s
    if known is None or known.settled.old_changes != settled.old_changes:
        return _summed(cursor, 0, to_s, None)
    from_s = known.settled.old_to_s
    if from_s == to_s:
        return known.old
    is_later = from_s < to_s  # not in a snapshot that was taken before the last one
    return _summed(cursor, from_s, to_s, known.old) if is_later else _summed(cursor, 0, to_s, None)


def _recent(cursor: duckdb.DuckDBPyConnection, settled: Settled, known: Base | None) -> Sums:
    if (
        known is None
        or known.settled.changes != settled.changes
        or known.settled.old_to_s != settled.old_to_s
        or not 0 <= settled.to_s - known.to_s <= _LONGEST_S
    ):
        return _summed(cursor, settled.old_to_s, settled.to_s, None)
    return _summed(cursor, known.to_s, settled.to_s, known.recent)


def _summed(cursor: duckdb.DuckDBPyConnection, from_s: int, to_s: int, known: Sums | None) -> Sums:
    """Sum up [from_s, to_s), and what is known to come before it."""
    sums = {}
    for kind, (keys, columns) in _COLUMNS.items():
        parts = [
            f"SELECT * FROM {kind}_{part.tier}"
            f" WHERE bucket_s >= {part.from_s} AND bucket_s < {part.to_s}"
            for part in split(from_s, to_s)
        ] or [f"SELECT * FROM {kind}_10s WHERE false"]
        if known is not None:
            cursor.register("known", known[kind])
            parts.append("SELECT 0 AS bucket_s, * FROM known")
        rows = " UNION ALL BY NAME ".join(parts)
        sums[kind] = cursor.execute(
            f"SELECT {keys}, {columns} FROM ({rows}) GROUP BY {keys}"
        ).to_arrow_table()
        if known is not None:
            cursor.unregister("known")
    return sums
