"""The reader of the store agrees with the plain twin, on the same rows in a real DuckDB."""

from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.edges import Edge, latency_bucket
from collector.store.store import open_store
from slo.evaluate import evaluate
from slo.model import AvailabilitySli, EdgeSelector, LatencySli
from slo.sources import dense
from slo.sources.edges import EdgeCountSource, selector_columns
from slo.sources.fixed import FixedCountSource, FixedRow
from tests.collector.rollups import put
from tests.slo.strategies import NOW_S, ROWS, SLIS, slo

STARTS = st.integers(0, 1000).map(lambda n: NOW_S - NOW_S % 3600 - 6000 + n * 10)
WINDOWS = st.tuples(STARTS, STARTS).map(sorted).map(tuple).filter(lambda w: w[0] < w[1])
LAW = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _fill(rows):
    """Put rows into a store: the requests of a source's proxy, or the callee's for outsiders."""
    store, ids = open_store(), count(1)
    for row in rows:
        edge = Edge(
            "destination" if row.source == "external" else "source",
            row.source,
            row.destination,
            row.version,
            row.route,
            row.code,
            "-",
            "mtls",
        )
        timed = row.latency_ms is not None
        bucket = latency_bucket(row.latency_ms * 1e3) if timed else 0
        latencies = [(row.bucket_s, bucket, row.requests)] if timed else []
        put(store, edge, next(ids), [(row.bucket_s, row.requests, row.requests)], latencies)
    return store


@LAW
@given(
    rows=ROWS,
    slis=st.lists(SLIS, min_size=1, max_size=5),
    windows=st.lists(WINDOWS, min_size=1, max_size=4),
)
def test_counts_are_those_of_a_loop_over_all_rows(rows, slis, windows):
    with _fill(rows) as store:
        found = EdgeCountSource(store.cursor()).counts(slis, windows)
    assert np.array_equal(found, FixedCountSource(rows).counts(slis, windows))
    assert (found[..., 0] <= found[..., 1]).all()


@LAW
@given(rows=ROWS, sli=SLIS, window=WINDOWS, step_s=st.sampled_from([10, 60, 300, 3600]))
def test_series_are_those_of_a_loop_over_all_rows(rows, sli, window, step_s):
    with _fill(rows) as store:
        source = EdgeCountSource(store.cursor())
        found = source.series(sli, *window, step_s)
        total = source.counts([sli], [window])[0, 0]
    assert np.array_equal(found, FixedCountSource(rows).series(sli, *window, step_s))
    assert np.array_equal(found[:, 1:].sum(axis=0), total)


@LAW
@given(
    rows=ROWS,
    slis=st.lists(SLIS, max_size=4),
    step_s=st.sampled_from([10, 60, 3600]),
    sizes=st.sampled_from([1, 7, 10_000]),
)
def test_steps_of_many_are_those_of_a_loop_over_all_rows(rows, slis, step_s, sizes):
    from_s = NOW_S - NOW_S % 3600 - 7200
    span = (from_s, from_s + 4 * 3600)
    with _fill(rows) as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(dense, "MOST_CELLS", sizes * 10)
        found = EdgeCountSource(store.cursor()).many_steps(slis, *span, step_s)
    wanted = [FixedCountSource(rows).steps(sli, *span, step_s)[:, 1:] for sli in slis]
    assert found.shape == (len(slis), 4 * 3600 // step_s, 2)
    # A histogram beside its counter: steps of rows in memory are good or not, and never ahead.
    assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))


@LAW
@given(rows=ROWS)
def test_statuses_are_the_same_from_either_source(rows):
    slos = [slo("a"), slo("b", threshold_ms=250), slo("c", destination="payments")]
    with _fill(rows) as store:
        found = evaluate(slos, EdgeCountSource(store.cursor()), NOW_S + 5000)
    assert found == evaluate(slos, FixedCountSource(rows), NOW_S + 5000)


def test_a_request_seen_by_both_proxies_counts_once():
    with open_store() as store:
        edges = [
            Edge(side, "frontend", "cart", "v1", "", 200, "-", "mtls")
            for side in ("source", "destination")
        ]
        for edge_id, edge in enumerate(edges):
            put(store, edge, edge_id, [(NOW_S, 10, 10)])
        sli = AvailabilitySli(EdgeSelector("cart"))
        found = EdgeCountSource(store.cursor()).counts([sli], [(NOW_S, NOW_S + 10)])
    assert found.tolist() == [[[10, 10]]]


def test_an_empty_store_has_counts_of_zero_and_covers_nothing():
    with open_store() as store:
        source = EdgeCountSource(store.cursor())
        slis = [AvailabilitySli(EdgeSelector("cart")), LatencySli(EdgeSelector("cart"), 250)]
        assert not source.counts(slis, [(0, NOW_S), (NOW_S - 10, NOW_S)]).any()
        assert source.series(slis[1], NOW_S, NOW_S + 30, 10)[:, 1:].tolist() == [[0, 0]] * 3
        assert source.covered_s([(0, NOW_S)]).tolist() == [0]


def test_a_histogram_ahead_of_its_counter_never_makes_more_good_than_total():
    with open_store() as store:
        edge = Edge("destination", "external", "cart", "v1", "", 200, "-", "mtls")
        put(store, edge, 1, [(NOW_S, 5, 5)], [(NOW_S, 3, 8)])
        sli = LatencySli(EdgeSelector("cart"), 250)
        found = EdgeCountSource(store.cursor()).counts([sli], [(NOW_S, NOW_S + 10)])
    assert found.tolist() == [[[5, 5]]]


def test_only_the_columns_that_somebody_selects_by_are_grouped():
    plain = AvailabilitySli(EdgeSelector("cart"))
    narrow = LatencySli(EdgeSelector("cart", version="v2"), 250)
    assert selector_columns([plain]) == ("destination",)
    assert selector_columns([plain, narrow]) == ("destination", "version")


def test_coverage_runs_from_the_first_to_the_last_measured_bucket():
    rows = [FixedRow(NOW_S - 1000, "cart", 1), FixedRow(NOW_S - 500, "cart", 1)]
    with _fill(rows) as store:
        source = EdgeCountSource(store.cursor())
        windows = [(NOW_S - 2000, NOW_S), (NOW_S - 600, NOW_S), (NOW_S - 100, NOW_S)]
        assert source.covered_s(windows).tolist() == [510, 110, 0]
