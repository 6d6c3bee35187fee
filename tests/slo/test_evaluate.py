import json
import math
from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from slo.evaluate import evaluate, window_end_s
from slo.sources.fixed import FixedCountSource, FixedRow
from slo.status import WORST_FIRST
from tests.slo.strategies import MONTH_S, NOW_S, ROWS, SLIS, TARGETS, slo


def _rows(bad_per_step, *, steps=360, good=100):
    """Return an hour of steady traffic that ends now."""
    rows = []
    for step in range(steps):
        bucket_s = NOW_S - NOW_S % 10 - step * 10
        rows.append(FixedRow(bucket_s, "cart", good))
        if bad_per_step:
            rows.append(FixedRow(bucket_s, "cart", bad_per_step, code=503))
    return rows


def _one(rows, objective=None):
    (status,) = evaluate([objective or slo()], FixedCountSource(rows), NOW_S)
    return status


def test_no_data_is_a_state_of_its_own_without_any_ratio():
    status = _one([])
    assert status.state == "no_data"
    assert status.coverage_ratio == 0
    assert status.sli_ratio is None
    assert status.budget_remaining_ratio is None
    assert status.time_to_exhaustion_s is None
    assert all(rate.long_burn is None and not rate.firing for rate in status.burn_rates)


def test_a_service_without_errors_is_ok_with_its_whole_budget():
    status = _one(_rows(0))
    assert (status.state, status.bad, status.budget_remaining_ratio) == ("ok", 0, 1)
    assert status.coverage_ratio == 3600 / MONTH_S


def test_the_request_of_this_moment_counts():
    assert _one([FixedRow(NOW_S - NOW_S % 10, "cart", 1)]).total == 1
    assert window_end_s(NOW_S) > NOW_S


def test_an_outage_now_exhausts_a_young_budget_and_fires_every_tier():
    status = _one(_rows(100))
    assert status.state == "exhausted"
    assert status.time_to_exhaustion_s == 0
    assert [rate.firing for rate in status.burn_rates] == [True] * 4
    assert status.sli_ratio == 0.5


def test_a_budget_that_goes_fast_is_burning_while_some_of_it_is_left():
    long_ago = [FixedRow(NOW_S - 20 * 86_400, "cart", 10_000_000)]
    status = _one([*long_ago, *_rows(10)])
    assert status.state == "burning"
    assert 0 < status.budget_remaining_ratio < 1


def test_a_client_error_is_no_error_and_no_response_is_one():
    rows = [FixedRow(NOW_S - 100, "cart", 7, code=code) for code in (200, 404, 429, 500, 0)]
    status = _one(rows)
    assert (status.good, status.bad, status.total) == (21, 14, 35)


def test_a_latency_status_says_at_which_bound_it_is_measured():
    rows = [FixedRow(NOW_S - 100, "cart", 10, latency_ms=ms) for ms in (10.0, 240.0, 250.0, 900.0)]
    quick_failure = FixedRow(NOW_S - 100, "cart", 10, code=503, latency_ms=1.0)
    status = _one([*rows, quick_failure], slo(threshold_ms=250))
    assert (status.sli, status.threshold_ms) == ("latency", 250)
    assert round(status.effective_threshold_ms, 1) == 240.4
    assert (status.good, status.total) == (20, 50)


def test_events_older_than_the_window_do_not_count():
    assert _one([FixedRow(NOW_S - MONTH_S - 60, "cart", 10)]).state == "no_data"


def test_a_tier_that_cannot_fire_is_marked():
    status = _one(_rows(100), slo(target="0.9"))
    assert [rate.fireable for rate in status.burn_rates] == [False, True, True, True]


def test_the_worst_comes_first():
    down = [FixedRow(NOW_S - 100, "payments", 100, code=503)]
    slos = [slo("a"), slo("b", destination="nobody"), slo("c", destination="payments")]
    found = evaluate(slos, FixedCountSource([*_rows(0), *down]), NOW_S)
    assert [(item.name, item.state) for item in found] == [
        ("c", "exhausted"),
        ("b", "no_data"),
        ("a", "ok"),
    ]


def test_no_objectives_have_no_statuses():
    assert evaluate([], FixedCountSource([]), NOW_S) == []


@given(rows=ROWS, sli=SLIS, target=TARGETS, days=st.integers(1, 90))
def test_no_status_ever_holds_nan_or_infinity(rows, sli, target, days):
    objective = slo(target=str(target), window_s=days * 86_400)
    object.__setattr__(objective, "sli", sli)
    (status,) = evaluate([objective], FixedCountSource(rows), NOW_S)
    json.dumps(asdict(status), allow_nan=False)
    assert status.good + status.bad == status.total
    assert status.state in WORST_FIRST
    assert status.sli_ratio is None or (0 <= status.sli_ratio <= 1)
    assert math.isfinite(status.budget_events_allowed)
