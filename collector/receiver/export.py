"""One export request, the same on every transport: decode, submit, wait for the commit, answer.

Never knows a socket. Raises what ``faults`` can name; when it returns, the data are durable.
"""

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Protocol, runtime_checkable

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from collector.otlp.batch import Batch, Decoder
from collector.otlp.json_mapping import json_to_protobuf
from collector.otlp.logs import decode_logs
from collector.otlp.metrics import decode_metrics
from collector.otlp.traces import decode_traces
from collector.receiver.skew import skew_warning
from collector.store.acks import Ack

SignalName = Literal["traces", "metrics", "logs"]
Encoding = Literal["protobuf", "json"]

COMMIT_TIMEOUT_S: Final = 30.0
"""After this long without a commit the sender is told to come again; a repeat is not counted."""
MAX_RESPONSE_BYTES: Final = 4 * 2**20
"""OTLP's limit of a response."""
MAX_MESSAGE_CHARACTERS: Final = 4096
"""What is too much to say is cut here; the only part of a response that may be long."""


class Sink(Protocol):
    """Where batches go: ``collector.store.writer.Writer``."""

    def submit(self, batch: Batch, digest: bytes) -> Future[Ack]:
        """Queue a batch; the future is done when it is durable."""
        ...


@runtime_checkable
class Counts(Protocol):
    """A sink that wants to know what was refused: ``collector.receiver.intake.Intake``."""

    def refused(self, signal: str, error: Exception) -> None:
        """Count a request that was answered with an error."""
        ...


@dataclass(frozen=True, slots=True)
class Signal:
    """What tells one signal from another."""

    service: str
    request_type: Any
    response_type: Any
    rejected_field: str
    decode: Decoder


SIGNALS: Final[Mapping[SignalName, Signal]] = {
    "traces": Signal(
        "opentelemetry.proto.collector.trace.v1.TraceService",
        ExportTraceServiceRequest,
        ExportTraceServiceResponse,
        "rejected_spans",
        decode_traces,
    ),
    "metrics": Signal(
        "opentelemetry.proto.collector.metrics.v1.MetricsService",
        ExportMetricsServiceRequest,
        ExportMetricsServiceResponse,
        "rejected_data_points",
        decode_metrics,
    ),
    "logs": Signal(
        "opentelemetry.proto.collector.logs.v1.LogsService",
        ExportLogsServiceRequest,
        ExportLogsServiceResponse,
        "rejected_log_records",
        decode_logs,
    ),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What the sender of durable data is told: how many items were left out, and why; warnings."""

    rejected: int
    message: str


@runtime_checkable
class Gathers(Protocol):
    """A sink that decodes traces itself, many requests together: ``receiver.gathering``."""

    def gather(self, body: bytes) -> Future[Told]:
        """Take a trace export; the future is done when its spans are durable."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """A decoded request; ``digest`` identifies its content, by which a repeat is known."""

    signal: Signal
    batch: Batch
    digest: bytes


def prepare(name: SignalName, body: bytes, *, encoding: Encoding = "protobuf") -> Prepared:
    """Decode a body; raise MalformedPayload. The same data in JSON have the same digest."""
    signal = SIGNALS[name]
    encoded = json_to_protobuf(signal.request_type, body) if encoding == "json" else body
    return Prepared(signal, replace(signal.decode(encoded), signal=name), digest(name, encoded))


def digest(name: str, body: bytes) -> bytes:
    """Return what identifies the content of a request; ``name`` tells one kind from another."""
    hashed = hashlib.sha256(name.encode() + b"\0")
    hashed.update(body)
    return hashed.digest()


def submit(sink: Sink, prepared: Prepared) -> Future[Ack] | None:
    """Hand the data over; None when there are none, and so nothing to wait for."""
    return sink.submit(prepared.batch, prepared.digest) if prepared.batch.resources else None


def note_refused(sink: Sink, signal: str, error: Exception) -> None:
    """Let a sink that counts know of a request that never reached it, or that it failed."""
    if isinstance(sink, Counts):
        sink.refused(signal, error)


def told(rejected: int, message: str, warning: str) -> Told:
    """Return what to say: of what was left out, then of what was taken but is odd."""
    return Told(rejected, "; ".join(filter(None, (message, warning))))


def answer(prepared: Prepared, ack: Ack | None, now_ns: int) -> Any:
    """Return the response message: empty, unless items were rejected or the sender is warned."""
    kept = ack or prepared.batch
    said = told(kept.rejected, kept.message, skew_warning(prepared.batch, now_ns))
    return respond(prepared.signal, said)


def respond(signal: Signal, said: Told) -> Any:
    """Return the response message that says it."""
    response = signal.response_type()
    if said.rejected:
        setattr(response.partial_success, signal.rejected_field, said.rejected)
    if said.rejected or said.message:
        response.partial_success.error_message = said.message[:MAX_MESSAGE_CHARACTERS]
    return response


def start(
    sink: Sink, name: SignalName, body: bytes, clock_ns: Callable[[], int], done: Future[Told]
) -> None:
    """Decode and submit; ``done`` gets what to tell the sender, or why not, after the commit."""
    try:
        prepared = prepare(name, body)
        waiting = submit(sink, prepared)
    except Exception as error:  # noqa: BLE001 - told to whoever waits
        done.set_exception(error)
        return

    def committed(acked: Future[Ack]) -> None:
        error = acked.exception()
        if error is not None:
            done.set_exception(error)
            return
        ack = acked.result()
        done.set_result(told(ack.rejected, ack.message, skew_warning(prepared.batch, clock_ns())))

    if waiting is None:
        done.set_result(Told(prepared.batch.rejected, prepared.batch.message))
    else:
        waiting.add_done_callback(committed)


def export(sink: Sink, name: SignalName, body: bytes, *, now_ns: int) -> Any:
    """Return the response message of a request whose data are durable; waits for the commit.

    Raises MalformedPayload, BatchRefused, Overloaded, StoreClosed, WriteFailed or TimeoutError.
    """
    if name == "traces" and isinstance(sink, Gathers):
        return respond(SIGNALS[name], sink.gather(body).result(COMMIT_TIMEOUT_S))
    prepared = prepare(name, body)
    waiting = submit(sink, prepared)
    return answer(prepared, waiting.result(COMMIT_TIMEOUT_S) if waiting else None, now_ns)
