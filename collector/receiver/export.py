"""One export request, the same on every transport: decode, submit, wait for the commit, answer.

Never knows a socket. Raises what ``faults`` can name; when it returns, the data are durable.
"""

import hashlib
from collections.abc import Mapping
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
from collector.store.writer import Ack

SignalName = Literal["traces", "metrics", "logs"]
Encoding = Literal["protobuf", "json"]

COMMIT_TIMEOUT_S: Final = 30.0
"""After this long without a commit the sender is told to come again; a repeat is not counted."""
MAX_MESSAGE_CHARACTERS: Final = 4096
"""A response must stay small (OTLP: 4 MiB); what is too much to say is cut here."""


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
class Prepared:
    """A decoded request; ``digest`` identifies its content, by which a repeat is known."""

    signal: Signal
    batch: Batch
    digest: bytes


def prepare(name: SignalName, body: bytes, *, encoding: Encoding = "protobuf") -> Prepared:
    """Decode a body; raise MalformedPayload. The same data in JSON have the same digest."""
    signal = SIGNALS[name]
    encoded = json_to_protobuf(signal.request_type, body) if encoding == "json" else body
    digest = hashlib.sha256(name.encode() + b"\0" + encoded).digest()
    return Prepared(signal, replace(signal.decode(encoded), signal=name), digest)


def submit(sink: Sink, prepared: Prepared) -> Future[Ack] | None:
    """Hand the data over; None when there are none, and so nothing to wait for."""
    return sink.submit(prepared.batch, prepared.digest) if prepared.batch.resources else None


def note_refused(sink: Sink, signal: str, error: Exception) -> None:
    """Let a sink that counts know of a request that never reached it, or that it failed."""
    if isinstance(sink, Counts):
        sink.refused(signal, error)


def answer(prepared: Prepared, ack: Ack | None, now_ns: int) -> Any:
    """Return the response message: empty, unless items were rejected or the sender is warned."""
    rejected, message = (ack or prepared.batch).rejected, (ack or prepared.batch).message
    said = "; ".join(filter(None, (message, skew_warning(prepared.batch, now_ns))))
    response = prepared.signal.response_type()
    if rejected:
        setattr(response.partial_success, prepared.signal.rejected_field, rejected)
    if rejected or said:
        response.partial_success.error_message = said[:MAX_MESSAGE_CHARACTERS]
    return response


def export(sink: Sink, name: SignalName, body: bytes, *, now_ns: int) -> Any:
    """Return the response message of a request whose data are durable; waits for the commit.

    Raises MalformedPayload, BatchRefused, Overloaded, StoreClosed, WriteFailed or TimeoutError.
    """
    prepared = prepare(name, body)
    waiting = submit(sink, prepared)
    return answer(prepared, waiting.result(COMMIT_TIMEOUT_S) if waiting else None, now_ns)
