"""What is given up when the disk fills, and what the sender is told."""

import pytest

from collector.otlp.metrics import decode_metrics
from collector.otlp.traces import decode_traces
from collector.store import reader
from collector.store.disk import DiskLevel, Watermarks, level_of
from collector.store.errors import DiskFull
from collector.store.store import open_store
from collector.store.writer import Writer, WriterLimits
from tests.collector.exports import SECOND, T0, digest, requests, span_request

MIB = 2**20
MARKS = Watermarks(shed_below_bytes=100 * MIB, refuse_below_bytes=10 * MIB)


@pytest.mark.parametrize(
    ("free", "level"),
    [
        (None, DiskLevel.ROOMY),
        (100 * MIB, DiskLevel.ROOMY),
        (100 * MIB - 1, DiskLevel.SHED_RAW),
        (10 * MIB, DiskLevel.SHED_RAW),
        (10 * MIB - 1, DiskLevel.FULL),
        (0, DiskLevel.FULL),
    ],
)
def test_a_level_begins_below_its_mark(free, level):
    assert level_of(free, MARKS) is level


class Disk:
    """A disk whose free space is what the test says."""

    def __init__(self):
        self.free = 1000 * MIB

    def __call__(self):
        return self.free


@pytest.fixture
def disk(monkeypatch):
    monkeypatch.setattr("collector.store.disk._LOOK_EVERY_S", 0)
    return Disk()


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "mesh.duckdb", clock_ns=lambda: T0) as opened:
        yield opened


@pytest.fixture
def writer(store, disk):
    running = Writer(store, limits=WriterLimits(window_s=0, disk=MARKS), free=disk)
    yield running
    running.close()


def number(store, sql):
    return store.cursor().execute(sql).fetchone()[0]


def test_raw_spans_are_shed_first_and_the_sender_is_told_how_many(store, writer, disk):
    disk.free = 50 * MIB

    ack = writer.submit(decode_traces(span_request()), b"1").result(30)

    assert (ack.rejected, ack.message) == (1, "1 x not kept: the disk is nearly full")
    assert number(store, "SELECT count(*) FROM spans") == 0


def test_what_is_counted_is_kept_while_spans_are_shed(store, writer, disk):
    disk.free = 50 * MIB
    body = requests(5, time_ns=T0 + SECOND)

    ack = writer.submit(decode_metrics(body), digest(body)).result(30)

    assert ack.rejected == 0
    table = reader.edge_counts(store.cursor(), 0, 2**40, by=())
    assert table["requests"].to_pylist() == [5]


def test_a_full_disk_takes_nothing_answers_queries_and_recovers_by_itself(store, writer, disk):
    writer.submit(decode_metrics(requests(5, time_ns=T0 + SECOND)), b"1").result(30)
    disk.free = 5 * MIB
    late = decode_metrics(requests(7, time_ns=T0 + 2 * SECOND))

    with pytest.raises(DiskFull, match=r"5242880 bytes are free, 10485760 .* in reserve"):
        writer.submit(late, b"2")
    assert "the disk is full" in writer.trouble
    assert reader.edge_counts(store.cursor(), 0, 2**40, by=())["requests"].to_pylist() == [5]

    disk.free = 1000 * MIB
    writer.submit(late, b"2").result(30)
    assert writer.trouble == ""
    assert reader.edge_counts(store.cursor(), 0, 2**40, by=())["requests"].to_pylist() == [7]


def test_each_change_is_told_once(writer, disk, caplog):
    caplog.set_level("INFO", logger="collector.store.disk")
    for free in (1000, 50, 50, 5, 1000):
        disk.free = free * MIB
        writer.disk.level()

    assert [record.getMessage().rpartition(" ")[2] for record in caplog.records] == [
        "SHED_RAW",
        "FULL",
        "ROOMY",
    ]
