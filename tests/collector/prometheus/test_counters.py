"""Counters derived from edges: at each time t, what was counted before t, in every tier."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.edges import Edge, latency_bucket
from collector.prometheus.grid import Region, grid, regions
from collector.promql.samples import Matcher
from collector.store import reader
from collector.store.store import open_store
from tests.collector.inbox import Inbox
from tests.collector.prometheus.exported import STALE, T0_MS, T0_S, Export, matchers, read, source
from tests.collector.rollups import put

EDGE = Edge("source", "frontend", "cart", "v1", "r", 200, "-", "mtls")
FAILED = replace(EDGE, code=503, flags="UH")
OUTSIDE = Edge("destination", "external", "frontend", "v1", "home", 200, "-", "plaintext")
LABELS = (
    ("code", "200"),
    ("destination", "cart"),
    ("flags", "-"),
    ("route", "r"),
    ("source", "frontend"),
    ("version", "v1"),
)


@pytest.fixture
def store():
    with open_store() as opened:
        yield opened


def test_a_counter_begins_with_0_before_its_first_bucket_and_never_resets(store):
    put(store, EDGE, 1, [(T0_S + 20, 5, 5), (T0_S + 50, 2, 2)])

    found = read(source(store, at_s=65), matchers("mesh_requests_total"))

    assert found == {LABELS: [(20, 0), (30, 5), (40, 5), (50, 5), (60, 7), (65, 7)]}


def test_the_bucket_in_progress_counts_at_the_end_of_the_window(store):
    put(store, EDGE, 1, [(T0_S, 5, 5), (T0_S + 60, 2, 2)])

    def last(to_s, at_s):
        wanted = matchers("mesh_requests_total")
        return read(source(store, at_s=at_s), wanted, 0, to_s)[LABELS][-1]

    assert last(65, 65) == (65, 7)
    assert last(64.5, 65) == (64.5, 7)
    assert last(300, 65) == (65, 7)
    assert last(57, 65) == (50, 5)


def test_a_window_begins_with_all_that_was_counted_before(store):
    put(store, EDGE, 1, [(T0_S, 5, 5), (T0_S + 7000, 2, 2)])

    found = read(source(store, at_s=8000), matchers("mesh_requests_total"), 7000, 7010)

    assert found == {LABELS: [(7000, 5), (7010, 7)]}


def test_retries_are_attempts_beyond_requests_never_below_0_of_an_edge(store):
    put(store, EDGE, 1, [(T0_S, 5, 7), (T0_S + 10, 3, 1)])
    put(store, FAILED, 2, [(T0_S, 2, 0)])

    found = read(source(store, at_s=20), matchers("mesh_retries_total"))

    points = [(0, 0), (10, 2), (20, 0)]
    assert found == {(("destination", "cart"), ("source", "frontend")): points}


def test_buckets_are_cumulative_in_le_and_have_the_bounds_of_the_exposition(store):
    fast, slow = latency_bucket(900), latency_bucket(60_000)
    put(store, EDGE, 1, [], [(T0_S, fast, 3), (T0_S + 10, slow, 1)])
    wanted = [
        *matchers("mesh_request_duration_seconds_bucket"),
        Matcher("le", "=~", "0.001024|.Inf"),
    ]

    found = read(source(store, at_s=20), wanted)

    assert {dict(labels)["le"]: points for labels, points in found.items()} == {
        "0.001024": [(0, 0), (10, 3), (20, 3)],
        "+Inf": [(0, 0), (10, 3), (20, 4)],
    }


def test_durations_are_added_up_from_the_middles_of_buckets(store):
    put(store, EDGE, 1, [], [(T0_S, latency_bucket(10_000), 100)])

    (points,) = read(
        source(store, at_s=20), matchers("traces_service_graph_request_server_seconds_sum")
    ).values()

    assert points[-1][1] == pytest.approx(1.0, rel=0.045)


def test_both_reporters_of_istio_tell_the_one_count(store):
    put(store, EDGE, 1, [(T0_S, 5, 5)])
    put(store, OUTSIDE, 2, [(T0_S, 7, 7)])

    found = read(source(store, at_s=20), matchers("istio_requests_total"))

    told = {
        (dict(labels)["reporter"], dict(labels)["destination_workload"]): points[-1][1]
        for labels, points in found.items()
    }
    assert told == {
        ("source", "cart"): 5,
        ("destination", "cart"): 5,
        ("destination", "frontend"): 7,
    }


def test_failed_requests_of_the_service_graph_are_those_of_every_other_page(store):
    put(store, EDGE, 1, [(T0_S, 5, 5)])
    put(store, FAILED, 2, [(T0_S, 2, 2)])

    def total(name):
        (points,) = read(source(store, at_s=20), matchers(name)).values()
        return points[-1][1]

    assert total("traces_service_graph_request_total") == 7
    assert total("traces_service_graph_request_failed_total") == 2


def test_rows_that_do_not_count_are_not_seen(store):
    put(store, replace(EDGE, reporter="destination"), 1, [(T0_S, 5, 5)])

    assert read(source(store, at_s=20), [Matcher("__name__", "=~", ".+_requests_total")]) == {}


def test_arrivals_are_told_by_the_best_signal_of_the_callee_s_side(store):
    arrived = replace(EDGE, reporter="destination")
    put(store, arrived, 1, [(T0_S, 5, 5)])
    put(store, replace(arrived, code=503), 2, [(T0_S, 2, 2)])
    put(store, replace(arrived, signal="spans"), 3, [(T0_S, 9, 9)])
    put(store, EDGE, 4, [(T0_S, 70, 70)])

    found = read(source(store, at_s=20), matchers("mesh_arrivals_total"))

    told = {dict(labels)["result"]: points[-1][1] for labels, points in found.items()}
    assert told == {"ok": 5, "error": 2}


def test_an_exporter_is_last_seen_until_it_has_retired(store):
    put(store, EDGE, 1, [(T0_S, 5, 5)])
    cursor = store.cursor()
    cursor.execute("INSERT INTO resources VALUES (0, 'cart', '', '', 'cart-0', '{}')")
    for at_s in (0, 20):
        cursor.execute("INSERT INTO heartbeats VALUES (?, 0)", [T0_S + at_s])
    name = "mesh_exporter_last_seen_timestamp_seconds"

    (points,) = read(source(store, at_s=4000), matchers(name), 0, 4000).values()

    assert points[:3] == [(10, T0_S), (20, T0_S), (30, T0_S + 20)]
    assert points[-2:] == [(3620, T0_S + 20), (3630, STALE)]


def test_a_mesh_that_tells_istio_s_metrics_itself_hides_ours(store):
    put(store, EDGE, 1, [(T0_S, 5, 5)])
    Inbox(store).take(Export().counter("istio_requests_total", 9, 10).bytes())

    found = read(source(store, at_s=20), matchers("istio_requests_total"))

    assert [points[-1][1] for points in found.values()] == [9]


def test_nobody_else_can_tell_our_own_names(store):
    put(store, EDGE, 1, [(T0_S, 5, 5)])
    Inbox(store).take(Export().counter("mesh_requests_total", 9, 10).bytes())

    assert read(source(store, at_s=20), matchers("mesh_requests_total")).keys() == {LABELS}


COUNTS = st.lists(
    st.tuples(st.integers(0, 1500), st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=12
)


@settings(max_examples=20, deadline=None)
@given(COUNTS, st.integers(0, 15_000), st.integers(0, 3000), st.integers(0, 2))
def test_every_sample_is_what_the_reader_counts_before_it(counts, from_s, length_s, lost_tiers):
    """Also where retention has taken the finer tiers away, at whole hours."""
    rows = [(T0_S + 10 * at, requests, attempts) for at, requests, attempts in counts]
    cut_s = T0_S // 3600 * 3600 + 3600
    with open_store() as store:
        put(store, EDGE, 1, rows)
        for tier in ("10s", "1m")[:lost_tiers]:
            store.cursor().execute(f"DELETE FROM sli_{tier} WHERE bucket_s < ?", [cut_s])
        found = read(
            source(store, at_s=15_005), matchers("mesh_requests_total"), from_s, from_s + length_s
        )
        for at_s, value in found.get(LABELS, []):
            until_s = T0_S + -(-int(at_s * 1000) // 10_000) * 10
            table = reader.edge_counts(store.cursor(), 0, until_s, by=())
            assert value == table["requests"][0].as_py()


FIRSTS = st.tuples(st.integers(0, 9000), st.integers(0, 4000), st.integers(0, 4000))


@given(FIRSTS, st.integers(0, 3000))
def test_regions_follow_each_other_up_to_the_end(ages, later):
    hour, minutes, tens = ages
    first_h = hour // 360 * 3600
    first_m = first_h + minutes // 6 * 60
    first_10 = first_m + tens * 10
    end = first_10 + 10 * later + 10
    spans = regions({"1h": first_h, "1m": first_m, "10s": first_10}, end)

    assert spans[-1].to_s == end
    assert all(left.to_s == right.from_s for left, right in pairwise(spans))
    lengths = {"1h": 3600, "1m": 60, "10s": 10}
    assert all(span.from_s % lengths[span.tier] == 0 for span in spans)
    assert [span.tier for span in spans] == [
        tier for tier in lengths if tier in {s.tier for s in spans}
    ]


def test_a_store_without_rollups_has_no_times():
    assert regions({"10s": None, "1m": None, "1h": None}, 1000) == []
    assert len(grid([], 0, 10**6, 10**6).times_ms) == 0


def test_times_of_coarser_tiers_are_the_ends_of_their_buckets():
    spans = [Region("1h", 0, 7200), Region("1m", 7200, 7320), Region("10s", 7320, 7340)]

    found = grid(spans, 3_600_000, 10**9, 7_335_500)

    assert found.times_ms.tolist() == [
        3_600_000,
        7_200_000,
        7_260_000,
        7_320_000,
        7_330_000,
        7_335_500,
    ]
    assert found.ends_s.tolist() == [3600, 7200, 7260, 7320, 7330, 7340]
    assert T0_MS % 10_000 == 0, "the tests above count on whole buckets"
