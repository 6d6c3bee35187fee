"""Housekeeping changes no answer."""

from collector.store import reader
from collector.store.compaction import Retention, compact
from collector.store.store import open_store
from tests.collector.rollups import BACKEND, put

DAY = 86_400


def rows(store, table):
    return store.cursor().execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_rows_of_one_key_are_merged_and_the_counts_stay():
    with open_store() as store:
        put(store, BACKEND, 1, [(10, 1, 1)] * 5 + [(20, 1, 1)], [(10, 3, 2)] * 4)
        before = reader.edge_counts(store.cursor(), 0, 60).to_pylist()

        compact(store.cursor(), DAY, Retention())
        compact(store.cursor(), DAY + 60, Retention())

        assert reader.edge_counts(store.cursor(), 0, 60).to_pylist() == before
        assert (rows(store, "sli_10s"), rows(store, "sli_1m"), rows(store, "sli_1h")) == (2, 1, 1)
        assert rows(store, "latency_10s") == 1
        latency = reader.edge_latency(store.cursor(), 0, 60)
        assert latency["count"].to_pylist() == [8]


def test_rows_that_come_late_are_counted_though_not_merged():
    with open_store() as store:
        put(store, BACKEND, 1, [(10, 1, 1)])
        compact(store.cursor(), DAY, Retention())
        store.cursor().execute("INSERT INTO sli_10s VALUES (10, 1, 4, 4)")
        compact(store.cursor(), DAY + 60, Retention())

        assert reader.edge_counts(store.cursor(), 10, 20)["requests"].to_pylist() == [5]


def test_buckets_that_still_grow_are_left_alone():
    with open_store() as store:
        put(store, BACKEND, 1, [(10, 1, 1)] * 2)
        compact(store.cursor(), 60, Retention())

        assert rows(store, "sli_10s") == 2


def test_each_kind_is_forgotten_at_its_own_age():
    with open_store() as store:
        put(store, BACKEND, 1, [(0, 1, 1), (40 * DAY, 1, 1)], [(0, 3, 1)])
        store.cursor().execute("INSERT INTO metric_points VALUES (1, 1, 0, 1, NULL)")

        compact(store.cursor(), 30 * DAY, Retention(sli_10s_s=DAY))

        assert [rows(store, f"sli_{tier}") for tier in ("10s", "1m", "1h")] == [1, 2, 2]
        assert rows(store, "latency_10s") == 0
        assert rows(store, "metric_points") == 0
