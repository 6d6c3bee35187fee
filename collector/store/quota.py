"""Retention by bytes: the oldest raw rows go when the file has outgrown its share.

Never touches a row while the file is small enough. Order: spans and logs, then metric points, then
the finer rollups; hourly rollups, dictionaries and heartbeats are left to their age. Blocks of
deleted rows are free after the next checkpoint, are used again, and the file shrinks when they lie
at its end. One round deletes at most half of a table; rounds follow until it is enough.
"""

import logging
from typing import Final

import duckdb

_LOG: Final = logging.getLogger(__name__)
_ROW_GROUP: Final = 122_880
"""Fewer rows than this share their blocks; deleting part of them frees nothing."""
_TARGET_RATIO: Final = 0.95

STAGES: Final = (
    {"spans": "start_ns", "logs": "time_ns"},
    {
        "metric_points": "time_ns",
        "histogram_points": "time_ns",
        "exponential_points": "time_ns",
        "summary_points": "time_ns",
        "exemplars": "time_ns",
    },
    {"sli_10s": "bucket_s", "latency_10s": "bucket_s"},
    {"sli_1m": "bucket_s", "latency_1m": "bucket_s"},
)
"""Table -> its column of time, in the order in which they are given up."""


def used_bytes(cursor: duckdb.DuckDBPyConnection) -> int:
    """Return the bytes of the blocks in use, as of the last checkpoint; free blocks not counted."""
    row = cursor.execute("SELECT used_blocks * block_size FROM pragma_database_size()").fetchone()
    return 0 if row is None else int(row[0])


def enforce(cursor: duckdb.DuckDBPyConnection, limit_bytes: int) -> dict[str, int]:
    """Delete the oldest rows of the first stage worth it; return how many by table.

    Empty when the file is within its limit. The effect shows after the next checkpoint.
    """
    used = used_bytes(cursor)
    if used <= limit_bytes:
        return {}
    ratio = min(0.5, max(0.05, 1 - _TARGET_RATIO * limit_bytes / used))
    deleted: dict[str, int] = {}
    for stage in STAGES:
        rows = {table: _number(cursor, f"SELECT count(*) FROM {table}") for table in stage}
        for table, time in stage.items():
            _delete(cursor, table, time, ratio, rows[table])
            deleted[table] = rows[table] - _number(cursor, f"SELECT count(*) FROM {table}")
        if max(rows.values()) > _ROW_GROUP:
            break
    _LOG.warning("the store uses %s bytes of %s: deleted %s", used, limit_bytes, deleted)
    return {table: rows for table, rows in deleted.items() if rows}


def _delete(
    cursor: duckdb.DuckDBPyConnection, table: str, time: str, ratio: float, rows: int
) -> None:
    """Delete the oldest ``ratio`` of a table; all of one that is smaller than a row group."""
    if rows <= _ROW_GROUP:
        cursor.execute(f"DELETE FROM {table}")
    else:
        cut = _number(cursor, f"SELECT approx_quantile({time}, {ratio}) FROM {table}")
        cursor.execute(f"DELETE FROM {table} WHERE {time} <= {cut}")


def _number(cursor: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = cursor.execute(sql).fetchone()
    return 0 if row is None or row[0] is None else int(row[0])
