"""Work that can be stopped, and waits its turn."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import duckdb
import pytest

from collector.promql.errors import QueryCanceled, QueryTimedOut
from dashboards.prometheus.execution import Pool, Stop

ENDLESS = "SELECT count(*) FROM range(1000000000000) one, range(1000000) two"


class Client:
    """Somebody who asked, and may leave."""

    def __init__(self, *, has_left=False):
        self.has_left = has_left

    async def is_disconnected(self):
        return self.has_left


@pytest.fixture
def pool():
    with ThreadPoolExecutor(1) as threads:
        yield Pool(timeout_s=60, threads=threads)


def scan_forever(stop):
    with closing(duckdb.connect()) as connection, stop.scanning(connection):
        connection.execute(ENDLESS)


def test_what_the_work_returns_or_raises_comes_back(pool):
    assert asyncio.run(pool.run(Client(), lambda _stop: 7)) == 7
    with pytest.raises(ZeroDivisionError):
        asyncio.run(pool.run(Client(), lambda _stop: 1 / 0))


def test_a_scan_is_interrupted_at_the_deadline(pool):
    with pytest.raises(QueryTimedOut, match="timed out in expression evaluation"):
        asyncio.run(pool.run(Client(), scan_forever, 0.2))


def test_a_scan_is_interrupted_when_the_client_leaves(pool):
    with pytest.raises(QueryCanceled):
        asyncio.run(pool.run(Client(has_left=True), scan_forever))

    assert asyncio.run(pool.run(Client(), lambda _stop: "free again")) == "free again"


def test_a_scan_is_interrupted_when_the_server_ends(pool):
    async def cancelled():
        task = asyncio.create_task(pool.run(Client(), scan_forever))
        await asyncio.sleep(0.2)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    assert asyncio.run(pool.run(Client(), lambda _stop: "free again")) == "free again"


def test_what_waits_for_a_thread_waits_no_longer_than_its_timeout(pool):
    busy = threading.Event()
    pool.threads.submit(busy.wait)
    try:
        with pytest.raises(QueryTimedOut, match="query queue"):
            asyncio.run(pool.run(Client(), lambda _stop: 1, 0.1))
    finally:
        busy.set()


def test_a_timeout_can_only_be_shorter_than_that_of_the_pool(pool):
    def deadline(stop):
        return stop.deadline_s - time.monotonic()

    assert asyncio.run(pool.run(Client(), deadline, 5)) <= 5
    assert asyncio.run(pool.run(Client(), deadline, 500)) <= 60


def test_the_reason_is_told_between_steps_of_work():
    stop = Stop(time.monotonic() + 60)
    stop.check()

    stop.leave()

    with pytest.raises(QueryCanceled):
        stop.check()
    with pytest.raises(QueryTimedOut):
        Stop(time.monotonic()).check()
