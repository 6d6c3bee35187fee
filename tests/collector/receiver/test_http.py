"""OTLP over HTTP, by real clients on free ports."""

import gzip
import json
import zlib

import httpx
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from collector import semconv
from collector.receiver.errors import PortInUse
from collector.receiver.http import start_http
from collector.store.errors import Overloaded
from tests.collector.exports import ENVOY_TIME_NS, envoy, span_request

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json; charset=utf-8"}
SPAN_JSON = {
    "traceId": "01" * 16,
    "spanId": "02" * 8,
    "startTimeUnixNano": str(ENVOY_TIME_NS),
    "endTimeUnixNano": ENVOY_TIME_NS + 9,
}


def json_spans(*spans):
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})


@pytest.fixture
def serve():
    """Return serve(sink, **options): an HTTP client of a running receiver."""
    opened = []

    def start(sink, **options):
        receiver = start_http(sink, port=0, clock_ns=lambda: ENVOY_TIME_NS, **options)
        client = httpx.Client(base_url=f"http://127.0.0.1:{receiver.port}", timeout=30)
        opened.append((client, receiver))
        return client

    yield start
    for client, receiver in opened:
        client.close()
        receiver.stop()


@pytest.fixture
def client(serve, writer):
    return serve(writer)


@pytest.mark.parametrize(
    ("path", "name", "table", "rows"),
    [
        ("/v1/traces", "A-16-canary-20pct__traces", "spans", 40),
        ("/v1/metrics", "A-16-canary-20pct__metrics__fe", "export_requests", 1),
        ("/v1/logs", "A-05-timeout__logs", "logs", 1),
    ],
)
def test_success_is_200_with_an_empty_reply_after_the_commit(
    client, count, path, name, table, rows
):
    reply = client.post(path, content=envoy(name), headers=PROTOBUF)

    assert (reply.status_code, reply.content) == (200, b"")
    assert reply.headers["content-type"] == "application/x-protobuf"
    assert count(table) == rows


def test_json_is_stored_and_answered_in_json(client, count):
    reply = client.post("/v1/traces", content=json_spans(SPAN_JSON), headers=JSON)

    assert (reply.status_code, reply.json()) == (200, {})
    assert reply.headers["content-type"] == "application/json"
    assert count("spans") == 1


def test_a_partly_bad_request_is_kept_but_for_the_bad(client, count):
    spans = json_spans(SPAN_JSON, SPAN_JSON | {"spanId": "00" * 8})

    reply = client.post("/v1/traces", content=spans, headers=JSON)

    assert reply.json()["partialSuccess"]["rejectedSpans"] == "1"
    body = span_request() + span_request(span_id=b"")
    reply = client.post("/v1/traces", content=body, headers=PROTOBUF)
    assert ExportTraceServiceResponse.FromString(reply.content).partial_success.rejected_spans == 1
    assert count("spans") == 2


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)],
)
def test_compressed_bodies_are_understood(client, count, encoding, pack):
    body = pack(envoy("A-16-canary-20pct__traces"))
    headers = PROTOBUF | {"Content-Encoding": encoding}

    assert client.post("/v1/traces", content=body, headers=headers).status_code == 200
    assert count("spans") == 40


def test_a_chunked_body_is_read_to_its_end(client, count):
    body = envoy("A-16-canary-20pct__traces")
    chunks = (body[at : at + 1000] for at in range(0, len(body), 1000))

    assert client.post("/v1/traces", content=chunks, headers=PROTOBUF).status_code == 200
    assert count("spans") == 40


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"<html>", PROTOBUF),
        (b"", JSON),
        (b"not gzip", PROTOBUF | {"Content-Encoding": "gzip"}),
        (gzip.compress(span_request(), mtime=0)[:-9], PROTOBUF | {"Content-Encoding": "gzip"}),
    ],
)
def test_a_malformed_body_is_400_with_a_status_in_its_encoding(client, count, content, headers):
    reply = client.post("/v1/traces", content=content, headers=headers)

    assert reply.status_code == 400
    if headers is JSON:
        assert reply.json()["message"]
    else:
        assert Status.FromString(reply.content).message
    assert count("export_requests") == 0


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_body_over_the_limit_is_413_also_after_decompression(serve, writer, pack):
    headers = PROTOBUF | ({"Content-Encoding": "gzip"} if pack is gzip.compress else {})
    client = serve(writer, max_body_bytes=100_000)

    reply = client.post(
        "/v1/traces", content=pack(span_request(name="x" * 200_000)), headers=headers
    )

    assert reply.status_code == 413
    assert "larger than 100000 bytes" in Status.FromString(reply.content).message


def test_other_methods_paths_and_types_are_refused_with_a_status(client):
    for reply, status in (
        (client.get("/v1/traces", headers=PROTOBUF), 405),
        (client.post("/v1/profiles", headers=PROTOBUF), 404),
        (client.post("/v1/traces", headers=PROTOBUF | {"Content-Encoding": "br"}), 415),
    ):
        assert reply.status_code == status
        assert Status.FromString(reply.content).message
    reply = client.post("/v1/traces", content=b"a,b", headers={"Content-Type": "text/csv"})
    assert (reply.status_code, reply.headers["content-type"]) == (415, "application/json")
    assert "text/csv" in reply.json()["message"]


@pytest.mark.parametrize(("error", "status"), [(Overloaded(9, 8), 429), (KeyError("a bug"), 503)])
def test_what_may_succeed_later_says_when(serve, failing, error, status):
    reply = serve(failing(error)).post("/v1/traces", content=json_spans(SPAN_JSON), headers=JSON)

    assert (reply.status_code, reply.headers["retry-after"]) == (status, "1")
    assert reply.json()["details"][0]["retryDelay"] == "1s"


def test_an_empty_request_succeeds(client):
    assert client.post("/v1/logs", content=b"", headers=PROTOBUF).status_code == 200
    assert client.post("/v1/logs", content=b"{}", headers=JSON).json() == {}


def test_a_taken_port_is_named_with_its_setting(writer):
    first = start_http(writer, port=0)
    with pytest.raises(PortInUse, match=rf"port {first.port} .* another otlp_http_port"):
        start_http(writer, port=first.port)
    first.stop()


@pytest.mark.parametrize("compression", list(Compression))
def test_the_opentelemetry_sdk_exports_spans(client, count, compression):
    exporter = OTLPSpanExporter(f"{client.base_url}/v1/traces", compression=compression)
    tracing = TracerProvider(resource=Resource({semconv.SERVICE_NAME: "cart"}))
    tracing.add_span_processor(BatchSpanProcessor(exporter))
    for _ in range(25):
        with tracing.get_tracer("test").start_as_current_span("work"):
            pass
    tracing.shutdown()

    assert count("spans") == 25
