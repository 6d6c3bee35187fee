"""The one writing thread: group commit, and an answer only after it.

Batches that come within a short window share a transaction; when it fails, each is tried alone, so
that a bad one does not spoil its neighbours. The queue is bounded by bytes: Overloaded is raised
before memory is, DiskFull before the disk is. Between two commits it does the housekeeping. Never
decodes, never answers a client.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import duckdb
import pyarrow as pa

from collector.otlp.batch import Batch
from collector.otlp.cardinality import DEFAULT_LIMITS as DEFAULT_CARDINALITY
from collector.otlp.cardinality import CardinalityLimits
from collector.store.acks import Ack, Part, Together
from collector.store.checkpoint import Checkpointer, CheckpointPolicy
from collector.store.compaction import Retention, compact
from collector.store.disk import SHED_TABLES, DiskLevel, DiskWatch, Watermarks, free_bytes
from collector.store.errors import (
    BatchRefused,
    DiskFull,
    Overloaded,
    StoreBroken,
    WriteFailed,
)
from collector.store.group_queue import Asked, Errand, GroupQueue
from collector.store.housekeeping import Housekeeping, Step
from collector.store.quota import Quota
from collector.store.recorder import DEDUPE_NS, Recorder
from collector.store.span_counting import SpanCounting
from collector.store.store import Store
from collector.telemetry import CommitStats, Counter

_LOG: Final = logging.getLogger(__name__)
_SECOND_NS: Final = 10**9
_DATA_ERRORS: Final = (
    duckdb.DataError,
    duckdb.ConstraintException,
    duckdb.InvalidInputException,
    pa.ArrowInvalid,
    ValueError,
    OverflowError,
)
_FATAL_ERRORS: Final = (duckdb.FatalException, duckdb.InternalException)
"""After these DuckDB answers nothing more until every connection is closed."""


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """``window_s``: how long the first batch waits for company, at least; 0: none waits."""

    window_s: float = 0.02
    group_rows: int = 50_000
    queue_bytes: int = 64 * 2**20
    compact_every_s: float = 60.0
    count_spans_every_s: float = 10.0
    quota_every_s: float = 1.0
    disk: Watermarks = field(default_factory=Watermarks)
    checkpoint: CheckpointPolicy = field(default_factory=CheckpointPolicy)


DEFAULT_LIMITS: Final = WriterLimits()
DEFAULT_RETENTION: Final = Retention()


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
        self.deleted_by_age = Counter()
        self._queue = GroupQueue(
            window_s=limits.window_s, group_rows=limits.group_rows, most_bytes=limits.queue_bytes
        )
        self._housekeeping = Housekeeping(
            (
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
        limit_bytes = retention.store_bytes
        self.quota = Quota(store.path, limit_bytes) if store.path and limit_bytes else None
        self._quota_at_s = 0.0
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()
        self._span_counting = SpanCounting(
            store.cursor(),
            watch=self._recorder.watch_spans,
            put=lambda stretch: self.between(lambda at: self._recorder.put_spans(at, stretch)),
            clock_ns=store.clock_ns,
            every_s=limits.count_spans_every_s,
        )

    def submit(self, batch: Batch, digest: bytes) -> Future[Ack]:
        """Queue a batch; the future is done after the commit.

        Raises Overloaded, DiskFull, StoreBroken or StoreClosed. The future fails with BatchRefused
        when the data themselves are at fault, with WriteFailed or StoreBroken when the disk is.
        ``digest`` identifies the request: a repeat is acknowledged, not counted.
        """
        part = Part(digest, len(batch.spans), batch.rejected, batch.message)
        one: Future[Ack] = Future()
        one.set_running_or_notify_cancel()  # what is being written cannot be called back
        self._admit()
        done = self._queue.put(Together(batch, (part,)))
        done.add_done_callback(lambda all_: _hand_on(all_, one))
        return one

    def submit_together(self, asked: Together) -> Future[tuple[Ack, ...]]:
        """Queue requests that were decoded together, as ``submit`` does: an answer for each part.

        They fail together. They have waited for company already, so that no time is given to more.
        """
        self._admit()
        return self._queue.put(asked, is_urgent=True)

    def between(self, work: Errand) -> Future[None]:
        """Have work done by the writing thread, between two commits; it leaves no transaction open.

        Raises StoreBroken or StoreClosed; the future fails as the work does.
        """
        if self._broken:
            raise StoreBroken(self._broken)
        return self._queue.put_errand(work)

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
        return self._queue.held_bytes

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
        return self._recorder.gate.warnings

    @property
    def overflowed(self) -> Mapping[tuple[str, ...], float]:
        """Return what was beyond a limit: counts by (limit, service, metric); '' for edges."""
        return self._recorder.gate.overflowed.values()

    def close(self) -> None:
        """Take nothing more, commit what is queued, stop the threads."""
        self._span_counting.close()
        self._queue.close()
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
        while (group := self._queue.next_group(self._housekeeping.due_in_s)) is not None:
            if group:
                with self._writing():
                    self._commit(group)
                self._queue.answered(group)
            with self._writing():
                self._keep_within_quota()
                while (errand := self._queue.next_errand()) is not None:
                    self._do(*errand)
                if self._housekeeping.due_in_s() <= 0:
                    self._keep_house()

    def _writing(self) -> AbstractContextManager[None]:
        return nullcontext() if self.checkpointer is None else self.checkpointer.writing()

    def _do(self, work: Errand, done: Future[None]) -> None:
        try:
            work(self._cursor)
        except BaseException as error:  # noqa: BLE001 - told to whoever asked
            if isinstance(error, _FATAL_ERRORS):
                self._break(str(error))
            done.set_exception(error)
        else:
            done.set_result(None)

    def _commit(self, group: list[Asked]) -> None:
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
        for item, told in zip(group, acks, strict=True):
            item.done.set_result(told)

    def _transact(self, group: list[Asked]) -> list[tuple[Ack, ...]]:
        received_ns, started_s = self._clock_ns(), time.monotonic()
        self._recorder.shed = SHED_TABLES[self.disk.level()]
        self._cursor.begin()
        try:
            acks = [self._add(item.together, received_ns) for item in group]
            self._recorder.insert()
            self._cursor.commit()
        except BaseException as error:
            self.stats.broke(error)
            self._recorder.rollback()
            self._rollback()
            raise
        self._recorder.commit()
        rows = sum(item.together.batch.rows for item in group)
        requests = sum(len(item.together.parts) for item in group)
        took_s = time.monotonic() - started_s
        self._queue.pace.took(took_s, requests)
        self.stats.committed(took_s, requests, rows, received_ns)
        return acks

    def _add(self, asked: Together, received_ns: int) -> tuple[Ack, ...]:
        repeats = []
        for part in asked.parts:
            repeats.append(self._recorder.is_repeat(part.digest, received_ns))
            if not repeats[-1]:
                self._recorder.note(part.digest, received_ns)
        warnings: Mapping[str, int] = {}
        if not all(repeats):
            warnings = self._recorder.add(asked.without(repeats), received_ns)
        said = tuple(f"{count} x {reason}" for reason, count in warnings.items())
        return tuple(
            Ack(part.rejected, part.message, is_repeat=True)
            if is_repeat
            else self._ack(asked, part, said)
            for part, is_repeat in zip(asked.parts, repeats, strict=True)
        )

    def _ack(self, asked: Together, part: Part, said: tuple[str, ...]) -> Ack:
        """Return the answer to a part; of a batch of one, other tables than spans are its own."""
        shed = part.rows if "spans" in self._recorder.shed else 0
        if len(asked.parts) == 1:
            others = self._recorder.shed - {"spans"}
            shed += sum(len(getattr(asked.batch, table)) for table in others)
        if shed:
            said = (*said, f"{shed} x not kept: the disk is nearly full")
        message = "; ".join(filter(None, (part.message, *said)))
        return Ack(part.rejected + shed, message, is_repeat=False)

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

    def _keep_within_quota(self) -> None:
        """Do one slice, now and then; more often while there is more to do."""
        if self.quota is None or self.checkpointer is None or self._quota_at_s > time.monotonic():
            return
        try:
            is_more = self.quota.slice(self._cursor, self._clock_ns())
        except _FATAL_ERRORS as error:
            self._break(str(error))
        except (duckdb.Error, OSError):
            _LOG.exception("retention by bytes failed; it is tried again")
            is_more = False
        if self.quota.wants_checkpoint:
            self.checkpointer.want()
        self._quota_at_s = time.monotonic() + (0.0 if is_more else self._limits.quota_every_s)

    def _retain(self, cursor: duckdb.DuckDBPyConnection, now_ns: int) -> None:
        """Merge rollups, delete by age, forget what is as old in memory."""
        compact(cursor, now_ns // _SECOND_NS, self._retention, self.deleted_by_age)
        self._recorder.forget_digests(now_ns - DEDUPE_NS)
        self._recorder.forget_counters(now_ns - self._retention.metrics_s * _SECOND_NS)
        self._recorder.settle(cursor, now_ns // _SECOND_NS)

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


def _hand_on(done: Future[tuple[Ack, ...]], one: Future[Ack]) -> None:
    error = done.exception()
    if error is None:
        one.set_result(done.result()[0])
    else:
        one.set_exception(error)
