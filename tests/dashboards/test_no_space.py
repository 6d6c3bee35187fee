"""A server whose disk fills: it refuses so that senders come again, answers queries, recovers."""

import subprocess
from contextlib import closing

import grpc
import pytest
from grpc_health.v1 import health_pb2

from collector.store.store import open_store
from tests.dashboards.running import numbered, running, stored, wait_until

pytestmark = pytest.mark.e2e

MIB = 2**20
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
RESERVED = {"disk_shed_below": "20MiB", "disk_refuse_below": "20MiB"}
NOTHING_RESERVED = {"disk_shed_below": "0", "disk_refuse_below": "0"}


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system can only be mounted by root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("settings", [RESERVED, NOTHING_RESERVED], ids=["reserve", "no reserve"])
def test_a_full_disk_is_told_to_everybody_and_survived(small_disk, settings):
    path, ballast = small_disk / "mesh.duckdb", small_disk / "ballast"
    with running(path, checkpoint_wal="128MiB", **settings) as server:
        acknowledged = [0, 1]
        assert server.send(numbered(0)) == b""
        assert server.post(numbered(1)).status_code == 200
        assert server.health() == SERVING

        ballast.write_bytes(b"\0" * 40 * MIB)
        acknowledged += fill(server)
        said, answered = server.refusal(numbered(900, MIB)), server.post(numbered(901, MIB))
        assert (said.code, said.retry_s) == (grpc.StatusCode.UNAVAILABLE, 1)
        assert (answered.status_code, answered.headers["retry-after"]) == (503, "1")
        assert_tells_why_and_answers(server)

        ballast.unlink()
        wait_until(lambda: not server_refuses(server, 902))
        acknowledged.append(902)
        wait_until(lambda: server.health() == SERVING)
        assert server.get("/readyz").status_code == 200
        assert server.post(numbered(901, 100)).status_code == 200
        acknowledged.append(901)
        assert server.end() == 0
    with open_store(path) as store, closing(store.cursor()) as cursor:
        assert stored(cursor) == sorted(acknowledged)


def fill(server):
    """Send until it refuses; return what was acknowledged."""
    acknowledged = []
    for number in range(2, 200):
        if server_refuses(server, number, MIB):
            return acknowledged
        acknowledged.append(number)
    raise AssertionError("the disk never filled")


def server_refuses(server, number, size=100):
    """Send; return whether it was refused so that the sender comes again."""
    outcome = server.outcome(numbered(number, size))
    assert outcome in {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}
    return outcome is not grpc.StatusCode.OK


def assert_tells_why_and_answers(server):
    ready = server.get("/readyz")
    assert ready.status_code == 503
    assert any(word in ready.text for word in ("the disk is full", "the last commit failed")), (
        ready.text
    )
    wait_until(lambda: server.health() == NOT_SERVING)
    assert server.get("/healthz").status_code == 200
    assert server.get("/api/topology").status_code == 200
    assert "meshscope_ready{} 0" in server.get("/metrics").text
