"""Metrics and logs from the wire to the tables and back: every shape, and exact increases."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from collector import semconv
from collector.edges import latency_bucket
from collector.otlp.logs import decode_logs
from collector.otlp.metrics import decode_metrics
from collector.store import increases, reader
from collector.store.metrics import TABLE_OF_TYPE, metadata, points, series
from collector.store.store import open_store
from collector.store.writer import Writer, WriterLimits
from tests.collector.exports import SECOND, T0, TAGS, digest, envoy, metrics, put_attributes

EVER = (0, 2**62)
MINUTE = 60 * SECOND


@pytest.fixture
def store():
    with open_store(clock_ns=lambda: T0) as opened:
        yield opened


def write(store, *bodies, decode=decode_metrics):
    writer = Writer(store, limits=WriterLimits(window_s=0))
    for body in bodies:
        writer.submit(decode(body), digest(body)).result(30)
    writer.close()


def request(service="frontend"):
    message = ExportMetricsServiceRequest()
    resource_metrics = message.resource_metrics.add()
    put_attributes(resource_metrics.resource.attributes, {semconv.SERVICE_NAME: service})
    return message, resource_metrics.scope_metrics.add().metrics


def exponential(scale, offset, counts, *, time_ns, start_ns=T0, name="e", unit="us"):
    message, found = request()
    metric = found.add(name=name, unit=unit)
    metric.exponential_histogram.aggregation_temporality = 2
    point = metric.exponential_histogram.data_points.add(
        time_unix_nano=time_ns, start_time_unix_nano=start_ns, scale=scale, count=sum(counts)
    )
    put_attributes(point.attributes, TAGS)
    point.positive.offset = offset
    point.positive.bucket_counts.extend(counts)
    return message.SerializeToString()


def ids(store, *names):
    return series(store.cursor(), names=names)["series_id"].to_pylist()


def test_every_shape_is_read_back_as_it_was_sent(store):
    message, found = request()
    found.add(name="gauge", description="A gauge.").gauge.data_points.add(
        time_unix_nano=T0, as_double=float("nan")
    )
    found.add(name="sum").sum.data_points.add(time_unix_nano=T0, as_int=2**62)
    histogram = found.add(name="histogram").histogram.data_points.add(
        time_unix_nano=T0, explicit_bounds=[1, 2], bucket_counts=[0, 3, 0], count=3, min=1.25
    )
    histogram.exemplars.add(as_double=1.5, trace_id=b"\1" * 16, span_id=b"\2" * 8)
    found.add(name="exponential").exponential_histogram.data_points.add(
        time_unix_nano=T0, scale=20, zero_count=7, count=7
    )
    summary = found.add(name="summary").summary.data_points.add(time_unix_nano=T0, count=1, sum=2)
    summary.quantile_values.add(quantile=0.5, value=2)
    write(store, message.SerializeToString())
    cursor = store.cursor()

    rows = {
        one["name"]: points(cursor, TABLE_OF_TYPE[one["type"]], [one["series_id"]], *EVER)
        for one in series(cursor).to_pylist()
    }
    (histogram,) = rows["histogram"].to_pylist()
    (summary,) = rows["summary"].to_pylist()
    (exemplar,) = points(cursor, "exemplars", ids(store, "histogram"), *EVER).to_pylist()

    assert str(rows["gauge"]["value_double"].to_pylist()) == "[nan]"
    assert rows["sum"]["value_int"].to_pylist() == [2**62]
    assert (histogram["bounds"], histogram["first_bucket"]) == ([1.0, 2.0], 1)
    assert (histogram["bucket_counts"], histogram["min"], histogram["max"]) == ([3], 1.25, None)
    assert rows["exponential"]["zero_count"].to_pylist() == [7]
    assert (summary["quantiles"], summary["quantile_values"]) == ([0.5], [2.0])
    assert (exemplar["value_double"], exemplar["trace_lo"]) == (1.5, 0x0101010101010101)
    assert metadata(cursor).to_pylist()[1]["description"] == "A gauge."


def test_streams_are_found_by_name_and_by_labels_of_their_own_or_of_their_resource(store):
    write(store, envoy("A-16-canary-20pct__metrics__fe"))
    cursor = store.cursor()

    every = series(cursor)
    found = series(cursor, names=[semconv.SLI_REQUESTS], labels={"code": "200"}).to_pylist()

    assert len(every) == 321
    assert {one["service"] for one in found} == {"frontend"}
    assert {json.loads(one["attributes"])["code"] for one in found} == {"200"}
    assert len(series(cursor, labels={"service.name": "frontend"})) == 321
    assert len(series(cursor, labels={'no"such': "x"})) == 0
    assert min(every["first_ns"].to_pylist()) > T0 - 10**9 * SECOND


def test_the_bounds_of_a_thousand_histograms_are_stored_once(store):
    bodies = (
        metrics([("h", {}, ([1.0, 2.0], [n, 0, 0]))], time_ns=T0 + n * SECOND) for n in range(5)
    )
    write(store, *bodies)

    assert store.cursor().execute("SELECT bounds FROM bounds").fetchall() == [([1.0, 2.0],)]
    assert store.cursor().execute("SELECT count(*) FROM histogram_points").fetchone() == (5,)


lives = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=5), min_size=1, max_size=4)


@settings(max_examples=25, deadline=None)
@given(lives, st.data())
def test_increases_are_what_happened_under_restarts_lost_exports_and_disorder(lives, data):
    bodies, truth, now = [], 0, T0
    for life in lives:
        start, total = now, 0
        for step, growth in enumerate(life):
            now += 10 * SECOND
            total += growth
            if step == len(life) - 1 or data.draw(st.booleans(), label="arrives"):
                values = [("c", {}, total), ("h", {}, ([1.0], [total, 2 * total]))]
                bodies.append(metrics(values, start_ns=start, time_ns=now))
        truth += total
    bodies = data.draw(st.permutations(bodies), label="order")
    cut = data.draw(st.integers(0, len(lives) * 50), label="cut") * SECOND
    with open_store(clock_ns=lambda: T0) as store:
        write(store, *bodies)
        cursor, halves = store.cursor(), ((T0, T0 + cut), (T0 + cut, now + 1))
        sums = [increases.increase(cursor, ids(store, "c"), *half) for half in halves]
        histograms = [
            found
            for half in halves
            for found in increases.histogram_increase(cursor, ids(store, "h"), *half)
        ]
        steps = increases.increase(
            cursor, ids(store, "c"), T0, now + 1, step_ns=20 * SECOND
        ).to_pylist()

    assert sum(sum(table["increase_int"].to_pylist()) for table in sums) == truth
    assert sum(one["increase_int"] for one in steps) == truth
    assert all((one["bucket_ns"] - T0) % (20 * SECOND) == 0 for one in steps)
    assert sum(one.counts[1] for one in histograms) == 2 * truth
    assert sum(one.count for one in histograms) == 3 * truth


def test_the_history_of_an_old_exporter_is_no_increase(store):
    hour = 3600 * SECOND
    write(store, metrics([("c", {}, 1_000_000)], time_ns=T0 + hour))
    write(store, metrics([("c", {}, 1_000_007), ("new", {}, 3)], time_ns=T0 + hour + 5 * SECOND))

    table = increases.increase(store.cursor(), ids(store, "c", "new"), *EVER)

    assert table["increase_int"].to_pylist() == [7, 3]


def test_what_retention_has_taken_is_not_counted_again(store):
    bodies = [metrics([("c", {}, 10 * n)], time_ns=T0 + n * MINUTE) for n in range(1, 6)]
    write(store, *bodies)
    store.cursor().execute("DELETE FROM metric_points WHERE time_ns < ?", [T0 + 3 * MINUTE])

    table = increases.increase(store.cursor(), ids(store, "c"), *EVER)

    assert table["increase_int"].to_pylist() == [20]


def test_delta_points_add_up_and_doubles_stay_doubles(store):
    bodies = [metrics([("c", {}, 4)], time_ns=T0 + n, temporality=1) for n in range(3)]
    message = ExportMetricsServiceRequest.FromString(bodies[2])
    message.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points[0].as_double = 0.5
    write(store, *bodies[:2], message.SerializeToString())

    table = increases.increase(store.cursor(), ids(store, "c"), *EVER)

    assert (table["increase_int"].to_pylist(), table["increase_double"].to_pylist()) == (
        [None],
        [8.5],
    )


def test_an_exponential_histogram_that_becomes_coarser_is_not_reset(store):
    write(
        store,
        exponential(4, 100, [1, 1, 1], time_ns=T0 + SECOND),
        exponential(3, 50, [2, 3], time_ns=T0 + 2 * SECOND),
        exponential(3, 50, [0, 1], time_ns=T0 + 3 * SECOND, start_ns=T0 + 2 * SECOND),
    )

    found = increases.exponential_increase(store.cursor(), ids(store, "e"), *EVER)
    later = increases.exponential_increase(store.cursor(), ids(store, "e"), T0 + 2 * SECOND, 2**62)

    assert [one.count for one in found.values()] == [6]
    assert [one.count for one in later.values()] == [3]


def test_latencies_come_from_exponential_histograms_too_and_survive_reopening(tmp_path):
    name = semconv.SLI_DURATION
    bodies = [
        exponential(5, 480, [4], time_ns=T0 + 10 * SECOND, name=name),
        exponential(3, 120, [6, 1], time_ns=T0 + 20 * SECOND, name=name),
    ]
    for body in bodies:
        with open_store(tmp_path / "mesh.duckdb", clock_ns=lambda: T0) as store:
            write(store, body)
            found = reader.edge_latency(store.cursor(), *EVER).to_pylist()

    counts = {one["latency_bucket"]: one["count"] for one in found}
    middle = 2 ** (120.5 / 8)
    assert counts == {latency_bucket(middle): 6, latency_bucket(middle) + 1: 1}


def test_logs_are_kept_whole_and_get_the_time_of_arrival_when_they_have_none(store):
    message = ExportLogsServiceRequest()
    resource_logs = message.resource_logs.add()
    put_attributes(resource_logs.resource.attributes, {semconv.SERVICE_NAME: "shop"})
    scope_logs = resource_logs.scope_logs.add()
    scope_logs.scope.name = "app"
    record = scope_logs.log_records.add(severity_text="WARN", event_name="e", flags=1)
    record.body.string_value = "hello"
    write(store, message.SerializeToString(), decode=decode_logs)

    row = (
        store.cursor()
        .execute(
            "SELECT time_ns, severity_text, event_name, flags, body_type, body, scopes.name"
            " FROM logs JOIN scopes USING (scope_id)"
        )
        .fetchone()
    )
    assert row == (T0, "WARN", "e", 1, 1, "hello", "app")
