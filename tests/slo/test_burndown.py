from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from slo.burndown import burndown, default_step_s
from slo.evaluate import evaluate
from slo.sources.fixed import FixedCountSource, FixedRow
from tests.slo.strategies import MONTH_S, NOW_S, ROWS, slo


def test_every_step_of_the_window_has_a_point():
    chart = burndown(slo(), FixedCountSource([FixedRow(NOW_S - 100, "cart", 10)]), NOW_S)
    assert chart.step_s == 3600
    assert len(chart.bucket_s) in {720, 721}
    assert {later - earlier for earlier, later in pairwise(chart.bucket_s)} == {3600}


def test_the_budget_falls_where_it_was_spent():
    rows = [
        FixedRow(NOW_S - 20_000, "cart", 9_990),
        FixedRow(NOW_S - 10_000, "cart", 10, code=500),
    ]
    chart = burndown(slo(window_s=86_400), FixedCountSource(rows), NOW_S, step_s=3600)
    assert sorted(set(chart.budget_remaining), reverse=True) == [1.0, 0.0]


def test_without_events_there_is_no_budget_to_draw():
    chart = burndown(slo(), FixedCountSource([]), NOW_S)
    assert set(chart.budget_remaining) == {None}


def test_points_never_exceed_a_thousand_for_windows_up_to_years():
    assert default_step_s(MONTH_S) == 3600
    assert default_step_s(3600) == 10
    assert default_step_s(90 * 86_400) == 21_600
    assert default_step_s(10 * 365 * 86_400) == 604_800


@given(rows=ROWS, threshold_ms=st.none() | st.just(250.0))
def test_the_last_point_is_the_status(rows, threshold_ms):
    objective, source = slo(threshold_ms=threshold_ms), FixedCountSource(rows)
    (status,) = evaluate([objective], source, NOW_S)
    chart = burndown(objective, source, NOW_S)
    assert chart.budget_remaining[-1] == status.budget_remaining_ratio
    assert sum(chart.total) == status.total
    assert sum(chart.good) == status.good
