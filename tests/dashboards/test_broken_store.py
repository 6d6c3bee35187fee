"""A database that DuckDB has given up: the server ends for its supervisor and begins anew."""

import resource
import signal
from contextlib import closing

import grpc
import httpx
import pytest

from collector.store.store import open_store
from tests.dashboards.running import numbered, running, stored, wait_until

pytestmark = pytest.mark.e2e

MIB = 2**20
OFTEN = {"checkpoint_wal": "2MiB", "disk_shed_below": "0", "disk_refuse_below": "0"}


def send_until_it_breaks(server):
    """Send; return what was acknowledged. Whatever is refused may be sent again."""
    acknowledged = []
    for number in range(400):
        outcome = server.outcome(numbered(number, MIB // 2))
        if outcome is not grpc.StatusCode.OK:
            assert outcome is grpc.StatusCode.UNAVAILABLE
            return acknowledged
        acknowledged.append(number)
    raise AssertionError("the store never broke")


def test_a_store_that_breaks_ends_the_server_and_the_next_one_has_all_that_was_acknowledged(
    tmp_path,
):
    path = tmp_path / "mesh.duckdb"
    with running(path, **OFTEN) as server:
        limits = (6 * MIB, resource.RLIM_INFINITY)  # the file cannot grow: its checkpoint fails
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
        acknowledged = send_until_it_breaks(server)
        assert acknowledged
        assert server.process.wait(60) == 1
        assert "the store must be opened again, restart the server" in server.errors()

    with running(path, **OFTEN) as again:
        assert again.get("/readyz").status_code == 200
        assert again.get("/api/topology").status_code == 200
        last = 1000
        assert again.send(numbered(last)) == b""
        assert again.end() == 0
    with open_store(path) as store, closing(store.cursor()) as cursor:
        found = stored(cursor)
    assert set(acknowledged) | {last} <= set(found)
    assert len(found) == len(set(found))


def test_a_server_that_is_told_to_end_is_not_ready_while_it_drains(tmp_path):
    with running(tmp_path / "mesh.duckdb") as server:
        assert server.get("/readyz").status_code == 200
        server.process.send_signal(signal.SIGTERM)

        def is_gone():
            try:
                return server.get("/readyz").status_code == 503
            except httpx.HTTPError:
                return True

        wait_until(is_gone)
        assert server.process.wait(30) == 0
