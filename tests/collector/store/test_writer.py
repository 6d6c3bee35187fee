"""Group commit: what is kept, what is counted, what is undone."""

import math
import multiprocessing
import threading
import time

import pyarrow as pa
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from collector import semconv
from collector.edges import latency_bounds_us
from collector.otlp.logs import decode_logs
from collector.otlp.metrics import decode_metrics
from collector.otlp.traces import decode_traces
from collector.store import reader
from collector.store.errors import BatchRefused, Overloaded, StoreClosed
from collector.store.store import open_store
from collector.store.writer import Writer, WriterLimits
from tests.collector.exports import SECOND, T0, digest, envoy, metrics, requests, span_request

EVER = (0, 2**40)
ONE_GROUP = WriterLimits(window_s=0.5)


@pytest.fixture
def store():
    with open_store(clock_ns=lambda: T0) as opened:
        yield opened


def write(store, *bodies, decode=decode_metrics, limits=WriterLimits(window_s=0)):  # noqa: B008
    """Commit bodies one after the other and close the writer."""
    writer = Writer(store, limits=limits)
    acks = [writer.submit(decode(body), digest(body)).result(30) for body in bodies]
    writer.close()
    return acks


def counted(store, **options):
    table = reader.edge_counts(store.cursor(), *EVER, by=(), **options)
    return table["requests"].to_pylist()[0]


def number(store, sql):
    return store.cursor().execute(sql).fetchone()[0]


def test_a_canary_of_a_real_mesh_is_counted_exactly(store):
    write(store, *(envoy(f"A-16-canary-20pct__metrics__{proxy}") for proxy in ("fe", "be1", "be2")))

    by = ("signal", "reporter", "source", "destination", "version", "code", "mtls", "canonical")
    table = reader.edge_counts(store.cursor(), *EVER, by=by, canonical=False)
    rows = [tuple(row.values())[:9] for row in table.to_pylist()]
    assert rows == [
        ("envoy_cluster", "source", "frontend", "backend", "v1", 200, "none", False, 18),
        ("envoy_cluster", "source", "frontend", "backend", "v2", 200, "none", False, 2),
        ("sli", "destination", "frontend", "backend", "v1", 200, "mtls", False, 18),
        ("sli", "destination", "frontend", "backend", "v2", 200, "mtls", False, 2),
        ("sli", "source", "frontend", "backend", "v1", 200, "mtls", True, 18),
        ("sli", "source", "frontend", "backend", "v2", 200, "mtls", True, 2),
    ]
    assert counted(store) == 20


def test_cumulative_counters_retries_and_latencies_meet_on_one_edge(store):
    bounds = latency_bounds_us()
    counts = [0] * (len(bounds) + 1)
    counts[40] = 3

    def export(factor, time_ns):
        return metrics(
            [
                (semconv.SLI_REQUESTS, {}, 3 * factor),
                (semconv.SLI_ATTEMPTS, {}, 4 * factor),
                (semconv.SLI_DURATION, {}, (bounds, [factor * n for n in counts])),
            ],
            time_ns=time_ns,
        )

    write(store, export(1, T0 + 5 * SECOND), export(2, T0 + 15 * SECOND))

    table = reader.edge_counts(store.cursor(), *EVER, by=("source", "destination"), step_s=10)
    first_s = T0 // SECOND
    assert [row["requests"] for row in table.to_pylist()] == [3, 3]
    assert [row["bucket_s"] for row in table.to_pylist()] == [first_s, first_s + 10]
    assert [row["retries"] for row in table.to_pylist()] == [1, 1]
    latency = reader.edge_latency(store.cursor(), *EVER)
    assert latency.select(["latency_bucket", "count"]).to_pylist() == [
        {"latency_bucket": 40, "count": 6}
    ]


def test_the_three_tiers_hold_the_same(store):
    write(store, *(requests(n, time_ns=T0 + n * SECOND) for n in range(1, 600, 37)))

    sums = [number(store, f"SELECT sum(requests) FROM sli_{tier}") for tier in ("10s", "1m", "1h")]
    assert sums == [593, 593, 593]


def test_a_repeated_request_is_acknowledged_but_not_counted(store):
    body = metrics([(semconv.SLI_REQUESTS, {}, 5)], time_ns=T0, temporality=1)

    first, second = write(store, body, body)

    assert (first.is_repeat, second.is_repeat) == (False, True)
    assert counted(store) == 5


def test_a_repeat_in_the_same_window_and_after_reopening_is_not_counted(store):
    body = metrics([(semconv.SLI_REQUESTS, {}, 5)], time_ns=T0, temporality=1)
    writer = Writer(store, limits=ONE_GROUP)
    futures = [writer.submit(decode_metrics(body), digest(body)) for _ in range(3)]
    writer.close()
    (late,) = write(store, body)

    assert [future.result().is_repeat for future in futures] == [False, True, True]
    assert late.is_repeat
    assert counted(store) == 5


def poisoned(batch):
    """Return the batch without the attributes that each span must have: the insert fails."""
    bad = pa.nulls(len(batch.spans), pa.string())
    position = batch.spans.column_names.index("attributes")
    spans = batch.spans.set_column(position, "attributes", bad)
    return type(batch)(
        **{name: getattr(batch, name) for name in type(batch).__dataclass_fields__}
        | {"spans": spans}
    )


