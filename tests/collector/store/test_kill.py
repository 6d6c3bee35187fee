"""kill -9 under load: what was acknowledged is stored, once, and the file opens quickly."""

import random
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from collector.store.store import open_store
from tests.collector.store.campaign import Journal, Sender, violations

COLLECTOR = Path(__file__).with_name("kill_server.py")
ROOT = Path(__file__).parents[3]


@contextmanager
def collector(path):
    """The receiver, the writer and the store, with everything happening often."""
    command = [sys.executable, COLLECTOR, path]
    process = subprocess.Popen(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)},
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


@contextmanager
def whole_server(path):
    """`meshscope serve` as it is."""
    ports = [free_port() for _ in range(3)]
    flags = [
        part
        for flag, port in zip(("--web", "--otlp-grpc", "--otlp-http"), ports, strict=True)
        for part in (flag, f"127.0.0.1:{port}")
    ]
    command = [sys.executable, "-m", "dashboards.cli", "serve", "--store", path, *flags]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        wait_for(ports[1], process)
        yield process, ports[1]
    finally:
        process.kill()
        process.communicate()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    while process.poll() is None:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"the server ended with {process.returncode}")


def at_once(senders, port, stop, most=10**9):
    threads = [
        threading.Thread(target=sender.send_while_it_lives, args=(port, stop, most))
        for sender in senders
    ]
    for thread in threads:
        thread.start()
    return threads


def wait_for_work(senders, acknowledged):
    """Wait for so many acknowledgements, or three seconds on a slow machine."""
    before, deadline_s = sum(sender.next for sender in senders), time.monotonic() + 3
    while sum(sender.next for sender in senders) - before < acknowledged:
        if time.monotonic() > deadline_s:
            return
        time.sleep(0.002)


def campaign(path, *, serving, kills, senders, most_acks, seed):
    """Kill the server again and again under load; return the seconds of each reopening."""
    chance = random.Random(seed)
    journal = Journal(path.with_name("journal"))
    all_senders = [Sender(n, time.time_ns(), journal) for n in range(1, senders + 1)]
    opened_s = []
    for _ in range(kills):
        with serving(path) as (process, port):
            threads = at_once(all_senders, port, stop := threading.Event())
            wait_for_work(all_senders, chance.randrange(most_acks))
            time.sleep(chance.uniform(0, 0.05))
            process.kill()
            stop.set()
            for thread in threads:
                thread.join()
            process.wait()
        started_s = time.monotonic()
        with open_store(path) as store:
            opened_s.append(time.monotonic() - started_s)
            assert violations(store.cursor(), all_senders, journal, whole=False) == []
    with serving(path) as (process, port):
        most = max(sender.next for sender in all_senders) + 3
        for thread in at_once(all_senders, port, threading.Event(), most):
            thread.join()
        process.kill()
        process.wait()
    with open_store(path) as store:
        assert violations(store.cursor(), all_senders, journal, whole=True) == []
    acknowledged = len(journal.acknowledged())
    print(f"{kills} kills, {acknowledged} acknowledged, reopened in at most {max(opened_s):.2f} s")
    assert acknowledged == senders * most
    assert [failure for sender in all_senders for failure in sender.failures] == []
    return opened_s


def test_five_kills_under_load_lose_nothing_acknowledged_and_count_nothing_twice(tmp_path):
    campaign(tmp_path / "mesh.duckdb", serving=collector, kills=5, senders=6, most_acks=80, seed=3)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("serving", "kills"), [(collector, 70), (whole_server, 30)])
def test_a_hundred_kills_lose_nothing_acknowledged_and_count_nothing_twice(
    tmp_path, serving, kills
):
    opened_s = campaign(tmp_path / "mesh.duckdb", serving=serving, kills=kills, senders=8,
                        most_acks=500, seed=4)  # fmt: skip
    assert max(opened_s) < 5
