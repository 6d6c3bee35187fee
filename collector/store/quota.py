"""Retention by bytes: the oldest rows go before the store outgrows its share of the disk.

Counts all that lies on the disk: the DuckDB file with its free blocks, its log, the sealed files.
Order: sealed spans, oldest file first; hot spans, logs and points older than an hour; then the last
hour of these; the 10 s and minute rollups last. Hourly rollups, dictionaries and heartbeats are
left to their age. Works in slices of some ten milliseconds, between two commits or in a thread of
its own. Deleted rows give their blocks back at a checkpoint, and only when all of a row group is
gone; what lives is estimated from the numbers of rows, so that nothing is deleted in vain.
"""

import logging
import operator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from collector.store.checkpoint import wal_bytes
from collector.store.sealed_files import files_between, forget, sealed_folder
from collector.store.settled import note_deleted

_LOG: Final = logging.getLogger(__name__)
SLICE_ROWS: Final = 100_000
_MARGIN_RATIO: Final = 0.1
"""What must be left for all that comes between two slices."""
_REWRITE_BYTES: Final = 64 * 2**20
"""A checkpoint writes row groups of 122,880 spans anew, some 28 MiB each, before it frees them."""
_FIRST_RATIO: Final = 0.02
_WAL_RATIO: Final = 1 / 12
_RECENT_NS: Final = 3600 * 10**9

