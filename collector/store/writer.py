"""The one writing thread: group commit, and an answer only after it.

Batches that come within a short window share a transaction; when it fails, each is tried alone, so
that a bad one does not spoil its neighbours. The queue is bounded by bytes: Overloaded is raised
before memory is. Never decodes, never answers a client.
"""

import logging
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa

from collector.otlp.batch import Batch
from collector.store.compaction import Retention, compact
from collector.store.errors import BatchRefused, Overloaded, StoreClosed, WriteFailed
from collector.store.recorder import DEDUPE_NS, Recorder
from collector.store.store import Store

_LOG: Final = logging.getLogger(__name__)
_SECOND_NS: Final = 10**9
_DATA_ERRORS: Final = (
    duckdb.DataError,
    duckdb.InvalidInputException,
    pa.ArrowInvalid,
    ValueError,
    OverflowError,
)


@dataclass(frozen=True, slots=True)
class Ack:
    """A batch is durable. ``is_repeat``: it had been before, and was not counted again."""

    rejected: int
    message: str
    is_repeat: bool


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """``window_s``: how long the first batch waits for company. 0 commits each by itself."""

    window_s: float = 0.02
    group_rows: int = 50_000
    queue_bytes: int = 64 * 2**20
    compact_every_s: float = 60.0


DEFAULT_LIMITS: Final = WriterLimits()
DEFAULT_RETENTION: Final = Retention()


@dataclass(frozen=True, slots=True)
class _Item:
    batch: Batch
    digest: bytes
    done: Future[Ack]


class Writer:
    """Takes batches from any thread, commits them in its own."""

    def __init__(
        self,
        store: Store,
        *,
        limits: WriterLimits = DEFAULT_LIMITS,
        retention: Retention = DEFAULT_RETENTION,
    ) -> None:
        self._limits, self._retention, self._clock_ns = limits, retention, store.clock_ns
        self._cursor = store.cursor()
        self._recorder = Recorder(self._cursor)
        self._queue: deque[_Item] = deque()
        self._queued_rows = 0
        self._held_bytes = 0
        self._changed = threading.Condition()
        self._is_closed = False
        self._next_compaction_s = time.monotonic() + limits.compact_every_s
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, batch: Batch, digest: bytes) -> Future[Ack]:
        """Queue a batch; the future is done after the commit. Raises Overloaded or StoreClosed.

        The future fails with BatchRefused when the data themselves are at fault, with WriteFailed
        when the disk is. ``digest`` identifies the request: a repeat is acknowledged, not counted.
        """
        with self._changed:
            if self._is_closed:
                raise StoreClosed("the store is closing; send to another collector, or later")
            if self._held_bytes and self._held_bytes + batch.body_bytes > self._limits.queue_bytes:
                raise Overloaded(self._held_bytes, self._limits.queue_bytes)
            item = _Item(batch, digest, Future())
            self._queue.append(item)
            self._queued_rows += batch.rows
            self._held_bytes += batch.body_bytes
            self._changed.notify()
            return item.done

    def close(self) -> None:
        """Take nothing more, commit what is queued, stop the thread."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()
        self._cursor.close()

    def _run(self) -> None:
        while (group := self._next_group()) is not None:
            if group:
                self._commit(group)
                with self._changed:
                    self._held_bytes -= sum(item.batch.body_bytes for item in group)
            if time.monotonic() >= self._next_compaction_s:
                self._compact()

    def _next_group(self) -> list[_Item] | None:
        """Wait for batches; [] when it is time for housekeeping, None when closed and drained."""
        with self._changed:
            while not self._queue:
                if self._is_closed:
                    return None
                idle_s = self._next_compaction_s - time.monotonic()
                if idle_s <= 0:
                    return []
                self._changed.wait(idle_s)
            deadline_s = time.monotonic() + self._limits.window_s
            while not self._is_closed and self._queued_rows < self._limits.group_rows:
                left_s = deadline_s - time.monotonic()
                if left_s <= 0:
                    break
                self._changed.wait(left_s)
            group: list[_Item] = []
            rows = 0
            while self._queue and (not group or rows < self._limits.group_rows):
                group.append(self._queue.popleft())
                rows += group[-1].batch.rows
            self._queued_rows -= rows
            return group

    def _commit(self, group: list[_Item]) -> None:
        try:
            acks = self._transact(group)
        except Exception as error:  # noqa: BLE001 - told to whoever waits
            if len(group) > 1:
                for item in group:
                    self._commit([item])
            else:
                group[0].done.set_exception(_blame(error))
            return
        for item, ack in zip(group, acks, strict=True):
            item.done.set_result(ack)

    def _transact(self, group: list[_Item]) -> list[Ack]:
        received_ns = self._clock_ns()
        self._cursor.begin()
        try:
            acks = [self._add(item, received_ns) for item in group]
            self._recorder.insert()
            self._cursor.commit()
        except BaseException:
            self._recorder.rollback()
            self._rollback()
            raise
        self._recorder.commit()
        return acks

    def _add(self, item: _Item, received_ns: int) -> Ack:
        is_repeat = self._recorder.is_repeat(item.digest, received_ns)
        if not is_repeat:
            self._recorder.add(item.batch, item.digest, received_ns)
        return Ack(item.batch.rejected, item.batch.message, is_repeat)

    def _rollback(self) -> None:
        try:
            self._cursor.rollback()
        except duckdb.TransactionException:
            _LOG.debug("the failed commit has already ended its transaction")

    def _compact(self) -> None:
        """Failure is logged and tried again: the next transaction matters more."""
        self._next_compaction_s = time.monotonic() + self._limits.compact_every_s
        now_ns = self._clock_ns()
        try:
            compact(self._cursor, now_ns // _SECOND_NS, self._retention)
            self._recorder.forget_digests(now_ns - DEDUPE_NS)
        except duckdb.Error:
            _LOG.exception("compaction failed; the next attempt follows")


def _blame(error: Exception) -> BatchRefused | WriteFailed:
    kind = BatchRefused if isinstance(error, _DATA_ERRORS) else WriteFailed
    blamed = kind(str(error))
    blamed.__cause__ = error
    return blamed
