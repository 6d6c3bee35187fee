"""What stands between a receiver and the writer: redaction, and the count of all that passes.

A Sink itself, one for each transport. Counts after the commit, when it is known what became of the
items; never keeps a batch.
"""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from collector.otlp.batch import Batch
from collector.receiver.export import Sink
from collector.redaction.redactor import Counts, Redacted
from collector.store.acks import Ack, Part, Together
from collector.telemetry import Counter, Histogram, Registry

_LOG: Final = logging.getLogger(__name__)
Redact = Callable[[Batch], Redacted]


class Keeper(Sink, Protocol):
    """What commits: ``collector.store.writer.Writer``."""

    def submit_together(self, asked: Together) -> Future[tuple[Ack, ...]]:
        """Queue requests that were decoded together; an answer for each."""
        ...


_TIMES: Final = {"spans": "start_ns", "logs": "time_ns", "points": "time_ns"}
"""Tables whose newest time tells how far behind the senders we are."""


class Received:
    """What came, over all transports."""

    def __init__(self) -> None:
        self.requests = Counter()
        self.refused = Counter()
        self.items = Counter()
        self.rejected = Counter()
        self.bytes = Counter()
        self.masked = Counter()
        self.ack_seconds = Histogram()
        self.newest_ns: dict[str, int] = {}

    def register(self, registry: Registry) -> None:
        """Tell the registry what is counted here."""
        by = ("signal", "transport")
        told = registry.counter
        told("meshscope_requests_total", "Export requests with data, by what became of them.",
             self.requests.values, (*by, "outcome"))  # fmt: skip
        told("meshscope_requests_refused_total", "Export requests answered with an error.",
             self.refused.values, (*by, "reason"))  # fmt: skip
        told("meshscope_items_total", "Spans, points and log records, by what became of them.",
             self.items.values, (*by, "outcome"))  # fmt: skip
        told("meshscope_items_rejected_total", "Items that were left out of a request, by reason.",
             self.rejected.values, (*by, "reason"))  # fmt: skip
        told("meshscope_received_bytes_total", "Bytes of export requests, unpacked protobuf.",
             self.bytes.values, by)  # fmt: skip
        told("meshscope_masked_total", "Secrets and personal data masked before storing.",
             self.masked.values, ("signal", "service", "kind"))  # fmt: skip
        registry.histogram("meshscope_ack_seconds", "From a decoded request to its commit.",
                           self.ack_seconds.value)  # fmt: skip


class Intake:
    """A Sink before the writer, for one transport."""

    def __init__(self, sink: Keeper, redact: Redact, received: Received, transport: str) -> None:
        self._sink, self._redact = sink, redact
        self._received, self._transport = received, transport

    def submit(self, batch: Batch, digest: bytes) -> Future[Ack]:
        """Hand on what may be stored; raises what the writer raises."""
        started_s = time.monotonic()
        clean = self._redact(batch)
        waiting = self._sink.submit(clean.batch, digest)
        counted: Future[Ack] = Future()
        counted.set_running_or_notify_cancel()  # what is being written cannot be called back
        part = Part(digest, batch.rows, batch.rejected, batch.message)

        def done(acked: Future[Ack]) -> None:
            if self._handed_on(acked, counted):
                self._count((acked.result(),), (part,), clean, started_s)
                counted.set_result(acked.result())

        waiting.add_done_callback(done)
        return counted

    def submit_together(self, asked: Together) -> Future[tuple[Ack, ...]]:
        """Hand on requests that were decoded together; raises what the writer raises."""
        started_s = time.monotonic()
        clean = self._redact(asked.batch)
        waiting = self._sink.submit_together(Together(clean.batch, asked.parts))
        counted: Future[tuple[Ack, ...]] = Future()
        counted.set_running_or_notify_cancel()

        def done(acked: Future[tuple[Ack, ...]]) -> None:
            if self._handed_on(acked, counted):
                self._count(acked.result(), asked.parts, clean, started_s)
                counted.set_result(acked.result())

        waiting.add_done_callback(done)
        return counted

    def refused(self, signal: str, error: Exception) -> None:
        """Count a request that was answered with an error."""
        self._received.refused.add((signal, self._transport, type(error).__name__))

    @staticmethod
    def _handed_on(acked: Future[Any], counted: Future[Any]) -> bool:
        """Tell whether there is an answer to count; the transport counts what failed."""
        error = acked.exception()
        if error is not None:
            counted.set_exception(error)
        return error is None

    def _count(
        self, acks: Sequence[Ack], parts: Sequence[Part], clean: Redacted, started_s: float
    ) -> None:
        """Count, before the answer: whoever has an answer finds it counted."""
        try:
            self._count_all(acks, parts, clean, time.monotonic() - started_s)
        except Exception:  # noqa: BLE001 - durable is durable; the sender must know
            _LOG.exception("an export could not be counted")

    def _count_all(
        self, acks: Sequence[Ack], parts: Sequence[Part], clean: Redacted, took_s: float
    ) -> None:
        batch, received = clean.batch, self._received
        key = (batch.signal, self._transport)
        received.bytes.add(key, batch.body_bytes)
        received.ack_seconds.observe(took_s, len(acks))
        for outcome, is_repeat in (("accepted", False), ("repeated", True)):
            kept = [part.rows - (ack.rejected - part.rejected)
                    for ack, part in zip(acks, parts, strict=True)
                    if ack.is_repeat is is_repeat]  # fmt: skip
            if kept:
                received.requests.add((*key, outcome), len(kept))
                received.items.add((*key, outcome), sum(kept))
        if all(ack.is_repeat for ack in acks):
            return
        for ack in acks:
            if ack.rejected and not ack.is_repeat:
                received.items.add((*key, "rejected"), ack.rejected)
                for reason, number in reasons(ack.message).items():
                    if reason not in batch.warnings:
                        received.rejected.add((*key, reason), number)
        _count_masked(received.masked, batch.signal, clean.masked)
        self._note_newest(batch)

    def _note_newest(self, batch: Batch) -> None:
        for table, column in _TIMES.items():
            rows: pa.Table = getattr(batch, table)
            if len(rows):
                newest = pc.max(rows[column]).as_py()
                known = self._received.newest_ns.get(batch.signal, 0)
                self._received.newest_ns[batch.signal] = max(known, newest)


def reasons(message: str) -> dict[str, int]:
    """Read back the counts of a rejection message: ``3 x reason; 1 x another``."""
    found: dict[str, int] = {}
    for part in message.split("; "):
        number, separator, reason = part.partition(" x ")
        if separator and number.isdecimal():
            found[reason] = found.get(reason, 0) + int(number)
    return found


def _count_masked(masked: Counter, signal: str, counts: Counts) -> None:
    for (service, kind), number in counts.items():
        masked.add((signal, service, kind), number)
