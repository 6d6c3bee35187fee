"""Housekeeping changes no answer."""

from collector.store import reader
from collector.store.compaction import Compaction, Retention, ages, compact
from collector.store.quota import SLICE_ROWS, TIMES
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
        store.cursor().execute("INSERT INTO metric_points VALUES (1, 1, 0, 1, NULL, 0)")

        compact(store.cursor(), 30 * DAY, Retention(sli_10s_s=DAY))

        assert [rows(store, f"sli_{tier}") for tier in ("10s", "1m", "1h")] == [1, 2, 2]
        assert rows(store, "latency_10s") == 0
        assert rows(store, "metric_points") == 0


def test_a_backlog_is_merged_in_slices_that_each_change_no_answer():
    buckets, copies = 60, 5000
    with open_store() as store:
        cursor = store.cursor()
        put(store, BACKEND, 1, [(0, 1, 1)])
        cursor.execute(
            "INSERT INTO sli_10s SELECT b * 10, 1, 2, 3 FROM range(?) t(b), range(?)",
            [buckets, copies],
        )
        before = reader.edge_counts(cursor, 0, 600, step_s=10).to_pylist()
        round_, is_more = Compaction(DAY, Retention()), True
        left = rows(store, "sli_10s")
        while is_more:
            is_more = round_.slice(cursor)  # as many pieces as a quick machine has time for
            assert reader.edge_counts(cursor, 0, 600, step_s=10).to_pylist() == before
            now = rows(store, "sli_10s")
            assert left - now <= 3 * SLICE_ROWS
            left = now

        assert rows(store, "sli_10s") == buckets
        assert before[0]["requests"] == 1 + 2 * copies


def test_what_is_too_old_goes_in_slices_and_nothing_else():
    with open_store() as store:
        cursor = store.cursor()
        cursor.execute(
            "INSERT INTO metric_points SELECT 1, i, 0, 1, NULL, 0 FROM range(?) t(i)",
            [3 * SLICE_ROWS + 7],
        )
        cursor.execute("INSERT INTO metric_points VALUES (1, ?, 0, 1, NULL, 0)", [30 * DAY * 10**9])
        compact(cursor, 30 * DAY, Retention())

        assert rows(store, "metric_points") == 1


def test_every_table_of_telemetry_has_an_age():
    with open_store() as store:
        tables = {row[0] for row in store.cursor().execute("SHOW TABLES").fetchall()}
        assert set(ages(Retention())) <= tables
    assert set(TIMES) <= set(ages(Retention()))
    timed = {name for name in tables if name.startswith(("sli_", "latency_"))}
    assert timed <= set(ages(Retention()))


def test_each_signal_has_an_age_of_its_own():
    told = ages(Retention(spans_s=1, metrics_s=2, logs_s=3))

    assert (told["spans"][2], told["logs"][2]) == (1, 3)
    assert {told[table][2] for table in set(TIMES) - {"spans", "logs"}} == {2}
