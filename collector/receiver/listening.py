"""Notes who sends, how late and how long it waits, on the way to the writer: a Sink itself.

A proxy whose request is refused because the disk is full has been heard all the same. Never keeps
a batch, and never changes one.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

import numpy as np

from collector.otlp.batch import Batch
from collector.receiver.intake import Keeper
from collector.receiver.rhythm import Exporters
from collector.receiver.skew import skew_warning
from collector.store.acks import Ack, Together
from collector.store.span_edges import LATE_S, SETTLE_S
from collector.telemetry import Counter

RECOUNTED: Final = "recounted"
"""Came after its edges had been counted, which is done again."""
UNCOUNTED: Final = "uncounted"
"""Came so late that it is stored, but in no count of edges."""
_FORGET_S: Final = 86_400.0
_SECOND_NS: Final = 10**9


class Listening:
    """Hands all on to ``keeper``, and tells ``exporters`` whose it was. Serves all transports."""

    def __init__(self, keeper: Keeper, exporters: Exporters, clock_s: Callable[[], float]) -> None:
        self._keeper, self._exporters, self._clock_s = keeper, exporters, clock_s
        self._forgot_s = clock_s()
        self.late_spans = Counter()
        self.far_times = Counter()
        self._waiting: dict[int, float] = {}
        self._lock = threading.Lock()
        self._number = 0

    def submit(self, batch: Batch, digest: bytes) -> Future[Ack]:
        """Note what is asked, then queue the batch; raises what the writer raises."""
        self._note(batch)
        return self._watched(self._keeper.submit(batch, digest))

    def submit_together(self, asked: Together) -> Future[tuple[Ack, ...]]:
        """Note what is asked, then queue the requests; raises what the writer raises."""
        self._note(asked.batch)
        return self._watched(self._keeper.submit_together(asked))

    def oldest_wait_s(self) -> float:
        """Return for how long the oldest request waits for its commit; 0 when none does."""
        with self._lock:
            began_s = min(self._waiting.values(), default=None)
        return 0.0 if began_s is None else time.monotonic() - began_s

    def _note(self, batch: Batch) -> None:
        now_s = self._clock_s()
        self._exporters.hear(batch.resources, now_s)
        if len(batch.spans):
            for reason, number in late_spans(batch, now_s).items():
                self.late_spans.add((reason,), number)
        if skew_warning(batch, round(now_s * _SECOND_NS)):
            self.far_times.add((batch.signal,))
        if now_s - self._forgot_s > _FORGET_S:
            self._forgot_s = now_s
            self._exporters.forget(now_s - _FORGET_S)

    def _watched(self, waiting: Future[Any]) -> Future[Any]:
        with self._lock:
            self._number += 1
            number = self._number
            self._waiting[number] = time.monotonic()
        waiting.add_done_callback(lambda _: self._forget(number))
        return waiting

    def _forget(self, number: int) -> None:
        with self._lock:
            self._waiting.pop(number, None)


def late_spans(batch: Batch, now_s: float) -> dict[str, int]:
    """Return how many spans came long after their end, by what becomes of them."""
    ends_ns = batch.spans["start_ns"].to_numpy() + batch.spans["duration_ns"].to_numpy()
    late_s = now_s - ends_ns / _SECOND_NS
    uncounted = int(np.count_nonzero(late_s > LATE_S))
    recounted = int(np.count_nonzero(late_s > SETTLE_S)) - uncounted
    return {RECOUNTED: recounted, UNCOUNTED: uncounted}