ROW_BYTES: Final = {
    "spans": 230,
    "logs": 200,
    "metric_points": 12,
    "histogram_points": 60,
    "exponential_points": 60,
    "summary_points": 60,
    "exemplars": 60,
    "sli_10s": 12,
    "latency_10s": 12,
    "sli_1m": 12,
    "latency_1m": 12,
}
"""How large rows are beside each other; the size of the file tells how large they are."""
_POINTS: Final = (
    "metric_points",
    "histogram_points",
    "exponential_points",
    "summary_points",
    "exemplars",
)
TIMES: Final = {"spans": "start_ns"} | dict.fromkeys(("logs", *_POINTS), "time_ns")
"""Raw tables -> their column of time."""
STAGES: Final[tuple[tuple[str, ...], ...]] = (("spans",), ("logs",), _POINTS)
_ROLLUPS: Final[tuple[tuple[str, ...], ...]] = (
    ("sli_10s", "latency_10s"),
    ("sli_1m", "latency_1m"),
)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a store takes of the disk."""

    file_bytes: int
    live_bytes: int
    """Of the file, what lives: blocks in use as of the last checkpoint, less the rows deleted."""
    wal_bytes: int
    sealed_bytes: int

    @property
    def on_disk_bytes(self) -> int:
        """All of it."""
        return self.file_bytes + self.wal_bytes + self.sealed_bytes

    @property
    def in_use_bytes(self) -> int:
        """All but the free room in the file, which shrinks only when that lies at its end."""
        return self.live_bytes + self.wal_bytes + self.sealed_bytes


def usage_of(cursor: duckdb.DuckDBPyConnection, path: Path) -> Usage:
    """Return what the store in this file takes now."""
    used = _number(cursor, "SELECT used_blocks * block_size FROM pragma_database_size()")
    sealed = _number(cursor, "SELECT sum(bytes) FROM sealed_files")
    live_bytes = int(used * _live_ratio(cursor))
    return Usage(path.stat().st_size, live_bytes, wal_bytes(path), sealed)


def _live_ratio(cursor: duckdb.DuckDBPyConnection) -> float:
    """Return the share of the rows, by weight, that are not deleted in blocks still in use."""
    tables = ", ".join(f"(SELECT count(*) FROM {table}) AS {table}" for table in ROW_BYTES)
    counts = cursor.execute(f"SELECT {tables}").fetchone() or ()
    live = sum(map(operator.mul, ROW_BYTES.values(), counts))
    sizes = cursor.execute("SELECT table_name, estimated_size FROM duckdb_tables()").fetchall()
    stored = sum(ROW_BYTES[table] * number for table, number in sizes if table in ROW_BYTES)
    return min(live / stored, 1.0) if stored else 1.0


def target(limit_bytes: int) -> int:
    """Return what may be used of a limit, so that all that comes and goes stays below it."""
    margin = max(limit_bytes * _MARGIN_RATIO, min(_REWRITE_BYTES, limit_bytes / 2))
    return int(limit_bytes - margin)


@dataclass(slots=True)
class Quota:
    """Keeps one store within ``limit_bytes``. ``deleted`` counts rows, and files, by table."""

    path: Path
    limit_bytes: int
    deleted: dict[str, int] = field(default_factory=dict)
    wants_checkpoint: bool = False
    """Whether the last slice left work for a checkpoint."""
    _is_told: bool = False

    def slice(self, cursor: duckdb.DuckDBPyConnection, now_ns: int) -> bool:
        """Do one bounded piece of what is needed; tell whether more is left to do now."""
        usage = usage_of(cursor, self.path)
        target_bytes = target(self.limit_bytes)
        self.wants_checkpoint = usage.wal_bytes > self.limit_bytes * _WAL_RATIO
        if usage.on_disk_bytes <= target_bytes:
            self._is_told = False
            return False
        if self._drop_file(cursor):
            return True
        if usage.in_use_bytes <= target_bytes:
            return False
        self.wants_checkpoint = True
        return self._shed(cursor, now_ns)

    def _drop_file(self, cursor: duckdb.DuckDBPyConnection) -> bool:
        files = files_between(cursor)
        if not files:
            return False
        file = min(files, key=lambda file: (file.to_ns, file.file_id))
        cursor.begin()
        try:
            forget(cursor, [file])
            cursor.commit()
        except BaseException:
            cursor.rollback()
            raise
        (sealed_folder(self.path) / file.path).unlink(missing_ok=True)
        self._tell("sealed_files", 1)
        return True

    def _shed(self, cursor: duckdb.DuckDBPyConnection, now_ns: int) -> bool:
        """Delete the next rows; nothing is left to do when there are none that may go."""
        for before_ns in (now_ns - _RECENT_NS, None):
            for stage in STAGES:
                if self._took({table: _delete_oldest(cursor, table, before_ns) for table in stage}):
                    return True
        for stage in _ROLLUPS:
            if self._took({table: _delete_buckets(cursor, table) for table in stage}):
                return True
        if not self._is_told:
            _LOG.error("the store cannot be kept within %s bytes: hourly counts and names alone"
                       " take more", self.limit_bytes)  # fmt: skip
            self._is_told = True
        return False

    def _took(self, rows: dict[str, int]) -> bool:
        for table, number in rows.items():
            self._tell(table, number)
        return any(rows.values())

    def _tell(self, table: str, number: int) -> None:
        if number:
            if table not in self.deleted:
                _LOG.warning("the store has reached %s bytes: the oldest of %s go",
                             self.limit_bytes, table)  # fmt: skip
            self.deleted[table] = self.deleted.get(table, 0) + number


def delete_some(cursor: duckdb.DuckDBPyConnection, table: str, where: str) -> int:
    """Delete at most ``SLICE_ROWS`` rows, those that came first; return how many."""
    first = f"SELECT rowid FROM {table} WHERE {where} LIMIT {SLICE_ROWS}"
    return _number(cursor, f"DELETE FROM {table} WHERE rowid IN ({first})")


def _delete_oldest(cursor: duckdb.DuckDBPyConnection, table: str, before_ns: int | None) -> int:
    where = "true" if before_ns is None else f"{TIMES[table]} < {before_ns}"
    if table == "metric_points":
        where += f" AND time_ns <= {_first_moments_ns(cursor, table, where)}"
    return delete_some(cursor, table, where)


def _first_moments_ns(cursor: duckdb.DuckDBPyConnection, table: str, where: str) -> int:
    """Return how far the first moments of the first rows go.

    Sorted rows are those of a few series for a long time: all of them would leave a time for which
    other series are still there, and their sum would be wrong.
    """
    return _number(
        cursor,
        f"SELECT quantile_disc({TIMES[table]}, {_FIRST_RATIO}) FROM"
        f" (SELECT {TIMES[table]} FROM {table} WHERE {where} LIMIT {SLICE_ROWS})",
    )


def _delete_buckets(cursor: duckdb.DuckDBPyConnection, table: str) -> int:
    """Delete the oldest buckets as wholes: half of one would be a wrong count, none is a gap.

    A bucket far in the future, from a wrong clock, must not take all others with it: so the middle
    of the first rows is the last bucket to go.
    """
    cut_s = _number(
        cursor,
        "SELECT quantile_disc(bucket_s, 0.5) FROM"
        f" (SELECT bucket_s FROM {table} LIMIT {SLICE_ROWS})",
    )
    cursor.begin()
    try:
        number = _number(cursor, f"DELETE FROM {table} WHERE bucket_s <= {cut_s}")
        if number:
            note_deleted(cursor, table.partition("_")[2], cut_s)
        cursor.commit()
    except BaseException:
        cursor.rollback()
        raise
    return number


def _number(cursor: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = cursor.execute(sql).fetchone()
    return 0 if row is None or row[0] is None else int(row[0])
