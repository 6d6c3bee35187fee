"""Housekeeping: merge the rows of one key in old rollup buckets, and forget by age.

Never changes an answer within the retention: rollups are additive. Runs between two commits of the
writer, in a transaction of its own per table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import duckdb

from collector.store.recorder import DEDUPE_NS
from collector.store.tiers import TIERS_S

_DAY_S: Final = 86_400
_SECOND_NS: Final = 10**9
_LATE_S: Final = 120
"""Buckets younger than this still get rows."""

_KEYS: Final = {
    "sli": ("bucket_s, edge_id", "sum(requests)::BIGINT, sum(attempts)::BIGINT"),
    "latency": ("bucket_s, edge_id, latency_bucket", "sum(count)::BIGINT"),
}
_TIMES: Final = {
    "spans": "start_ns",
    "metric_points": "time_ns",
    "histogram_points": "time_ns",
    "exponential_points": "time_ns",
    "summary_points": "time_ns",
    "exemplars": "time_ns",
    "logs": "time_ns",
}


@dataclass(frozen=True, slots=True)
class Retention:
    """How long each kind of row is kept, in seconds. SLI hours outlive the rest.

    ``store_bytes`` bounds the file, whatever the age; 0 does not. See ``quota``.
    """

    spans_s: int = 7 * _DAY_S
    metrics_s: int = 7 * _DAY_S
    logs_s: int = 7 * _DAY_S
    sli_10s_s: int = 7 * _DAY_S
    sli_1m_s: int = 60 * _DAY_S
    sli_1h_s: int = 400 * _DAY_S
    store_bytes: int = 0


def compact(cursor: duckdb.DuckDBPyConnection, now_s: int, retention: Retention) -> None:
    """Merge old rollup rows and delete what is past its age; in at most one pass over new rows."""
    for tier, length in TIERS_S.items():
        for kind in _KEYS:
            _merge(cursor, kind, tier, now_s - now_s % length - length - _LATE_S)
    for table, (column, unit, age_s) in _ages(retention).items():
        cursor.execute(f"DELETE FROM {table} WHERE {column} < ?", [(now_s - age_s) * unit])


def _ages(retention: Retention) -> Mapping[str, tuple[str, int, int]]:
    raw_s = {
        "spans": retention.spans_s,
        "metric_points": retention.metrics_s,
        "histogram_points": retention.metrics_s,
        "exponential_points": retention.metrics_s,
        "summary_points": retention.metrics_s,
        "exemplars": retention.metrics_s,
        "logs": retention.logs_s,
    }
    rolled_s = {"10s": retention.sli_10s_s, "1m": retention.sli_1m_s, "1h": retention.sli_1h_s}
    return (
        {table: (_TIMES[table], _SECOND_NS, age_s) for table, age_s in raw_s.items()}
        | {
            f"{kind}_{tier}": ("bucket_s", 1, age_s)
            for kind in _KEYS
            for tier, age_s in rolled_s.items()
        }
        | {"heartbeats": ("bucket_s", 1, retention.sli_1m_s)}
        | {"export_requests": ("received_ns", _SECOND_NS, DEDUPE_NS // _SECOND_NS)}
    )


def _merge(cursor: duckdb.DuckDBPyConnection, kind: str, tier: str, before_s: int) -> None:
    """Merge the buckets since the last merge; rows that come later than that stay as they are."""
    table, mark = f"{kind}_{tier}", f"compacted_{kind}_{tier}_s"
    row = cursor.execute("SELECT value::BIGINT FROM meta WHERE key = ?", [mark]).fetchone()
    from_s = 0 if row is None else row[0]
    if before_s <= from_s:
        return
    keys, sums = _KEYS[kind]
    cursor.begin()
    try:
        cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE merged AS SELECT {keys}, {sums} FROM {table}"
            " WHERE bucket_s >= ? AND bucket_s < ? GROUP BY ALL ORDER BY ALL",
            [from_s, before_s],
        )
        cursor.execute(
            f"DELETE FROM {table} WHERE bucket_s >= ? AND bucket_s < ?", [from_s, before_s]
        )
        cursor.execute(f"INSERT INTO {table} SELECT * FROM merged")
        cursor.execute("DROP TABLE merged")
        cursor.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [mark, str(before_s)])
        cursor.commit()
    except BaseException:
        cursor.rollback()
        raise
