"""Housekeeping: merge the rows of one key in old rollup buckets, and forget by age.

Never changes an answer within the retention: rollups are additive. Works in slices of some ten
milliseconds, each a transaction of its own, so that senders need not wait between two commits of
the writer. In a thread beside the writer a slice may lose against a commit that moves counts
(``precedence``): it is undone, raises, and is tried again.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import duckdb

from collector.store.quota import SLICE_ROWS, TIMES, delete_some
from collector.store.recorder import DEDUPE_NS
from collector.store.settled import note_deleted
from collector.store.tiers import TIERS_S
from collector.telemetry import Counter

_DAY_S: Final = 86_400
_SECOND_NS: Final = 10**9
_LATE_S: Final = 120
"""Buckets younger than this still get rows."""
_SLICE_S: Final = 0.05
"""A slice begins no further piece after this; one piece takes about as long at most."""

_KEYS: Final = {
    "sli": ("bucket_s, edge_id", "sum(requests)::BIGINT, sum(attempts)::BIGINT"),
    "latency": ("bucket_s, edge_id, latency_bucket", "sum(count)::BIGINT"),
}

Piece = Callable[[duckdb.DuckDBPyConnection], bool]
"""Does a bounded part of one kind of work; tells whether more of it is left."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long each kind of row is kept, in seconds. SLI hours outlive the rest.

    ``store_bytes`` bounds the store, whatever the age; 0 does not. See ``quota``.
    """

    spans_s: int = 7 * _DAY_S
    metrics_s: int = 7 * _DAY_S
    logs_s: int = 7 * _DAY_S
    sli_10s_s: int = 7 * _DAY_S
    sli_1m_s: int = 60 * _DAY_S
    sli_1h_s: int = 400 * _DAY_S
    store_bytes: int = 0


class Compaction:
    """One round over all tables, in slices; ``deleted`` counts rows by table."""

    def __init__(self, now_s: int, retention: Retention, deleted: Counter | None = None) -> None:
        self._pieces: deque[Piece] = deque(_pieces(now_s, retention, deleted or Counter()))

    def slice(self, cursor: duckdb.DuckDBPyConnection) -> bool:
        """Do what fits into a short time, no transaction being open; tell whether more is left."""
        end_s = time.monotonic() + _SLICE_S
        while self._pieces:
            if not self._pieces[0](cursor):
                self._pieces.popleft()
            if time.monotonic() >= end_s:
                break
        return bool(self._pieces)


def compact(
    cursor: duckdb.DuckDBPyConnection,
    now_s: int,
    retention: Retention,
    deleted: Counter | None = None,
) -> None:
    """Merge old rollup rows and delete what is past its age: a whole round."""
    round_ = Compaction(now_s, retention, deleted)
    while round_.slice(cursor):
        pass


def _pieces(now_s: int, retention: Retention, deleted: Counter) -> list[Piece]:
    merges = [
        partial(_merge, kind=kind, tier=tier, before_s=now_s - now_s % length - length - _LATE_S)
        for tier, length in TIERS_S.items()
        for kind in _KEYS
    ]
    return [
        *merges,
        *(
            partial(
                _forget,
                table=table,
                where=f"{column} < {(now_s - age_s) * unit}",
                deleted=deleted,
                before_s=now_s - age_s,
            )
            for table, (column, unit, age_s) in ages(retention).items()
        ),
    ]


def ages(retention: Retention) -> dict[str, tuple[str, int, int]]:
    """Return table -> its column of time, units of it in a second, age in seconds."""
    signals = {"spans": retention.spans_s, "logs": retention.logs_s}
    raw = {
        table: (column, _SECOND_NS, signals.get(table, retention.metrics_s))
        for table, column in TIMES.items()
    }
    tiers_s = {"10s": retention.sli_10s_s, "1m": retention.sli_1m_s, "1h": retention.sli_1h_s}
    rolled = {
        f"{kind}_{tier}": ("bucket_s", 1, age_s)
        for kind in _KEYS
        for tier, age_s in tiers_s.items()
    }
    return (
        raw
        | rolled
        | {"heartbeats": ("bucket_s", 1, retention.sli_1m_s)}
        | {"sampled_out": ("hour_s", 1, retention.sli_1h_s)}
        | {"export_requests": ("received_ns", _SECOND_NS, DEDUPE_NS // _SECOND_NS)}
    )


def _forget(
    cursor: duckdb.DuckDBPyConnection, table: str, where: str, deleted: Counter, before_s: int
) -> bool:
    kind, _, tier = table.partition("_")
    cursor.begin()
    try:
        number = delete_some(cursor, table, where)
        if number and kind in _KEYS:
            note_deleted(cursor, tier, before_s)
        cursor.commit()
    except BaseException:
        cursor.rollback()
        raise
    if number:
        deleted.add((table,), number)
    return number >= SLICE_ROWS


def _merge(cursor: duckdb.DuckDBPyConnection, kind: str, tier: str, before_s: int) -> bool:
    """Merge buckets since the last merge; rows that come later than that stay as they are."""
    table, mark = f"{kind}_{tier}", f"compacted_{kind}_{tier}_s"
    row = cursor.execute("SELECT value::BIGINT FROM meta WHERE key = ?", [mark]).fetchone()
    from_s = 0 if row is None else row[0]
    if before_s <= from_s:
        return False
    to_s = _end_s(cursor, table, from_s, before_s)
    keys, sums = _KEYS[kind]
    cursor.begin()
    try:
        cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE merged AS SELECT {keys}, {sums} FROM {table}"
            " WHERE bucket_s >= ? AND bucket_s < ? GROUP BY ALL ORDER BY ALL",
            [from_s, to_s],
        )
        cursor.execute(f"DELETE FROM {table} WHERE bucket_s >= ? AND bucket_s < ?", [from_s, to_s])
        cursor.execute(f"INSERT INTO {table} SELECT * FROM merged")
        cursor.execute("DROP TABLE merged")
        cursor.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [mark, str(to_s)])
        cursor.commit()
    except BaseException:
        cursor.rollback()
        raise
    return to_s < before_s


def _end_s(cursor: duckdb.DuckDBPyConnection, table: str, from_s: int, before_s: int) -> int:
    """Return the end of the whole buckets from from_s on that are one slice of rows together."""
    row = cursor.execute(
        "SELECT max(bucket_s) FROM (SELECT bucket_s,"
        " sum(count(*)) OVER (ORDER BY bucket_s) - count(*) AS earlier"
        f" FROM {table} WHERE bucket_s >= ? AND bucket_s < ? GROUP BY bucket_s)"
        " WHERE earlier < ?",
        [from_s, before_s, SLICE_ROWS],
    ).fetchone()
    last_s = None if row is None else row[0]
    rest = cursor.execute(
        f"SELECT 1 FROM {table} WHERE bucket_s > ? AND bucket_s < ? LIMIT 1", [last_s, before_s]
    ).fetchone()
    return before_s if last_s is None or rest is None else int(last_s) + 1
