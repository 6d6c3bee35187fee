"""Beyond the limits nothing is lost: sums and histograms still add up in the overflow series."""

import json

import pytest

from collector import semconv
from collector.edges import OVERFLOW, Edge
from collector.otlp.cardinality import METRIC_FULL, OVERFLOW_KEY, CardinalityLimits
from collector.otlp.metrics import decode_metrics
from collector.store import increases, reader
from collector.store.dictionaries import EdgeDictionary
from collector.store.gate import EDGE_OVERFLOW
from collector.store.metrics import series
from collector.store.store import open_store
from collector.store.writer import Writer, WriterLimits
from tests.collector.exports import SECOND, T0, digest, metrics

EVER = (0, 2**62)
LIMITS = CardinalityLimits(series_per_metric=3, series_per_service=100)
LATENCIES = ([64.0, 128.0], [1, 2, 0])


def flush(factor, *, time_ns, routes=10, temporality=2):
    """Return one cumulative flush of as many routes."""
    points = []
    for n in range(routes):
        tags = {semconv.TAG_ROUTE: f"r{n}"}
        points += [
            (semconv.SLI_REQUESTS, tags, factor),
            (semconv.SLI_DURATION, tags, (LATENCIES[0], [factor * c for c in LATENCIES[1]])),
        ]
    return metrics(points, time_ns=time_ns, temporality=temporality)


def write(store, *bodies, limits=LIMITS):
    writer = Writer(store, limits=WriterLimits(window_s=0), cardinality=limits)
    acks = [writer.submit(decode_metrics(body), digest(body)).result(30) for body in bodies]
    writer.close()
    return acks, writer.warnings


@pytest.mark.parametrize("temporality", [1, 2])
def test_new_series_beyond_the_limit_share_one_whose_sum_is_right(tmp_path, temporality):
    with open_store(tmp_path / "mesh.duckdb", clock_ns=lambda: T0) as store:
        bodies = [
            flush(5, time_ns=T0 + 5 * SECOND, temporality=temporality),
            flush(7, time_ns=T0 + 10 * SECOND, temporality=temporality),
        ]
        acks, warnings = write(store, *bodies)
        cursor = store.cursor()
        found = series(cursor, names=[semconv.SLI_REQUESTS]).to_pylist()
        ids = [one["series_id"] for one in found]
        grown = increases.increase(cursor, ids, *EVER)["increase_int"].to_pylist()
        timed = series(cursor, names=[semconv.SLI_DURATION])["series_id"].to_pylist()
        histograms = increases.histogram_increase(cursor, timed, *EVER)
        counted = reader.edge_counts(cursor, 0, 2**40, by=("route",)).to_pylist()
        latencies = reader.edge_latency(cursor, 0, 2**40)["count"].to_pylist()

    truth = 10 * (7 if temporality == 2 else 12)
    assert len(found) == 4
    assert json.loads(found[-1]["attributes"]) == {OVERFLOW_KEY: True}
    assert sum(grown) == truth
    assert sum(one.counts[1] for one in histograms) == 2 * truth
    assert len(histograms) == 4
    assert [row["requests"] for row in counted] == [truth // 10] * 10
    assert sum(latencies) == 3 * truth
    assert warnings[METRIC_FULL] == 2 * 2 * 7
    assert METRIC_FULL in acks[0].message
    assert acks[0].rejected == 0


def test_series_that_are_in_stay_in_after_reopening_and_history_is_not_counted_again(tmp_path):
    path = tmp_path / "mesh.duckdb"
    for step in range(1, 4):
        with open_store(path, clock_ns=lambda: T0) as store:
            write(store, flush(10 * step, time_ns=T0 + 3600 * step * SECOND))
            found = series(store.cursor(), names=[semconv.SLI_REQUESTS]).to_pylist()
            ids = [one["series_id"] for one in found]
            grown = increases.increase(store.cursor(), ids, *EVER)["increase_int"].to_pylist()

    assert [json.loads(one["attributes"]).get("route") for one in found] == [
        "r0",
        "r1",
        "r2",
        None,
    ]
    assert grown == [20, 20, 20]


def test_of_a_gauge_the_last_value_stays():
    with open_store(clock_ns=lambda: T0) as store:
        message = [("g", {"n": n}, n) for n in range(6)]
        body = metrics(message, time_ns=T0, temporality=0)
        write(store, body)
        rows = store.cursor().execute("SELECT count(*), max(value_int) FROM metric_points")

        assert rows.fetchone() == (4, 5)


def test_edges_beyond_the_limit_share_a_route_and_then_a_peer():
    limits = CardinalityLimits(edges_per_service=4)
    with open_store(clock_ns=lambda: T0) as store:
        _, warnings = write(store, flush(3, time_ns=T0 + SECOND), limits=limits)
        rows = reader.edge_counts(store.cursor(), 0, 2**40, by=("route",)).to_pylist()

    counts = {row["route"]: row["requests"] for row in rows}
    assert counts == {"r0": 3, "r1": 3, "r2": 3, "r3": 3, OVERFLOW: 18}
    assert warnings[EDGE_OVERFLOW] == 12

    edges = EdgeDictionary(limit=1)
    names = [Edge("source", "a", f"b{n}", "", "r", 200, "-", "mtls") for n in range(6)]
    ids = [edges.id_of(edge) for edge in names]
    assert len(set(ids)) == 3
    assert [edge.destination for edge in edges.new()] == ["b0", "b1", OVERFLOW]
    assert edges.overflowed == {"a": 5}
    edges.rollback()
    assert edges.id_of(names[3]) == 0
