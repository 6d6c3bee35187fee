"""A disk without room: refused so that the sender comes again, never acknowledged, then recovered.

A limit on the size of files makes writes fail for anybody; a small file system is real, but needs
the right to mount one.
"""

import random
import resource
import subprocess
import time
from contextlib import closing, contextmanager

import pytest

from collector.otlp.metrics import decode_metrics
from collector.otlp.traces import decode_traces
from collector.receiver.faults import fault_of
from collector.store import reader
from collector.store.checkpoint import CheckpointPolicy, wal_bytes
from collector.store.disk import DiskLevel, Watermarks
from collector.store.errors import DiskFull, StoreBroken, WriteFailed
from collector.store.store import open_store
from collector.store.writer import Writer, WriterLimits
from tests.collector.exports import SECOND, T0, digest, requests, span_request

MIB = 2**20
NO_MARKS = Watermarks(shed_below_bytes=0, refuse_below_bytes=0)
ALONE = WriterLimits(window_s=0, disk=NO_MARKS)


@contextmanager
def files_limited_to(size):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mesh.duckdb"


def send(writer, number):
    body = requests(number, time_ns=T0 + number * SECOND)
    return writer.submit(decode_metrics(body), digest(body)).result(30)


def send_large(writer, number):
    """Send a span of some 500 kB."""
    noise = random.Random(number)
    texts = {f"text.{i}": noise.randbytes(30_000).hex() for i in range(8)}
    body = span_request(texts, span_id=(number + 1).to_bytes(8, "big"))
    return writer.submit(decode_traces(body), digest(body)).result(30)


def counted(store):
    return reader.edge_counts(store.cursor(), 0, 2**40, by=())["requests"].to_pylist()[0]


def wait_until(is_so):
    deadline_s = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def until_it_fails(writer):
    """Send until the disk is full; return what was acknowledged, and the error."""
    acknowledged = []
    for number in range(2, 500):
        try:
            send_large(writer, number)
        except (WriteFailed, StoreBroken) as error:
            return acknowledged, error
        acknowledged.append(number)
    raise AssertionError("the disk never filled")


def stored_spans(store):
    rows = store.cursor().execute("SELECT span_id - 1 FROM spans ORDER BY span_id").fetchall()
    return [number for (number,) in rows]


def test_a_log_that_cannot_grow_refuses_answers_queries_and_recovers_by_itself(path):
    with open_store(path, clock_ns=lambda: T0) as store, closing(Writer(store, limits=ALONE)) as w:
        send(w, 1)
        with files_limited_to(wal_bytes(path) + 3 * MIB):
            acknowledged, error = until_it_fails(w)
            assert counted(store) == 1
        fault = fault_of(error)
        assert (fault.http_status, fault.retry_after_s is not None) == (503, True)
        assert not send_large(w, acknowledged[-1] + 1).is_repeat
        send(w, 2)
        assert counted(store) == 2
    with open_store(path) as store:
        assert stored_spans(store) == [*acknowledged, acknowledged[-1] + 1]
        assert counted(store) == 2


def test_a_checkpoint_that_fails_breaks_the_store_openly_and_loses_nothing(path):
    often = CheckpointPolicy(wal_bytes=2 * MIB, look_every_s=0.01, margin_bytes=0)
    limits = WriterLimits(window_s=0, disk=NO_MARKS, checkpoint=often)
    told = []
    with open_store(path, clock_ns=lambda: T0) as store:
        writer = Writer(store, limits=limits, on_broken=told.append)
        with files_limited_to(4 * MIB), closing(writer):
            acknowledged, _ = until_it_fails(writer)
            wait_until(lambda: told)
            with pytest.raises(StoreBroken, match="restart the server"):
                send(writer, 1)
            assert "restart the server" in writer.trouble
    assert len(told) == 1
    with open_store(path) as store:
        assert set(acknowledged) <= set(stored_spans(store))


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_real_disk_fills_and_empties(small_disk):
    path, ballast = small_disk / "mesh.duckdb", small_disk / "ballast"
    with open_store(path, clock_ns=lambda: T0) as store, closing(Writer(store, limits=ALONE)) as w:
        send(w, 1)
        ballast.write_bytes(b"\0" * 40 * MIB)
        acknowledged, error = until_it_fails(w)
        assert fault_of(error).http_status == 503
        assert counted(store) == 1

        ballast.unlink()
        send(w, 2)
        assert counted(store) == 2
        assert stored_spans(store) == acknowledged


def test_a_reserve_keeps_checkpoints_possible_on_a_real_disk(small_disk):
    path, ballast = small_disk / "mesh.duckdb", small_disk / "ballast"
    often = CheckpointPolicy(wal_bytes=MIB, look_every_s=0.01, margin_bytes=MIB)
    marks = Watermarks(shed_below_bytes=20 * MIB, refuse_below_bytes=10 * MIB)
    limits = WriterLimits(window_s=0, disk=marks, checkpoint=often)
    with open_store(path, clock_ns=lambda: T0) as store, closing(Writer(store, limits=limits)) as w:
        for number in range(2, 8):
            assert send_large(w, number).rejected == 0
        wait_until(lambda: w.checkpointer.stats.done > 0)
        ballast.write_bytes(b"\0" * 30 * MIB)
        wait_until(lambda: w.disk.level() is DiskLevel.SHED_RAW)
        assert [send_large(w, number).rejected for number in range(8, 12)] == [1] * 4
        ballast.write_bytes(b"\0" * 40 * MIB)
        wait_until(lambda: w.disk.level() is DiskLevel.FULL)
        with pytest.raises(DiskFull):
            send(w, 1)
        assert w.checkpointer.stats.failed == 0

        ballast.unlink()
        wait_until(lambda: w.trouble == "")
        send(w, 1)
        assert send_large(w, 50).rejected == 0