def test_a_bad_batch_fails_alone_and_leaves_nothing(store):
    good = [requests(5, time_ns=T0), requests(9, time_ns=T0 + SECOND)]
    bad = poisoned(decode_traces(span_request(name="poison")))
    writer = Writer(store, limits=ONE_GROUP)
    futures = [
        writer.submit(decode_metrics(good[0]), b"1"),
        writer.submit(bad, b"2"),
        writer.submit(decode_metrics(good[1]), b"3"),
    ]
    writer.close()

    with pytest.raises(BatchRefused):
        futures[1].result()
    assert [future.result().is_repeat for future in (futures[0], futures[2])] == [False, False]
    assert counted(store) == 9
    assert number(store, "SELECT count(*) FROM spans") == 0
    assert number(store, "SELECT count(*) FROM strings WHERE value = 'poison'") == 0
    assert number(store, "SELECT count(*) FROM export_requests") == 2


def test_the_ids_of_a_failed_batch_are_given_to_others(store):
    bad = poisoned(decode_traces(span_request(name="poison")))
    writer = Writer(store, limits=WriterLimits(window_s=0))
    with pytest.raises(BatchRefused):
        writer.submit(bad, b"1").result(30)
    writer.submit(decode_traces(span_request(name="good")), b"2").result(30)
    writer.close()

    names = "SELECT value FROM spans JOIN strings ON string_id = name_id"
    assert number(store, names) == "good"


def test_a_file_opened_again_keeps_ids_and_counts_on(tmp_path):
    path = tmp_path / "mesh.duckdb"
    tables = ("resources", "strings", "metric_series")
    bounds = latency_bounds_us()

    def export(value, time_ns):
        return metrics(
            [
                (semconv.SLI_REQUESTS, {}, value),
                (semconv.SLI_DURATION, {}, (bounds, [value] + [0] * len(bounds))),
            ],
            time_ns=time_ns,
        )

    sizes = []
    for step in range(1, 4):
        with open_store(path, clock_ns=lambda: T0) as store:
            write(store, export(100 * step, T0 + 3600 * step * SECOND))
            write(store, span_request(start_time_unix_nano=T0 + step), decode=decode_traces)
            sizes.append([number(store, f"SELECT count(*) FROM {table}") for table in tables])
            total = counted(store)
            timed = reader.edge_latency(store.cursor(), *EVER)["count"].to_pylist()

    assert sizes[0] == sizes[1] == sizes[2]
    assert total == 200  # the first hundred were history when we came
    assert timed == [200]


@pytest.mark.parametrize("value", [math.inf, math.nan, -1.0, 1e300, 0.5])
def test_a_counter_that_is_no_count_is_kept_as_a_metric_and_survives_reopening(tmp_path, value):
    request = ExportMetricsServiceRequest.FromString(requests(0, time_ns=T0))
    (metric,) = request.resource_metrics[0].scope_metrics[0].metrics
    metric.sum.data_points[0].as_double = value
    for _ in range(2):
        with open_store(tmp_path / "mesh.duckdb", clock_ns=lambda: T0) as store:
            write(store, request.SerializeToString())
            assert counted(store) == 0
            assert number(store, "SELECT count(*) FROM metric_points") == 1


def test_names_with_nul_and_letters_of_every_script_are_kept(store):
    write(store, span_request(name="a\0b \u4e2d \U0001f642"), decode=decode_traces)

    name = number(store, "SELECT value FROM spans JOIN strings ON string_id = name_id")
    assert name == "a\0b \u4e2d \U0001f642"


def _count_for_ever(path, acked):
    writer = Writer(open_store(path))
    for n in range(1, 100_000):
        body = requests(n, time_ns=T0 + n * SECOND)
        writer.submit(decode_metrics(body), digest(body)).result(30)
        acked.value = n


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path):
    context = multiprocessing.get_context("spawn")
    acked = context.Value("q", 0)
    child = context.Process(target=_count_for_ever, args=(tmp_path / "mesh.duckdb", acked))
    child.start()
    while acked.value < 20:
        assert child.is_alive()
        time.sleep(0.01)
    child.kill()
    child.join()

    with open_store(tmp_path / "mesh.duckdb") as store:
        assert counted(store) in (acked.value, acked.value + 1)


def test_what_is_acknowledged_is_seen_by_another_cursor_at_once(store):
    writer = Writer(store)
    for n in range(1, 20):
        body = requests(n, time_ns=T0 + n * SECOND)
        writer.submit(decode_metrics(body), digest(body)).result(30)
        assert counted(store) == n
    writer.close()


def test_exporters_are_heard_even_without_points(store):
    write(store, envoy("A-05-timeout__logs"), decode=decode_logs)

    (exporter,) = reader.exporters(store.cursor()).to_pylist()
    assert exporter == {
        "service": "backend",
        "namespace": "default",
        "version": "v1",
        "instance": "be1",
        "last_seen_s": T0 // SECOND,
    }


def test_a_full_queue_refuses_until_it_is_written(store):
    body = envoy("A-16-canary-20pct__traces")
    batch = decode_traces(body)
    writer = Writer(store, limits=WriterLimits(window_s=1.0, queue_bytes=len(body) * 2))
    first = writer.submit(batch, b"1")
    writer.submit(batch, b"2")

    with pytest.raises(Overloaded, match="retry later"):
        writer.submit(batch, b"3")
    first.result(30)
    writer.close()
    assert number(store, "SELECT count(*) FROM spans") == 80


def test_a_closed_writer_has_kept_what_was_queued_and_takes_no_more(store):
    writer = Writer(store, limits=WriterLimits(window_s=5))
    future = writer.submit(decode_traces(span_request()), b"1")
    writer.close()

    assert future.done()
    with pytest.raises(StoreClosed):
        writer.submit(decode_traces(span_request()), b"2")


def test_many_senders_at_once_lose_nothing(store):
    writer = Writer(store)

    def send(sender):
        for n in range(1, 11):
            body = requests(n, time_ns=T0 + n * SECOND, route=f"r{sender}")
            writer.submit(decode_metrics(body), digest(body)).result(30)

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()

    assert counted(store) == 80
