"""PromQL as an indicator: sums of counters are exact, values are judged minute by minute."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.promql.memory import MemorySource
from collector.promql.samples import STALE
from slo.codes import Codes
from slo.model import (
    PARTS,
    AvailabilitySli,
    CodeSli,
    EdgeSelector,
    QuerySli,
    RawSli,
    Slices,
    ThresholdSli,
)
from slo.sources.counting import Counting
from slo.sources.edges import EdgeCountSource
from slo.sources.fixed import FixedCountSource
from slo.sources.increases import counted
from slo.sources.minutes import DAY_S, MinuteSource
from slo.sources.queries import Queries
from tests.slo.workloads import END_S, Segment, events, fill

DAY = 1_800_000_000 // DAY_S * DAY_S
RATIO = QuerySli('sum(hits{code!~"5.."})', "sum(hits)")


def _series(name, samples, **labels):
    times, values = zip(*samples, strict=True)
    return ((("__name__", name), *labels.items()), [1000 * at for at in times], values)


def _queries(*series):
    return Queries(MemorySource(series), DAY)


def _counts(sli, windows, *series, spans=()):
    source = MinuteSource(
        FixedCountSource([]), lambda: _queries(*series), DAY + 2 * DAY_S, spans=spans
    )
    return source.counts([sli], windows)[0].tolist()


def _counter(increments, resets, born):
    """Give a counter every 15 s: what each step added, and where it fell, having begun again."""
    value, told, added = 0, [], []
    for place, (step, is_reset) in enumerate(zip(increments, resets, strict=True)):
        value = step if is_reset and step < value else value + step
        told.append((DAY + born + 15 * place, value))
        added.append((DAY + born + 15 * place, step if place else 0))
    return told, added


COUNTERS = st.lists(st.integers(0, 10**9), min_size=1, max_size=60).flatmap(
    lambda steps: st.tuples(
        st.just(steps),
        st.lists(st.booleans(), min_size=len(steps), max_size=len(steps)),
        st.integers(0, 40).map(lambda n: 15 * n),
    )
)


@settings(max_examples=60, deadline=None)
@given(
    ok=COUNTERS,
    bad=COUNTERS,
    window=st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted),
)
def test_counters_count_what_was_added_whatever_restarts_or_ends(ok, bad, window):
    told = [_counter(*one) for one in (ok, bad)]
    series = [_series("hits", told[0][0], code="200"), _series("hits", told[1][0], code="503")]
    from_s, to_s = (DAY + 60 * mark for mark in window)
    sums = [sum(n for at, n in added if from_s < at <= to_s) for _, added in told]
    ((good, total),) = _counts(RATIO, [(from_s, to_s)], *series)
    assert (good, total) == (sums[0], sum(sums))


def test_a_day_that_is_asked_in_parts_is_the_same_as_a_whole():
    told, added = _counter([7] * 5000, [n % 700 == 0 for n in range(5000)], 0)
    series = _series("hits", told, code="200")
    marks = [DAY, DAY + 3600, DAY + 41_000 // 60 * 60, DAY + 70_000 // 60 * 60]
    whole = _counts(RATIO, [(marks[0], marks[-1])], series)
    parts = _counts(RATIO, list(pairwise(marks)), series)
    assert whole[0] == [sum(part[0] for part in parts), sum(part[1] for part in parts)]
    assert whole[0][1] == sum(n for at, n in added if at <= marks[-1])


def test_a_gap_and_a_stale_marker_lose_nothing():
    samples = [(DAY, 5), (DAY + 60, 9), (DAY + 75, STALE), (DAY + 1200, 30)]
    assert _counts(RATIO, [(DAY, DAY + 1800)], _series("hits", samples, code="200")) == [[25, 25]]


@pytest.mark.parametrize(
    "query",
    [
        "sum(rate(hits[5m]))",
        "sum by (code) (increase(hits[1m])) or vector(0)",
        "sum(hits) * 1",
        "hits",
        'sum(hits{code="200"}) + sum(hits{code="503"})',
    ],
)
def test_rates_and_sums_are_the_counters_in_them(query):
    series = [
        _series("hits", [(DAY, 0), (DAY + 60, 4)], code="200"),
        _series("hits", [(DAY, 0), (DAY + 60, 2)], code="503"),
    ]
    sli = QuerySli(query, "sum(hits)")
    assert _counts(sli, [(DAY, DAY + 60)], *series) == [[6, 6]]


@pytest.mark.parametrize(
    "query", ["avg(hits)", "hits / hits", "max_over_time(hits[5m])", "sum(hits > 1)", "1"]
)
def test_what_is_no_sum_of_counters_is_refused(query):
    with pytest.raises(ValueError, match="must be a sum of counters"):
        counted(query)


def test_bad_over_total_is_the_rest():
    series = [
        _series("hits", [(DAY, 0), (DAY + 60, 4)], code="200"),
        _series("hits", [(DAY, 0), (DAY + 60, 2)], code="503"),
    ]
    sli = QuerySli('sum(hits{code="503"})', "sum(hits)", is_bad=True)
    assert _counts(sli, [(DAY, DAY + 60)], *series) == [[4, 6]]


AGE = [(DAY + 60 * n, 3.0 if n % 4 else 9.0) for n in range(1, 61)]


def test_a_threshold_is_judged_at_the_end_of_each_minute_for_each_series():
    sli = ThresholdSli("age", "lte", Decimal(5))
    one, other = _series("age", AGE, pod="a"), _series("age", AGE[:30], pod="b")
    assert _counts(sli, [(DAY, DAY + 1800)], one) == [[23, 30]]
    # b is seen for five minutes more, as every instant query sees it.
    assert _counts(sli, [(DAY, DAY + 3600)], one, other)[0][1] == 60 + 30 + 4
    assert _counts(sli, [(DAY + 30, DAY + 90)], one) == [[1, 1]]
    over = ThresholdSli("age", "gt", Decimal(5))
    assert _counts(over, [(DAY, DAY + 1800)], one) == [[7, 30]]


def test_a_minute_without_a_value_is_no_data_but_bad_for_freshness():
    short = _series("age", AGE[:10])
    assert _counts(ThresholdSli("age", "lte", Decimal(5)), [(DAY, DAY + 3600)], short) == [[12, 14]]
    fresh = ThresholdSli("age", "lte", Decimal(5), is_freshness=True)
    assert _counts(fresh, [(DAY, DAY + 3600)], short) == [[12, 60]]


def test_a_ratio_that_somebody_computed_counts_each_minute_alike():
    shares = _series("share", [(DAY + 60, 0.25), (DAY + 120, float("nan")), (DAY + 180, 1.5)])
    assert _counts(RawSli("share"), [(DAY, DAY + 180)], shares) == [[PARTS // 4 + PARTS, 2 * PARTS]]
    failed = RawSli("share", is_failure=True)
    assert _counts(failed, [(DAY, DAY + 60)], shares) == [[PARTS * 3 // 4, PARTS]]


def test_numbers_that_go_up_and_down_count_in_thousandths():
    series = [
        _series("ok", [(DAY + 60, 1.5), (DAY + 120, 0.25)]),
        _series("all", [(DAY + 60, 2.0), (DAY + 120, 0.5)]),
    ]
    sli = QuerySli("ok", "all", is_counter=False)
    assert _counts(sli, [(DAY, DAY + 120)], *series) == [[1750, 2500]]


def test_slices_of_queries_and_corrections_work_as_for_requests():
    sli = Slices(ThresholdSli("age", "lte", Decimal(5)), 600, Decimal("0.8"))
    series = _series("age", AGE)
    assert _counts(sli, [(DAY, DAY + 3600)], series) == [[3, 6]]
    spans = [(DAY, DAY + 600)]
    assert _counts(sli, [(DAY, DAY + 3600)], series, spans=spans)[0][1] == 5


STEADY = [Segment(END_S - 9000, 700, 3, 2, 1), Segment(END_S - 2 * DAY_S - 50, 40, 5, 0, 4)]


@pytest.mark.parametrize("ago", [0, 60, 3600, 7200])
def test_the_mesh_by_promql_is_the_mesh(ago):
    """One number: our counters asked by PromQL and the rollups give the same integers."""
    cart = EdgeSelector("cart")
    by_edges = [AvailabilitySli(cart), CodeSli(cart, Codes.of(["5xx"]))]
    all_ = 'sum(mesh_requests_total{destination="cart"})'
    good = 'sum(mesh_requests_total{destination="cart",code!~"0|[5-9].."})'
    to_s = END_S - ago
    windows = [(to_s - length, to_s) for length in (300, 3600, 6 * 3600, 3 * DAY_S)]
    with fill(events(STEADY)) as store:
        edges = EdgeCountSource(store.cursor()).counts(by_edges, windows)
        source = Counting().source(store.cursor(), to_s)
        asked = source.counts([QuerySli(good, all_)], windows)[0]
    assert asked.tolist() == edges[0].tolist() == edges[1].tolist()
    assert (asked[-1] > 0).all()


def test_a_store_without_anything_counts_nothing():
    with fill([]) as store:
        source = Counting().source(store.cursor(), END_S)
        assert source.counts([RATIO], [(END_S - 3600, END_S)]).tolist() == [[[0, 0]]]
        assert source.covered_s([(END_S - 3600, END_S)]).tolist() == [0]
