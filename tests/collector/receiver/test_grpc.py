"""OTLP over gRPC, by real clients on free ports."""

import gzip

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from collector import semconv
from collector.receiver.errors import PortInUse
from collector.receiver.grpc import start_grpc
from collector.store import reader
from collector.store.errors import Overloaded
from tests.collector.exports import ENVOY_TIME_NS, TAGS, envoy, span_request

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


@pytest.fixture
def call():
    """Return call(sink, method, body, **options): start a server, send, stop."""
    receivers = []

    def send(sink, method, body, *, compression=None, **options):
        receiver = start_grpc(sink, port=0, clock_ns=lambda: ENVOY_TIME_NS, **options)
        receivers.append(receiver)
        with grpc.insecure_channel(
            f"127.0.0.1:{receiver.port}", options=[("grpc.max_send_message_length", -1)]
        ) as channel:
            return channel.unary_unary(method)(body, timeout=30, compression=compression)

    yield send
    for receiver in receivers:
        receiver.stop(0)


def status_of(error):
    metadata = dict(error.trailing_metadata())
    return Status.FromString(metadata["grpc-status-details-bin"])


@pytest.mark.parametrize(
    ("method", "name", "table", "rows"),
    [
        (TRACES, "A-16-canary-20pct__traces", "spans", 40),
        (METRICS, "A-16-canary-20pct__metrics__fe", "export_requests", 1),
        (LOGS, "A-05-timeout__logs", "logs", 1),
    ],
)
def test_success_is_an_empty_reply_after_the_commit(call, writer, count, method, name, table, rows):
    assert call(writer, method, envoy(name)) == b""
    assert count(table) == rows


def test_an_empty_request_succeeds(call, writer):
    assert call(writer, TRACES, b"") == b""


def test_a_partly_bad_request_is_kept_but_for_the_bad(call, writer, count):
    reply = call(writer, TRACES, span_request() + span_request(trace_id=b""))

    partial = ExportTraceServiceResponse.FromString(reply).partial_success
    assert partial.rejected_spans == 1
    assert "invalid trace id" in partial.error_message
    assert count("spans") == 1


def test_a_malformed_request_is_an_invalid_argument(call, writer, count):
    with pytest.raises(grpc.RpcError) as caught:
        call(writer, TRACES, b"<html>")

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert status_of(caught.value).code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert count("export_requests") == 0


@pytest.mark.parametrize("error", [Overloaded(9, 8), KeyError("a bug")])
def test_what_may_succeed_later_is_unavailable_with_a_time_to_come_again(call, failing, error):
    with pytest.raises(grpc.RpcError) as caught:
        call(failing(error), TRACES, span_request())

    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    (detail,) = status_of(caught.value).details
    retry = RetryInfo()
    assert detail.Unpack(retry)
    assert retry.retry_delay.seconds == 1


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip])
def test_a_message_over_the_limit_is_refused_even_if_it_was_small_when_sent(
    call, writer, compression
):
    with pytest.raises(grpc.RpcError) as caught:
        call(
            writer,
            TRACES,
            span_request(name="x" * 200_000),
            compression=compression,
            max_message_bytes=100_000,
        )

    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert len(gzip.compress(b"x" * 200_000)) < 100_000


def test_gzip_is_understood(call, writer, count):
    call(writer, TRACES, envoy("A-16-canary-20pct__traces"), compression=grpc.Compression.Gzip)

    assert count("spans") == 40


def test_a_taken_port_is_named_with_its_setting(writer):
    first = start_grpc(writer, port=0)
    with pytest.raises(PortInUse, match=rf"port {first.port} .* another otlp_grpc_port"):
        start_grpc(writer, port=first.port)
    first.stop(0)


def test_the_opentelemetry_sdk_exports_spans_and_sli_counters(store, writer, count):
    receiver = start_grpc(writer, port=0)
    endpoint = f"http://127.0.0.1:{receiver.port}"
    resource = Resource({semconv.SERVICE_NAME: "frontend"})
    tracing = TracerProvider(resource=resource)
    tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint, insecure=True)))
    metering = MeterProvider(
        resource=resource,
        metric_readers=[PeriodicExportingMetricReader(OTLPMetricExporter(endpoint, insecure=True))],
    )
    counter = metering.get_meter("test").create_counter(semconv.SLI_REQUESTS)
    for _ in range(30):
        with tracing.get_tracer("test").start_as_current_span("work"):
            counter.add(1, TAGS)
    assert metering.force_flush()
    counter.add(12, TAGS)
    tracing.shutdown()
    metering.shutdown()
    receiver.stop()

    assert count("spans") == 30
    table = reader.edge_counts(store.cursor(), 0, 2**40, by=("source", "destination"))
    assert table.to_pylist()[0] | {"attempts": 0} == {
        "source": "frontend",
        "destination": "backend",
        "requests": 42,
        "errors": 0,
        "attempts": 0,
        "retries": 0,
    }
