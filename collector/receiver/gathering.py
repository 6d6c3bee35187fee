"""Trace exports of many senders decoded together: one call of the scanner, one look for secrets.

Small exports cost mostly what is paid for each call, whatever is in it. So those that come within
a short window become one batch, which the writer commits at once; each is answered by itself. What
the scanner does not know, and what cannot be committed in company, is done again alone, so that a
bad export harms no neighbour.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Protocol, Self

import numpy as np

from collector.otlp.batch import Batch
from collector.otlp.traces import DecodedTogether, decode_traces_together
from collector.receiver import export
from collector.receiver.skew import skew_of
from collector.store.acks import Ack, Part, Together
from collector.store.errors import StoreClosed, StoreError
from collector.store.pacing import Pace

_LOG: Final = logging.getLogger(__name__)
WINDOW_S: Final = 0.02
MAX_BYTES: Final = 4 * 2**20
"""A group with more waits no longer: what a commit costs by itself is little beside it."""


class GroupSink(export.Sink, Protocol):
    """Where groups go: ``collector.receiver.intake.Intake``."""

    def submit_together(self, asked: Together) -> Future[tuple[Ack, ...]]:
        """Queue requests that were decoded together; an answer for each."""
        ...

    def refused(self, signal: str, error: Exception) -> None:
        """Count a request that was answered with an error."""
        ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    body: bytes
    told: Future[export.Told] = field(default_factory=Future)


class Gatherer:
    """A sink for one transport, with a thread of its own; close it before what it hands on to."""

    def __init__(
        self,
        sink: GroupSink,
        *,
        window_s: float = WINDOW_S,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._sink, self._pace, self._clock_ns = sink, Pace(window_s), clock_ns
        self._queue: list[_Waiting] = []
        self._queued_bytes = 0
        self._changed = threading.Condition()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="trace-gatherer", daemon=True)
        self._thread.start()

    def submit(self, batch: Batch, digest: bytes) -> Future[Ack]:
        """Hand on a batch that somebody else decoded."""
        return self._sink.submit(batch, digest)

    def refused(self, signal: str, error: Exception) -> None:
        """Count a request that was answered with an error."""
        self._sink.refused(signal, error)

    def gather(self, body: bytes) -> Future[export.Told]:
        """Take a trace export; the future is done when its spans are durable.

        It fails as ``export`` does. Raises StoreClosed.
        """
        waiting = _Waiting(body)
        waiting.told.set_running_or_notify_cancel()
        with self._changed:
            if self._is_closed:
                raise StoreClosed("the server is stopping; send again")
            self._queue.append(waiting)
            self._queued_bytes += len(body)
            if len(self._queue) == 1 or self._queued_bytes >= MAX_BYTES:
                self._changed.notify()
        return waiting.told

    def close(self) -> None:
        """Take nothing more, hand on what has come."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        while group := self._next_group():
            try:
                self._together(group)
            except Exception:  # noqa: BLE001 - whatever it is, each is told by itself
                _LOG.exception("exports could not be taken together; each is tried alone")
                self._alone(group)

    def _next_group(self) -> list[_Waiting]:
        """Wait for exports, and for their company; none when closed and drained."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._is_closed)
            self._changed.wait_for(
                lambda: self._is_closed or self._queued_bytes >= MAX_BYTES, self._pace.window_s
            )
            group, self._queue = self._queue, []
            self._queued_bytes = 0
            return group

    def _together(self, group: list[_Waiting]) -> None:
        found = decode_traces_together([one.body for one in group]) if len(group) > 1 else None
        if found is None:
            self._alone(group)
            return
        warnings = _skews(found, self._clock_ns())
        kept = [place for place, count in enumerate(found.resources) if count]
        for place in sorted(set(range(len(group))) - set(kept)):
            group[place].told.set_result(export.Told(0, ""))
        parts = tuple(_part(group[place].body, found, place) for place in kept)
        if not parts:
            return
        asked = [(group[place], warnings[place]) for place in kept]
        began_s = time.monotonic()
        try:
            done = self._sink.submit_together(Together(found.batch, parts))
        except StoreError as error:  # nothing is taken now, in company or alone
            for waiting, _ in asked:
                waiting.told.set_exception(error)
            return
        done.add_done_callback(lambda acks: self._answer(asked, acks, began_s))

    def _answer(
        self,
        asked: Sequence[tuple[_Waiting, str]],
        done: Future[tuple[Ack, ...]],
        began_s: float,
    ) -> None:
        self._pace.took(time.monotonic() - began_s, len(asked))
        if done.exception() is not None:
            self._alone([waiting for waiting, _ in asked])
            return
        for (waiting, warning), ack in zip(asked, done.result(), strict=True):
            waiting.told.set_result(export.told(ack.rejected, ack.message, warning))

    def _alone(self, group: list[_Waiting]) -> None:
        for waiting in group:
            if not waiting.told.done():
                export.start(self._sink, "traces", waiting.body, self._clock_ns, waiting.told)


def _part(body: bytes, found: DecodedTogether, place: int) -> Part:
    digest = export.digest("traces", body)
    return Part(digest, found.rows[place], *found.rejections[place])


def _skews(found: DecodedTogether, now_ns: int) -> list[str]:
    """Return what to tell each sender of the times in its spans."""
    starts_ns = found.batch.spans["start_ns"].to_numpy()
    warnings = [""] * len(found.rows)
    if not len(starts_ns) or not skew_of(int(starts_ns.min()), int(starts_ns.max()), now_ns):
        return warnings
    ends = np.cumsum(found.rows).tolist()
    for place, (end, rows) in enumerate(zip(ends, found.rows, strict=True)):
        own = starts_ns[end - rows : end]
        if rows:
            warnings[place] = skew_of(int(own.min()), int(own.max()), now_ns)
    return warnings
