"""Series that a Prometheus wrote are read back as they were."""

import json

import pytest

from collector import semconv
from collector.otlp.exponential import Buckets, Exponential
from collector.prometheus.listing import label_sets
from collector.prometheus.metadata import Metadata, read_metadata
from collector.prometheus.points import MAX_MS, Window
from collector.promql.native import custom, from_exponential
from collector.store.store import open_store
from tests.collector.exports import SECOND, T0
from tests.collector.prometheus.exported import STALE, matchers, read, source

LABELS = {"__odd__": "x", "instance": "a:9090", "job": "node", "le": "5", "ü.dot": "y"}
KEY = tuple(sorted(LABELS.items()))
IS_SORTED = {"metric_points": (0,)}


class Written:
    """Rows of a store, as remote write leaves them."""

    def __init__(self, store):
        self.cursor = store.cursor()
        told = json.dumps({"job": "node", semconv.ORIGIN: semconv.REMOTE_WRITE})
        self.cursor.execute(
            "INSERT INTO resources VALUES (0, 'prometheus:node', '', '', '', ?)", [told]
        )
        self.cursor.execute("INSERT INTO bounds VALUES (0, [1.0, 2.5])")

    def series(self, number, name, type_):
        row = [number, semconv.REMOTE_WRITE, name, type_, json.dumps(LABELS, sort_keys=True), T0]
        self.cursor.execute(
            "INSERT INTO metric_series VALUES (?, 0, ?, ?, '', ?, 2, false, ?, ?)", row
        )

    def points(self, table, number, *rows):
        for at_s, *row in rows:
            values = [number, T0 + at_s * SECOND, 0, *row, *IS_SORTED.get(table, ())]
            marks = ", ".join("?" for _ in values)
            self.cursor.execute(f"INSERT INTO {table} VALUES ({marks})", values)


@pytest.fixture
def store():
    with open_store() as opened:
        yield opened


@pytest.fixture
def written(store):
    return Written(store)


def test_names_and_labels_are_not_translated(store, written):
    written.series(0, "node.cpu:rate", "gauge")
    written.points("metric_points", 0, (10, None, 1.5), (20, None, None))

    assert read(source(store), matchers("node.cpu:rate")) == {KEY: [(10, 1.5), (20, STALE)]}
    assert read(source(store), matchers("node.cpu:rate", le="5")).keys() == {KEY}
    assert read(source(store), matchers("node.cpu:rate", le="6")) == {}


def test_a_series_may_turn_from_numbers_to_histograms(store, written):
    written.series(0, "m", "gauge")
    written.series(1, "m", "exponential_histogram")
    written.series(2, "m", "histogram")
    written.points("metric_points", 0, (10, None, 1.5), (40, None, 2.5))
    written.points("exponential_points", 1, (20, 3, 4.0, None, None, 2, 1, 0.5, 4, [2], 0, []))
    written.points("histogram_points", 2, (30, 6, 9.0, None, None, 0, 0, [1, 2, 3]))

    assert read(source(store), matchers("m")) == {
        KEY: [
            (10, 1.5),
            (20, from_exponential(Exponential(3, 2, 1, 0.5, Buckets(4, (2,)), sum=4.0))),
            (30, custom([1.0, 2.5], [1, 2, 3], total=9.0, count=6)),
            (40, 2.5),
        ]
    }
    assert len(list(label_sets(source(store), matchers("m"), Window(0, MAX_MS)))) == 1


def test_who_wrote_is_no_exporter(store, written):
    written.cursor.execute("INSERT INTO heartbeats VALUES (?, 0)", [T0 // SECOND])

    names = {dict(one)["__name__"] for one in label_sets(source(store), (), Window(0, MAX_MS))}

    assert names == set()


def test_families_are_told_as_they_were_written(store, written):
    document = '{"type":"counter","unit":"","help":"Seconds."}'
    name = f"{semconv.REMOTE_WRITE}/node_cpu_seconds"
    written.cursor.execute("INSERT INTO metric_descriptions VALUES (?, ?)", [name, document])

    told = read_metadata(source(store))

    assert told["node_cpu_seconds"] == [Metadata("counter", "", "Seconds.")]
