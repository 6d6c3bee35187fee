"""`meshscope serve` and the real OpenTelemetry SDK: what /metrics counts is what was sent."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

SPANS = 25


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@contextlib.contextmanager
def serving(tmp_path, *more):
    ports = {name: f"127.0.0.1:{free_port()}" for name in ("web", "otlp-grpc", "otlp-http")}
    flags = [part for name, address in ports.items() for part in (f"--{name}", address)]
    command = [sys.executable, "-m", "dashboards.cli", "serve"]
    command += ["--store", str(tmp_path / "s.duckdb"), *flags, *more]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and server.poll() is None:
                with contextlib.suppress(OSError):
                    get(f"http://{ports['web']}/healthz")
                    break
                time.sleep(0.1)
            yield ports
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


def export_spans(exporter, service):
    provider = TracerProvider(resource=Resource({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(exporter, max_export_batch_size=SPANS))
    tracer = provider.get_tracer("test")
    for number in range(SPANS):
        with tracer.start_as_current_span("GET /user") as span:
            span.set_attribute("user.email", f"user{number}@example.com")
    assert provider.force_flush()
    provider.shutdown()


def value(text, name, **labels):
    wanted = {f'{key}="{found}"' for key, found in labels.items()}
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in text.splitlines()
        if re.match(rf"{name}\{{", line) and wanted <= set(re.findall(r'\w+="[^"]*"', line))
    )


@pytest.mark.e2e
def test_counters_equal_what_two_sdks_sent_and_no_secret_is_left(tmp_path):
    with serving(tmp_path) as ports:
        export_spans(GrpcExporter(endpoint=f"http://{ports['otlp-grpc']}", insecure=True), "cart")
        export_spans(HttpExporter(endpoint=f"http://{ports['otlp-http']}/v1/traces"), "pay")
        refused = urllib.request.Request(
            f"http://{ports['otlp-http']}/v1/logs", b"\xff\xff",
            {"Content-Type": "application/x-protobuf"}, method="POST",
        )  # fmt: skip
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(refused, timeout=10)
        _, text = get(f"http://{ports['web']}/metrics")
        _, masked = get(f"http://{ports['web']}/api/redaction")
        ready, _ = get(f"http://{ports['web']}/readyz")
        _, exporters = get(f"http://{ports['web']}/api/exporters")

    for transport in ("grpc", "http"):
        got = {"signal": "traces", "transport": transport, "outcome": "accepted"}
        assert value(text, "meshscope_items_total", **got) == SPANS
        assert value(text, "meshscope_requests_total", **got) >= 1
        assert value(text, "meshscope_received_bytes_total", transport=transport) > 0
    assert value(text, "meshscope_requests_total", outcome="repeated") == 0
    assert value(text, "meshscope_requests_refused_total", signal="logs",
                 reason="MalformedPayload") == 1  # fmt: skip
    assert [(one["service"], one["kind"], one["values"]) for one in json.loads(masked)] == [
        ("cart", "email", SPANS),
        ("pay", "email", SPANS),
    ]
    assert ready == 200
    assert [one["service"] for one in json.loads(exporters)] == ["cart", "pay"]
    checked = subprocess.run(["/usr/bin/promtool", "check", "metrics"], input=text, text=True,
                             capture_output=True, check=False)  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr
    for file in tmp_path.iterdir():
        if file.is_file():
            assert b"@example.com" not in file.read_bytes()


@pytest.mark.e2e
def test_a_redaction_file_with_a_mistake_is_one_line_that_names_it(tmp_path):
    file = tmp_path / "redaction.yaml"
    file.write_text("deny: [a]\noff: [emails]\n")
    done = subprocess.run(
        [sys.executable, "-m", "dashboards.cli", "serve", "--store", str(tmp_path / "s.duckdb"),
         "--redaction", str(file)], text=True, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"{file}:2: off.0: there is no kind 'emails'" in done.stderr
