"""The whole way of a trace: a receiver and the web app on real sockets, over a store in a file."""

import contextlib
from dataclasses import dataclass

import httpx
import pytest
from opentelemetry import trace as otel
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from collector.receiver.http import start_http
from collector.store.store import Store, open_store
from collector.store.writer import Writer, WriterLimits
from dashboards.web.app import create_app
from tests.collector.exports import ENVOY, ENVOY_TIME_NS
from tests.collector.spans import HOUR, Clock, seal
from tests.dashboards.web.seeded import deps
from tests.dashboards.web.serving import serve

ENVOY_TIME_S = ENVOY_TIME_NS // 10**9
MS = 1_000_000
LIMITS = WriterLimits(compact_every_s=3600.0, count_spans_every_s=3600.0)
"""Edges of spans are not counted meanwhile: what they are counted from is not sealed."""


@dataclass
class Server:
    """``web`` asks the app as Grafana would; ``seal`` makes the clock go on and seals the hour."""

    store: Store
    clock: Clock
    web: httpx.Client
    otlp: str

    def get(self, path, **options):
        return self.web.get(path, **options)

    def json(self, path, **options):
        answer = self.get(path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, signal, body):
        headers = {"Content-Type": "application/x-protobuf"}
        answer = httpx.post(f"{self.otlp}/v1/{signal}", content=body, headers=headers)
        assert answer.status_code == 200

    def feed_envoy(self):
        """Send what Envoys sent, as they did."""
        for signal in ("traces", "metrics"):
            for path in sorted((ENVOY / "edges").glob(f"A-*{signal}*.pb")):
                self.send(signal, path.read_bytes())

    def seal(self):
        self.clock.now_ns = ENVOY_TIME_NS + 3 * HOUR
        assert seal(self.store) > 0


@contextlib.contextmanager
def started(folder, adjust=lambda made: made):
    """Start all of it, at the time when the fixtures were recorded; ``adjust`` changes Deps."""
    clock = Clock(ENVOY_TIME_NS)
    with (
        open_store(folder / "mesh.duckdb", clock_ns=clock) as store,
        contextlib.closing(Writer(store, limits=LIMITS)) as writer,
        contextlib.closing(_Receiver(writer, clock)) as receiver,
        serve(create_app(adjust(deps(store, slos=(), clock_s=lambda: clock() / 10**9)))) as url,
        httpx.Client(base_url=url, timeout=30) as web,
    ):
        yield Server(store, clock, web, f"http://127.0.0.1:{receiver.port}")


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    """Give a server that Envoys and SDKs have fed; ``checkout`` is the trace of the SDKs."""
    with started(tmp_path_factory.mktemp("fed")) as server:
        server.feed_envoy()
        server.checkout = send_checkout(server.otlp)
        yield server


@pytest.fixture(params=["hot", "sealed"], scope="module")
def server(fed, request):
    """Give it with its hours as they came, and sealed."""
    if request.param == "sealed":
        fed.seal()
    return fed


class _Receiver:
    def __init__(self, writer, clock):
        self._running = start_http(writer, port=0, clock_ns=clock)
        self.port = self._running.port

    def close(self):
        self._running.stop()


def send_checkout(otlp):
    """Let a real SDK send a trace of two services, with an event and a link; return its id.

    The clock of the second is 5 ms late, so that it seems to begin before it was called.
    """
    at = ENVOY_TIME_NS - 60 * 10**9
    linked = otel.SpanContext(trace_id=0xABC, span_id=0xDEF, is_remote=True)
    shop, bank = (_provider(otlp, name) for name in ("shop", "bank"))
    root = shop.start_span("POST /checkout", kind=SpanKind.SERVER, start_time=at)
    call = shop.start_span(
        "charge",
        context=otel.set_span_in_context(root),
        kind=SpanKind.CLIENT,
        start_time=at + 2 * MS,
        links=[Link(linked)],
        attributes={"peer.service": "bank", "amount": 12.5, "items": [1, 2], "express": True},
    )
    charge = bank.start_span(
        "POST /charge",
        context=otel.set_span_in_context(call),
        kind=SpanKind.SERVER,
        start_time=at - 2 * MS,
        attributes={"http.response.status_code": 500},
    )
    charge.add_event("declined", {"code": 51}, timestamp=at)
    charge.set_status(Status(StatusCode.ERROR, "declined"))
    charge.end(end_time=at + 4 * MS)
    call.end(end_time=at + 12 * MS)
    root.end(end_time=at + 20 * MS)
    return f"{root.get_span_context().trace_id:032x}"


def _provider(otlp, service):
    resource = Resource.create({"service.name": service, "host.name": f"{service}-host"})
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(endpoint=f"{otlp}/v1/traces")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("tests")
