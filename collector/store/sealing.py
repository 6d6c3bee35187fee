"""Hours of spans that are over become Parquet files, sorted by trace; samples them on the way.

One transaction with a snapshot of its own decides, writes the file, makes it durable, enters it in
the manifest and the trace index, and deletes just the rows that were written or dropped: a crash at
any point leaves the hot rows or the file, never both and never none. Late spans of a sealed hour
get a further file of that hour. Works beside the writer: all that is long only reads.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb

from collector.sampling import UNSAMPLED, SamplingPolicy
from collector.store.decisions import TRACE_KEY, count_dropped, forget_decisions, judge, remember
from collector.store.sealed_files import (
    SealedRetention,
    expired,
    files_between,
    folder_of,
    forget,
    make_durable,
    remove_orphans,
)
from collector.store.shredding import REST, Shape, shape_of, shredded_sql
from collector.store.span_edges import LATE_S, SETTLE_S, mark_s
from collector.store.store import Store

_LOG: Final = logging.getLogger(__name__)
_SECOND_NS: Final = 10**9
_HOUR_S: Final = 3600
_PART: Final = (
    "FROM spans WHERE start_ns >= ?::BIGINT AND start_ns < ?::BIGINT"
    " AND start_ns + duration_ns < ?::BIGINT"
    f" AND {TRACE_KEY} % ?::UBIGINT = ?::UBIGINT"
)
_SPANS: Final = f"SELECT * {_PART}"


@dataclass(frozen=True, slots=True)
class SealingSettings:
    """When hours are sealed, into how large pieces, and what is kept of them for how long.

    ``grace_s`` after its end an hour is over; less than 660 leaves spans behind, see
    ``needed_from_ns``. Late spans wait until they are many, or for
    ``late_every_s`` since the hour's last file. An hour that is not over is sealed as far as it is
    settled when it has ``early_rows`` spans: searching sealed ones is much quicker.
    ``sampling`` None keeps every trace.
    """

    grace_s: int = 900
    every_s: float = 60.0
    late_every_s: int = 3600
    late_rows: int = 100_000
    early_rows: int = 1_000_000
    file_rows: int = 4_000_000
    row_group_rows: int = 30_720
    sampling: SamplingPolicy | None = None
    decision_ttl_s: int = 6 * 3600
    retention: SealedRetention = field(default_factory=SealedRetention)


@dataclass(frozen=True, slots=True)
class _Part:
    """The spans of an hour that have ended before, in part ``number`` of ``parts`` by trace."""

    hour_s: int
    ended_ns: int
    number: int
    parts: int

    @property
    def parameters(self) -> list[int]:
        from_ns = self.hour_s * _SECOND_NS
        to_ns = from_ns + _HOUR_S * _SECOND_NS
        return [from_ns, to_ns, self.ended_ns, self.parts, self.number]


DEFAULT_SEALING: Final = SealingSettings()


class Sealer:
    """Seals what is due, in a thread of its own once started; ``run_once`` does it in the caller's.

    ``progress`` hears the name of each step, before it becomes visible to anybody.
    """

    def __init__(
        self,
        store: Store,
        settings: SealingSettings = DEFAULT_SEALING,
        *,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._store, self._settings, self._progress = store, settings, progress
        self._folder = folder_of(store)
        self._cursor = store.cursor()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        remove_orphans(store)

    def start(self) -> None:
        """Begin to seal by the clock."""
        self._thread = threading.Thread(target=self._run, name="store-sealer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish the file at hand and stop."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self._cursor.close()

    def run_once(self) -> int:
        """Seal every part that is due, then forget by age and bytes; return the number of parts."""
        now_ns = self._store.clock_ns()
        parts = self._due(now_ns)
        for done, part in enumerate(parts):
            if self._stopped.is_set():
                return done
            self._seal(part, now_ns)
        self._forget(now_ns)
        return len(parts)

    def _run(self) -> None:
        while not self._stopped.wait(self._settings.every_s):
            try:
                self.run_once()
            except (duckdb.Error, OSError):
                _LOG.exception("sealing failed; nothing is lost, the next attempt follows")

    def _due(self, now_ns: int) -> list[_Part]:
        """Return the parts to seal, oldest first. Spans past their age are left to retention."""
        settings, now_s = self._settings, now_ns // _SECOND_NS
        ended_ns = needed_from_ns(self._cursor, now_s)
        rows = self._cursor.execute(
            "SELECT hot.hour_s, hot.rows, max(sealed_ns) FROM ("
            f" SELECT start_ns // ? * {_HOUR_S} AS hour_s, count(*) AS rows FROM spans"
            " WHERE start_ns >= ? AND start_ns + duration_ns < ? GROUP BY ALL"
            ") AS hot LEFT JOIN sealed_files USING (hour_s) GROUP BY ALL ORDER BY ALL",
            [
                _HOUR_S * _SECOND_NS,
                (now_s - settings.retention.age_s) * _SECOND_NS,
                ended_ns,
            ],
        ).fetchall()
        parts = []
        for hour_s, count, sealed_ns in rows:
            if self._is_due(hour_s, count, sealed_ns, now_ns):
                pieces = -(-count // settings.file_rows)
                parts += [_Part(hour_s, ended_ns, number, pieces) for number in range(pieces)]
        return parts

    def _is_due(self, hour_s: int, count: int, sealed_ns: int | None, now_ns: int) -> bool:
        settings = self._settings
        over_ns = (hour_s + _HOUR_S + settings.grace_s) * _SECOND_NS
        if now_ns < over_ns:
            return count >= settings.early_rows
        is_late = sealed_ns is not None and sealed_ns >= over_ns
        waits = is_late and now_ns - (sealed_ns or 0) < settings.late_every_s * _SECOND_NS
        return not waits or count >= settings.late_rows

    def _seal(self, part: _Part, now_ns: int) -> None:
        """Seal one part. All that is long comes before the first change of a table."""
        (file_id,) = _row(self._cursor.execute("SELECT nextval('sealed_file_ids')"))
        self._cursor.begin()
        try:
            self._transact(part, file_id, now_ns)
            self._cursor.commit()
        except BaseException:
            self._cursor.rollback()
            remove_orphans(self._store)
            raise
        self._progress("committed")

    def _transact(self, part: _Part, file_id: int, now_ns: int) -> None:
        hour = time.strftime("%Y-%m-%d-%H", time.gmtime(part.hour_s))
        path = self._folder / f"{hour}-{file_id}.parquet"
        kept = f"SELECT *, '{UNSAMPLED}' AS keep_reason, 1.0::DOUBLE AS keep_ratio {_PART}"
        if self._settings.sampling is not None:
            policy = self._settings.sampling
            judge(self._cursor, _SPANS, part.parameters, policy, self._folder)
            kept = (
                f"SELECT hot.*, keep_reason, keep_ratio FROM ({_SPANS}) AS hot"
                " JOIN verdicts USING (trace_hi, trace_lo) WHERE keep_reason IS NOT NULL"
            )
        shape = shape_of(self._cursor, kept, part.parameters)
        if shape is not None:
            self._write(shape, kept, part.parameters, path)
            self._enter(part, shape, file_id, path, now_ns)
        if self._settings.sampling is not None:
            remember(self._cursor, now_ns)
            count_dropped(self._cursor, _SPANS, part.parameters, part.hour_s)
        self._progress("recorded")
        self._cursor.execute(f"DELETE {_PART}", part.parameters)
        self._progress("deleted")

    def _write(self, shape: Shape, kept: str, parameters: list[int], path: Path) -> None:
        """Write under a temporary name, and give the final one to what is durable."""
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.tmp")
        self._cursor.execute(
            f"COPY (SELECT * FROM ({shredded_sql(shape, kept)})"
            " ORDER BY trace_hi, trace_lo, start_ns)"
            f" TO {_quoted(str(temporary))} (FORMAT parquet, COMPRESSION zstd,"
            f" PARQUET_VERSION v2, ROW_GROUP_SIZE {self._settings.row_group_rows})",
            parameters,
        )
        self._progress("written")
        make_durable(temporary)
        temporary.rename(path)
        make_durable(self._folder)
        self._progress("renamed")

    def _enter(self, part: _Part, shape: Shape, file_id: int, path: Path, now_ns: int) -> None:
        """Enter the file in the manifest and its traces in the index."""
        values = [file_id, path.name, part.hour_s, path.stat().st_size, now_ns]
        self._cursor.execute(
            "INSERT INTO sealed_files BY NAME SELECT ?::INTEGER AS file_id, ? AS path,"
            " ?::BIGINT AS hour_s, ?::BIGINT AS bytes, ?::BIGINT AS sealed_ns,"
            " ?::VARCHAR[] AS attribute_keys, min(start_ns) AS from_ns, max(start_ns) AS to_ns,"
            f" count(*) AS rows, count({REST}) > 0 AS has_rest FROM read_parquet(?)",
            [*values, list(shape.keys), str(path)],
        )
        self._cursor.execute(
            f"INSERT INTO trace_index SELECT DISTINCT {TRACE_KEY} AS trace_key, ?::INTEGER"
            " FROM read_parquet(?) ORDER BY trace_key",
            [file_id, str(path)],
        )

    def _forget(self, now_ns: int) -> None:
        gone = expired(files_between(self._cursor), now_ns // _SECOND_NS, self._settings.retention)
        self._cursor.begin()
        try:
            forget(self._cursor, gone)
            forget_decisions(self._cursor, now_ns - self._settings.decision_ttl_s * _SECOND_NS)
            self._cursor.commit()
        except BaseException:
            self._cursor.rollback()
            raise
        self._progress("forgotten")
        for file in gone:
            (self._folder / file.path).unlink(missing_ok=True)


def needed_from_ns(cursor: duckdb.DuckDBPyConnection, now_s: int) -> int:
    """Return the end from which on spans must stay hot: edges are still counted from them.

    Late spans make ``span_edges`` count the last LATE_S again, with what lies SETTLE_S around; and
    it may itself be late.
    """
    counted_s = mark_s(cursor)
    at_s = now_s if counted_s is None else min(now_s, counted_s)
    return (at_s - LATE_S - 2 * SETTLE_S) * _SECOND_NS


def sealing(store: Store, settings: SealingSettings = DEFAULT_SEALING) -> closing[Sealer]:
    """Return a started sealer for a ``with`` statement."""
    sealer = Sealer(store, settings)
    sealer.start()
    return closing(sealer)


def _row(cursor: duckdb.DuckDBPyConnection) -> tuple[Any, ...]:
    row = cursor.fetchone()
    return () if row is None else row


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
