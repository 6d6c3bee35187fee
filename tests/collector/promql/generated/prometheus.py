"""A real Prometheus with given series in it, asked over HTTP."""

import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from dashboards.demo.intent import free_port
from tests.collector.promql.generated.answers import Failure, Table
from tests.collector.promql.naive import Series

BINARY = Path("/usr/bin/prometheus")


@dataclass(frozen=True)
class Prometheus:
    """Its API."""

    client: httpx.Client

    def over_range(self, query: str, start_ms: int, end_ms: int, step_ms: int) -> Table | Failure:
        """Evaluate a query, as the oracle of all."""
        answer = self.client.post(
            "/api/v1/query_range",
            data={"query": query, "start": start_ms / 1000, "end": end_ms / 1000,
                  "step": step_ms / 1000},
        )  # fmt: skip
        body = answer.json()
        if body["status"] != "success":
            return Failure(body["error"])
        return {
            tuple(sorted(one["metric"].items())): {
                round(at * 1000): float(value) for at, value in one["values"]
            }
            for one in body["data"]["result"]
        }


@contextmanager
def running(directory: Path, series: Series) -> Iterator[Prometheus]:
    """Start a Prometheus and write the series to it; stop it at the end."""
    if not BINARY.exists():
        pytest.fail("Prometheus is not installed: apt-get install prometheus")
    config = directory / "prometheus.yml"
    config.write_text("global: {scrape_interval: 1m, evaluation_interval: 1m}\n")
    address = f"127.0.0.1:{free_port()}"
    with (directory / "prometheus.log").open("w") as log:
        process = subprocess.Popen(
            [BINARY, f"--config.file={config}", f"--storage.tsdb.path={directory / 'tsdb'}",
             f"--web.listen-address={address}", "--web.enable-remote-write-receiver"],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        with httpx.Client(base_url=f"http://{address}", timeout=30) as client:
            _await_ready(client, process)
            client.post(
                "/api/v1/write",
                content=_snappy(_write_request(series)),
                headers={"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"},
            ).raise_for_status()
            yield Prometheus(client)
    finally:
        process.terminate()
        process.wait(20)


def _await_ready(client: httpx.Client, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if client.get("/-/ready").status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    pytest.fail("Prometheus did not start")


def _write_request(series: Series) -> bytes:
    """Encode prometheus.WriteRequest."""
    found = b""
    for labels, samples in series:
        one = b"".join(
            _field(1, _field(1, name.encode()) + _field(2, value.encode()))
            for name, value in labels
        )
        for at, value in samples:
            one += _field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(at))
        found += _field(1, one)
    return found


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _snappy(content: bytes) -> bytes:
    """Encode as snappy blocks of literals: right, only not smaller."""
    found = _varint(len(content))
    for start in range(0, len(content), 65536):
        piece = content[start : start + 65536]
        found += bytes([61 << 2]) + struct.pack("<H", len(piece) - 1) + piece
    return found
