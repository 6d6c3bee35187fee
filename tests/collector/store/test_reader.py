"""What the reader answers about windows."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.store import reader
from collector.store.store import open_store
from tests.collector.rollups import BACKEND, put


@pytest.fixture
def store():
    with open_store() as opened:
        yield opened


TIMES = st.integers(0, 10_000)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(TIMES, st.integers(0, 5)), max_size=20), TIMES, TIMES)
def test_a_window_sums_its_ten_second_buckets_whatever_tiers_it_reads(rows, from_s, to_s):
    with open_store() as store:
        put(store, BACKEND, 1, [(time_s, n, n) for time_s, n in rows])
        expected = sum(n for time_s, n in rows if from_s <= time_s // 10 * 10 < to_s)

        table = reader.edge_counts(store.cursor(), from_s, to_s, by=())

        assert table.to_pylist()[0]["requests"] == expected


def test_errors_are_5xx_and_no_response_but_not_4xx(store):
    for edge_id, code in enumerate([200, 404, 500, 503, 0]):
        put(store, replace(BACKEND, code=code), edge_id, [(0, 10, 10)])

    table = reader.edge_counts(store.cursor(), 0, 60, by=("destination",))

    assert table.to_pylist() == [
        {"destination": "backend", "requests": 50, "errors": 30, "attempts": 50, "retries": 0}
    ]


def test_retries_are_right_when_requests_and_attempts_came_in_different_rows(store):
    put(store, BACKEND, 1, [(0, 5, 0), (0, 0, 7)])

    table = reader.edge_counts(store.cursor(), 0, 60, by=())

    assert table["retries"].to_pylist() == [2]


def test_a_step_gives_one_row_per_filled_step_counted_from_the_start(store):
    put(store, BACKEND, 1, [(30, 1, 1), (80, 2, 2), (90, 4, 4), (300, 8, 8)])

    table = reader.edge_counts(store.cursor(), 30, 400, by=(), step_s=60)

    assert table.select(["bucket_s", "requests"]).to_pylist() == [
        {"bucket_s": 30, "requests": 3},
        {"bucket_s": 90, "requests": 4},
        {"bucket_s": 270, "requests": 8},
    ]


def test_the_callees_view_of_a_meshed_caller_is_not_counted(store):
    put(store, BACKEND, 1, [(0, 3, 3)], [(0, 40, 3)])
    put(store, replace(BACKEND, reporter="destination"), 2, [(0, 3, 3)], [(0, 41, 3)])

    def total(**options):
        return reader.edge_counts(store.cursor(), 0, 60, by=(), **options)["requests"].to_pylist()

    assert total() == [3]
    assert total(canonical=False) == [6]
    latency = reader.edge_latency(store.cursor(), 0, 60)
    assert latency["latency_bucket"].to_pylist() == [40]


def test_an_unknown_column_is_named(store):
    with pytest.raises(ValueError, match="no such edge column: colour"):
        reader.edge_counts(store.cursor(), 0, 60, by=("colour",))


def test_the_first_bucket_is_as_fine_as_what_is_still_kept(store):
    assert reader.first_bucket_s(store.cursor()) is None
    put(store, BACKEND, 1, [(7_270, 1, 1), (90_000, 1, 1)])
    assert reader.first_bucket_s(store.cursor()) == 7_270
    store.cursor().execute("DELETE FROM sli_10s WHERE bucket_s < 80000")
    assert reader.first_bucket_s(store.cursor()) == 7_260
    assert reader.last_bucket_s(store.cursor()) == 90_000
