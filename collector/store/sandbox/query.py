"""A statement from its text to its answer: starts a worker, feeds it, ends it when it must.

The text goes to the worker as it is. What comes back is a list of views and columns, which are
looked up in what there is, and a table: nothing of it is run here. One worker a statement.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import duckdb
import pyarrow as pa

from collector.store.sandbox.errors import KINDS, Kind, SqlError
from collector.store.sandbox.views import VIEWS, Given, View, Window, shapes
from collector.store.store import Store

FEED_BYTES: Final = 256 * 2**20
"""What a statement may read of the store."""
ANSWER_BYTES: Final = 64 * 2**20
"""What its answer may hold."""

_ROOT: Final = Path(__file__).parents[3]
_BATCH_ROWS: Final = 65_536


@dataclass(frozen=True, slots=True)
class Question:
    """A statement and its bounds. Without ``from_s`` each view reaches back by its default."""

    sql: str
    to_s: int
    from_s: int | None = None
    limit: int = 10_000
    timeout_s: float = 10.0
    feed_bytes: int = FEED_BYTES


@dataclass(frozen=True, slots=True)
class Fed:
    """What a statement read of a view."""

    view: str
    from_s: int
    to_s: int
    rows: int


@dataclass(frozen=True, slots=True)
class Answer:
    """``is_truncated``: there are more rows than were asked for."""

    table: pa.Table
    is_truncated: bool
    read: tuple[Fed, ...]


@dataclass(slots=True)
class Running:
    """What another thread can end: the worker, and the scan that feeds it."""

    _process: subprocess.Popen[bytes] | None = None
    _cursor: duckdb.DuckDBPyConnection | None = None
    _is_ended: bool = field(default=False)

    def interrupt(self) -> None:
        """End both; what waits for them then fails."""
        self._is_ended = True
        if self._process is not None:
            self._process.kill()
        if self._cursor is not None:
            self._cursor.interrupt()

    @contextlib.contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        """Start a worker that has nothing of our environment, and end it."""
        environment = {"PYTHONPATH": str(_ROOT), "LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "2"}
        with subprocess.Popen(
            [sys.executable, "-P", "-m", "collector.store.sandbox.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=os.sep,
            env=environment,
            close_fds=True,
        ) as process:
            self._process = process
            try:
                if self._is_ended:
                    raise _lost()
                yield process
            finally:
                process.kill()
                if process.stdin is not None:
                    with contextlib.suppress(OSError):  # what was not sent yet has no reader
                        process.stdin.close()
                self._process = None

    @contextlib.contextmanager
    def scanning(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Let the scans of a cursor be interrupted."""
        self._cursor = cursor
        try:
            yield
        finally:
            self._cursor = None


def ask(store: Store, question: Question, running: Running, given: Sequence[Given] = ()) -> Answer:
    """Return the answer of a statement; raise SqlError.

    Never ends by itself when the statement does not: the caller interrupts ``running``.
    """
    every: list[View | Given] = [*VIEWS, *given]
    views = {view.name: view for view in every}
    request = {
        "sql": question.sql,
        "views": shapes(views),
        "limit": question.limit,
        "bytes": ANSWER_BYTES,
        "timeout_s": question.timeout_s,
    }
    with running.worker() as process:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - pipes
        try:
            _send(process.stdin, json.dumps(request).encode() + b"\n")
            needs = _hear(process.stdout)["needs"]
            feeder = _Feeder(store, question, views, running)
            read = tuple(feeder.feed(process.stdin, needs))
            end = _hear(process.stdout)
            table = pa.ipc.open_stream(process.stdout).read_all()
        except (OSError, pa.ArrowInvalid, duckdb.InterruptException) as error:
            raise _lost() from error
        except duckdb.OutOfMemoryException as error:
            raise SqlError("memory", "the store has no memory left to read for it") from error
        except duckdb.Error as error:
            raise SqlError("failed", f"the store cannot be read: {error}") from error
    return Answer(table, bool(end["truncated"]), read)


class _Feeder:
    """Sends what a statement reads, all of one moment, within a bound of bytes."""

    def __init__(
        self, store: Store, question: Question, views: Mapping[str, View | Given], running: Running
    ) -> None:
        self._store, self._question, self._views = store, question, views
        self._running = running
        self._left = question.feed_bytes

    def feed(self, worker: IO[bytes], needs: Sequence[Mapping[str, Any]]) -> Iterator[Fed]:
        with self._store.snapshot() as cursor, self._running.scanning(cursor):
            for need in needs:
                view = self._views[need["view"]]
                columns = [name for name in view.columns if name in need["columns"]]
                window = self._window(view)
                reader = self._reader(cursor, view, columns, window, need["rows"])
                rows = self._send_all(worker, reader, need["view"], columns)
                yield Fed(view.name, window.from_s, window.to_s, rows)

    def _window(self, view: View | Given) -> Window:
        to_s, from_s = self._question.to_s, self._question.from_s
        return Window(to_s - view.default_s if from_s is None else from_s, to_s)

    def _reader(
        self,
        cursor: duckdb.DuckDBPyConnection,
        view: View | Given,
        columns: Sequence[str],
        window: Window,
        rows: int | None,
    ) -> pa.RecordBatchReader:
        if isinstance(view, Given):
            return view.table(window).select(list(columns)).to_reader()
        found = view.rows(cursor, self._store, window)
        names = ", ".join(f'"{name}"::{view.columns[name]} AS "{name}"' for name in columns)
        limit = "" if rows is None else f" LIMIT {int(rows)}"
        sql = f"SELECT {names} FROM ({found.sql}){limit}"
        return cursor.execute(sql, found.parameters).to_arrow_reader(_BATCH_ROWS)

    def _send_all(
        self, worker: IO[bytes], reader: pa.RecordBatchReader, view: str, columns: Sequence[str]
    ) -> int:
        rows = 0
        with pa.ipc.new_stream(worker, reader.schema) as stream:
            for batch in reader:
                self._left -= batch.nbytes
                if self._left < 0:
                    raise SqlError(
                        "too_large",
                        f"the statement reads more than {self._question.feed_bytes >> 20} MiB"
                        f" ({', '.join(columns)} of {view}): name fewer columns, or a shorter"
                        " time by from and to",
                    )
                stream.write_batch(batch)
                rows += len(batch)
        worker.flush()
        return rows


def _send(worker: IO[bytes], told: bytes) -> None:
    worker.write(told)
    worker.flush()


def _hear(worker: IO[bytes]) -> dict[str, Any]:
    """Return what the worker says; raise what it says is wrong."""
    line = worker.readline(2**21)
    if not line:
        raise _lost()
    told: dict[str, Any] = json.loads(line)
    if "error" in told:
        wrong = told["error"]
        kind: Kind = wrong["kind"] if wrong["kind"] in KINDS else "failed"
        raise SqlError(kind, str(wrong["message"]), wrong.get("line"), wrong.get("column"))
    return told


def _lost() -> SqlError:
    """Return the error of a worker that ended: it asked for more than it may have, or was ended."""
    return SqlError("memory", "the statement needed more memory or time than it may have")
