"""`meshscope serve` as its users run it: a process, its ports, and what it answers."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.collector.exports import span_request
from tests.collector.receiver.conformance.rig import PROTOBUF, TRACES, call, refusal

_LETTERS = bytes(b"etaoin shrdlu cmf"[byte % 17] for byte in range(256))
"""Words that no redaction takes for a secret, and that nothing makes much smaller."""

_LONGEST = 60_000
"""A longer text would be cut."""


@dataclass
class Running:
    """A server; ``port`` is that of gRPC, as the helpers of the conformance tests want it."""

    process: subprocess.Popen
    path: Path
    web: str
    port: int
    http_port: int
    trusting: ssl.SSLContext | None = None
    """For a web port with TLS."""

    @property
    def url(self):
        return f"http{'s' if self.trusting else ''}://{self.web}"

    def get(self, path, **options):
        return httpx.get(f"{self.url}{path}", timeout=20, verify=self.trusting or True, **options)

    def post(self, body):
        url = f"http://127.0.0.1:{self.http_port}/v1/traces"
        return httpx.post(url, content=body, headers=PROTOBUF, timeout=20)

    def send(self, body):
        """Export by gRPC; raise what the sender is told."""
        return call(self, TRACES, body)

    def refusal(self, body):
        """Export by gRPC what must be refused."""
        return refusal(self, TRACES, body)

    def outcome(self, body):
        """Export by gRPC; return the status code."""
        try:
            self.send(body)
        except grpc.RpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    def health(self):
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            check = health_pb2_grpc.HealthStub(channel).Check
            return check(health_pb2.HealthCheckRequest(), timeout=20).status

    def end(self):
        """End it as a supervisor would; return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def errors(self):
        """Return what it said on standard error; it must have ended."""
        return self.process.stderr.read()


@contextlib.contextmanager
def running(path, trusting=None, **settings):
    """Serve from this file until the block ends; ``settings`` are MESHSCOPE_* variables.

    ``trusting`` is an SSL context for who asks, if the settings have a certificate.
    """
    ports = [free_port() for _ in range(3)]
    web, grpc_address, http_address = (f"127.0.0.1:{port}" for port in ports)
    flags = ["--web", web, "--otlp-grpc", grpc_address, "--otlp-http", http_address]
    command = [sys.executable, "-m", "dashboards.cli", "serve", "--store", str(path), *flags]
    environment = os.environ | {f"MESHSCOPE_{name.upper()}": one for name, one in settings.items()}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as process:  # fmt: skip
        server = Running(process, Path(path), web, ports[1], ports[2], trusting)
        try:
            wait_until(lambda: process.poll() is not None or _answers(server))
            assert process.poll() is None, server.errors()
            yield server
        finally:
            if process.poll() is None:
                process.kill()


def wait_until(is_so, within_s=60):
    deadline_s = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def numbered(number, size=0):
    """Return a request whose span has this number, and texts of this size in all."""
    now_ns = time.time_ns()
    texts = {f"text.{at}": _text(min(_LONGEST, size - at)) for at in range(0, size, _LONGEST)}
    return span_request(
        texts,
        span_id=(number + 1).to_bytes(8, "big"),
        start_time_unix_nano=now_ns,
        end_time_unix_nano=now_ns + 1000,
    )


def _text(size):
    return os.urandom(size).translate(_LETTERS).decode()


def stored(cursor):
    """Return the numbers of the spans that are stored, each as often as it is there."""
    rows = cursor.execute("SELECT span_id - 1 FROM spans ORDER BY span_id").fetchall()
    return [number for (number,) in rows]


def _answers(server):
    with contextlib.suppress(httpx.HTTPError):
        return server.get("/healthz").status_code == 200
    return False


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
