"""One export request, the same on every transport: decode, submit, wait for the commit, answer.

Never knows a socket. Raises what ``faults`` can name; when it returns, the data are durable.
"""

import hashlib
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

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
from collector.store.writer import Ack

SignalName = Literal["traces", "metrics", "logs"]
Encoding = Literal["protobuf", "json"]

COMMIT_TIMEOUT_S: Final = 30.0
"""After this long without a commit the sender is told to come again; a repeat is not counted."""


class Sink(Protocol):
    """Where batches go: ``collector.store.writer.Writer``."""

    def submit(self, batch: Batch, digest: bytes) -> Future[Ack]:
        """Queue a batch; the future is done when it is durable."""
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


def export(sink: Sink, name: SignalName, body: bytes, *, encoding: Encoding = "protobuf") -> Any:
    """Return the response message of a request whose data are durable.

    Raises MalformedPayload, BatchRefused, Overloaded, StoreClosed, WriteFailed or TimeoutError.
    """
    signal = SIGNALS[name]
    encoded = json_to_protobuf(signal.request_type, body) if encoding == "json" else body
    batch = signal.decode(encoded)
    if batch.resources:
        digest = hashlib.sha256(name.encode() + b"\0" + encoded).digest()
        sink.submit(batch, digest).result(COMMIT_TIMEOUT_S)
    response = signal.response_type()
    if batch.rejected:
        setattr(response.partial_success, signal.rejected_field, batch.rejected)
        response.partial_success.error_message = batch.message
    return response
