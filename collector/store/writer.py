"""The one writing thread: group commit, and an answer only after it.

Batches that come within a short window share a transaction; when it fails, each is tried alone, so
that a bad one does not spoil its neighbours. The queue is bounded by bytes: Overloaded is raised
before memory is, DiskFull before the disk is. Between two commits it does the housekeeping. Never
decodes, never answers a client.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import duckdb
import pyarrow as pa

from collector.otlp.batch import Batch
from collector.otlp.cardinality import DEFAULT_LIMITS as DEFAULT_CARDINALITY
from collector.otlp.cardinality import CardinalityLimits
from collector.store.checkpoint import Checkpointer, CheckpointPolicy
from collector.store.compaction import Retention, compact
from collector.store.disk import SHED_TABLES, DiskLevel, DiskWatch, Watermarks, free_bytes
from collector.store.errors import (
    BatchRefused,
    DiskFull,
    Overloaded,
    StoreBroken,
    StoreClosed,
    WriteFailed,
)
from collector.store.housekeeping import Housekeeping, Step
from collector.store.quota import enforce
from collector.store.recorder import DEDUPE_NS, Recorder
from collector.store.store import Store
from collector.telemetry import CommitStats

_LOG: Final = logging.getLogger(__name__)
_SECOND_NS: Final = 10**9
_DATA_ERRORS: Final = (
    duckdb.DataError,
    duckdb.InvalidInputException,
    pa.ArrowInvalid,
    ValueError,
    OverflowError,
)
_FATAL_ERRORS: Final = (duckdb.FatalException, duckdb.InternalException)
"""After these DuckDB answers nothing more until every connection is closed."""


@dataclass(frozen=True, slots=True)
class Ack:
    """A batch is durable. ``is_repeat``: it had been before, and was not counted again.

    ``rejected`` are the items that were left out, by the decoder or because the disk is short.
    """

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
    disk: Watermarks = field(default_factory=Watermarks)
    checkpoint: CheckpointPolicy = field(default_factory=CheckpointPolicy)


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
        steps: Sequence[tuple[str, Step]] = (),
        free: Callable[[], int | None] | None = None,
        on_broken: Callable[[str], None] = lambda _: None,
        cardinality: CardinalityLimits = DEFAULT_CARDINALITY,
    ) -> None:
        """Start the thread.

        ``steps`` are further housekeeping, after retention. ``on_broken`` is called once, from any
        thread, when the store must be opened again. ``free`` replaces the look at the disk.
        """
        self._limits, self._retention, self._clock_ns = limits, retention, store.clock_ns
        self._cursor = store.cursor()
        self._on_broken, self._broken = on_broken, ""
        self.disk = DiskWatch(free or partial(free_bytes, store.path), limits.disk)
        self._recorder = Recorder(self._cursor, cardinality)
        self.stats = CommitStats()
        self._queue: deque[_Item] = deque()
        self._queued_rows = 0
        self._held_bytes = 0
        self._changed = threading.Condition()
        self._is_closed = False
        self._housekeeping = Housekeeping(
            (
                ("edges of spans", self._recorder.count_spans),
                ("retention", self._retain),
                *steps,
            ),
            every_s=limits.compact_every_s,
        )
        self.checkpointer = (
            None
            if store.path is None
            else Checkpointer(store.path, store.cursor(), self.disk, self._break, limits.checkpoint)
        )
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, batch: Batch, digest: bytes) -> Future[Ack]:
        """Queue a batch; the future is done after the commit.

        Raises Overloaded, DiskFull, StoreBroken or StoreClosed. The future fails with BatchRefused
        when the data themselves are at fault, with WriteFailed or StoreBroken when the disk is.
        ``digest`` identifies the request: a repeat is acknowledged, not counted.
        """
        self._admit()
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

    @property
    def broken(self) -> str:
        """Why the store must be opened again; empty when it need not."""
        return self._broken

    @property
    def trouble(self) -> str:
        """Why nothing can be taken now; empty when all is well."""
        try:
            self._admit()
        except (DiskFull, Overloaded, StoreBroken) as error:
            return str(error)
        return ""

    @property
    def queued_bytes(self) -> int:
        """Bytes of requests that wait for their commit."""
        return self._held_bytes

    @property
    def limits(self) -> WriterLimits:
        """What it was started with."""
        return self._limits

    @property
    def is_alive(self) -> bool:
        """Whether the writing thread runs."""
        return self._thread.is_alive()

    @property
    def warnings(self) -> Mapping[str, int]:
        """Return what was odd since the start, counted by reason: limits, lateness, overlaps."""
        return self._recorder.intake.warnings

    def close(self) -> None:
        """Take nothing more, commit what is queued, stop the threads."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()
        if self.checkpointer is not None:
            self.checkpointer.close()
        self._cursor.close()

    def _admit(self) -> None:
        if self._broken:
            raise StoreBroken(self._broken)
        if self.disk.level() is DiskLevel.FULL:
            raise DiskFull(self.disk.free(), self._limits.disk.refuse_below_bytes)
        most = self._limits.checkpoint.most_wal_bytes
        if self.checkpointer is not None and self.checkpointer.wal_bytes > most:
            raise Overloaded(self.checkpointer.wal_bytes, most)

    def _run(self) -> None:
        while (group := self._next_group()) is not None:
            if group:
                self._commit(group)
                with self._changed:
                    self._held_bytes -= sum(item.batch.body_bytes for item in group)
            if self._housekeeping.due_in_s() <= 0:
                self._keep_house()

    def _next_group(self) -> list[_Item] | None:
        """Wait for batches; [] when it is time for housekeeping, None when closed and drained."""
        with self._changed:
            while not self._queue:
                if self._is_closed:
                    return None
                idle_s = self._housekeeping.due_in_s()
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
        except _FATAL_ERRORS as error:
            self._break(str(error))
            for item in group:
                item.done.set_exception(StoreBroken(str(error)))
            return
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
        received_ns, started_s = self._clock_ns(), time.monotonic()
        self._recorder.shed = SHED_TABLES[self.disk.level()]
        self._cursor.begin()
        try:
            acks = [self._add(item, received_ns) for item in group]
            self._recorder.insert()
            self._cursor.commit()
        except BaseException as error:
            self.stats.broke(error)
            self._recorder.rollback()
            self._rollback()
            raise
        self._recorder.commit()
        rows = sum(item.batch.rows for item in group)
        self.stats.committed(time.monotonic() - started_s, len(group), rows, received_ns)
        return acks

    def _add(self, item: _Item, received_ns: int) -> Ack:
        batch = item.batch
        if self._recorder.is_repeat(item.digest, received_ns):
            return Ack(batch.rejected, batch.message, is_repeat=True)
        warnings = dict(self._recorder.add(batch, item.digest, received_ns))
        shed = sum(len(getattr(batch, table)) for table in self._recorder.shed)
        if shed:
            warnings["not kept: the disk is nearly full"] = shed
        reasons = (f"{count} x {reason}" for reason, count in warnings.items())
        message = "; ".join(filter(None, (batch.message, *reasons)))
        return Ack(batch.rejected + shed, message, is_repeat=False)

    def _rollback(self) -> None:
        try:
            self._cursor.rollback()
        except duckdb.TransactionException:
            _LOG.debug("the failed commit has already ended its transaction")

    def _keep_house(self) -> None:
        try:
            self._housekeeping.run(self._cursor, self._clock_ns())
        except _FATAL_ERRORS as error:
            self._break(str(error))

    def _retain(self, cursor: duckdb.DuckDBPyConnection, now_ns: int) -> None:
        """Merge rollups, delete by age and by bytes, forget what is as old in memory."""
        compact(cursor, now_ns // _SECOND_NS, self._retention)
        limit_bytes = self._retention.store_bytes
        if limit_bytes and enforce(cursor, limit_bytes) and self.checkpointer is not None:
            self.checkpointer.want()
        self._recorder.forget_digests(now_ns - DEDUPE_NS)
        self._recorder.forget_counters(now_ns - self._retention.metrics_s * _SECOND_NS)

    def _break(self, reason: str) -> None:
        """Take nothing more: the database is invalid until it is opened again."""
        if not self._broken:
            self._broken = reason
            _LOG.critical("the store must be opened again: %s", reason)
            self._on_broken(reason)


def _blame(error: Exception) -> BatchRefused | WriteFailed:
    kind = BatchRefused if isinstance(error, _DATA_ERRORS) else WriteFailed
    blamed = kind(str(error))
    blamed.__cause__ = error
    return blamed
