"""The bet against exact fractions; what it does when asked at every bucket; who can fool it."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slo.canary.evidence import ODDS, log_bets
from slo.canary.evidence import more_errors as more_errors_until
from slo.canary.trial import Rows, Tables
from tests.slo.canary.trials import FROM_S, Truth, draw, rows

SMALL = st.tuples(st.integers(1, 6), st.integers(1, 9)).flatmap(
    lambda n: st.tuples(st.just(n), st.integers(0, n[0]), st.integers(0, n[1]))
)


def more_errors(counted):
    """Bet until the last bucket of the rows."""
    return more_errors_until(counted, int(counted.bucket_s.max(initial=0)) + 10)


def _chances(canary, baseline, failed, odds):
    """Return the chance of each number of canary failures, as fractions."""
    weights = {
        x: math.comb(canary, x) * math.comb(baseline, failed - x) * odds**x
        for x in range(max(0, failed - baseline), min(canary, failed) + 1)
    }
    total = sum(weights.values())
    return {x: Fraction(weight) / total for x, weight in weights.items()}


def _exact_bets(n, x):
    failed = sum(x)
    central = _chances(*n, failed, Fraction(1))
    return [_chances(*n, failed, Fraction(odds))[x[0]] / central[x[0]] for odds in ODDS]


@settings(deadline=None)
@given(SMALL)
def test_a_bet_is_the_exact_ratio_of_probabilities(table):
    (n, *x) = table
    bets = np.exp(log_bets(Tables(np.array([n]), np.array([x])))[0])
    assert bets == pytest.approx([float(one) for one in _exact_bets(n, x)])


@settings(deadline=None)
@given(
    st.integers(1, 6), st.integers(1, 9), st.data(), st.sampled_from([Fraction(1), Fraction(1, 3)])
)
def test_nobody_can_expect_to_gain_when_the_canary_is_no_worse(canary, baseline, data, true_odds):
    failed = data.draw(st.integers(0, canary + baseline))
    for place in range(len(ODDS)):
        gain = sum(
            chance * _exact_bets((canary, baseline), (x, failed - x))[place]
            for x, chance in _chances(canary, baseline, failed, true_odds).items()
        )
        assert gain == 1 if true_odds == 1 else gain <= 1


@settings(deadline=None)
@given(st.lists(SMALL, max_size=6))
def test_the_highest_value_is_that_of_the_exact_products(tables):
    given_rows = [
        row
        for at, (n, canary, baseline) in enumerate(tables)
        for row in ((at, 0, 0, n[0], canary), (at, 0, 1, n[1], baseline))
    ]
    products, highest = [Fraction(1)] * len(ODDS), Fraction(1)
    for n, *x in tables:
        products = [one * bet for one, bet in zip(products, _exact_bets(n, x), strict=True)]
        highest = max(highest, sum(products) / len(ODDS))
    found = more_errors(rows(*given_rows))
    assert math.exp(found.log_value) == pytest.approx(float(highest))
    assert found.p_value == pytest.approx(float(1 / highest))


def test_asked_at_every_bucket_it_is_wrong_at_most_as_often_as_promised():
    rng = np.random.default_rng(20)
    alarms = sum(
        more_errors(draw(rng, [Truth(rate=20, canary_errors=0.05, baseline_errors=0.05)], 150)[0])
        .p_value <= 0.05
        for _ in range(300)
    )  # fmt: skip
    assert alarms / 300 <= 0.05, "the value is the highest of all 150 buckets"


def test_a_plain_test_asked_as_often_is_not():
    rng = np.random.default_rng(20)
    alarms = 0
    for _ in range(100):
        counted, _ = draw(rng, [Truth(rate=20, canary_errors=0.05, baseline_errors=0.05)], 150)
        alarms += any(_z(counted.before(FROM_S + at * 10)) > 1.645 for at in range(20, 151, 2))
    assert alarms / 100 > 0.15


def _z(counted: Rows) -> float:
    canary, baseline = counted.of(0), counted.of(1)
    pooled = (canary.errors + baseline.errors) / (canary.requests + baseline.requests)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / canary.requests + 1 / baseline.requests))
    difference = canary.errors / canary.requests - baseline.errors / baseline.requests
    return difference / spread if spread else 0.0


@pytest.mark.parametrize(("errors", "buckets"), [(0.5, 3), (0.1, 20), (0.04, 60)])
def test_a_bad_canary_is_found_soon_at_a_weight_of_five_percent(errors, buckets):
    rng = np.random.default_rng(21)
    truth = Truth(rate=200, weight=0.05, canary_errors=errors, baseline_errors=0.005)
    found = [more_errors(draw(rng, [truth], buckets)[0]).p_value <= 0.025 for _ in range(30)]
    assert sum(found) / 30 >= 0.9


def test_the_slow_route_and_the_bad_hour_of_the_canary_do_not_count_against_it():
    """Pooled, v2 fails four times as often; in every stratum it fails as v1 does."""
    rng = np.random.default_rng(22)
    good_hour, _ = draw(rng, [Truth(rate=300, weight=0.05, canary_errors=0.01)], 100)
    bad, _ = draw(rng, [Truth(weight=0.5, canary_errors=0.1, baseline_errors=0.1)], 100)
    later = Rows(bad.bucket_s + 1000, bad.pair, bad.version, bad.requests, bad.errors, bad.retries)
    both = Rows(*(np.concatenate(pair) for pair in zip(_all(good_hour), _all(later), strict=True)))
    canary, baseline = both.of(0), both.of(1)
    assert canary.errors / canary.requests > 3 * baseline.errors / baseline.requests
    assert more_errors(both).p_value > 0.05


def test_without_failures_or_without_company_nothing_is_known():
    assert more_errors(rows()).p_value == 1
    assert more_errors(rows((0, 0, 0, 50, 0), (0, 0, 1, 50, 0))).p_value == 1
    alone = more_errors(rows((0, 0, 0, 50, 50), (1, 0, 1, 50, 0)))
    assert (alone.p_value, alone.reached_s, alone.both) == (1, None, 0)


def test_a_service_with_a_request_a_minute_is_judged_by_whole_ten_minutes():
    """The versions are asked in turn, never in one bucket; v2 fails every time."""
    given_rows = [(3 * at, 0, at % 2, 1, 1 - at % 2) for at in range(60)]
    found = more_errors_until(rows(*given_rows), FROM_S + 1800)
    assert (found.errors, found.both) == (20, 20), "the first ten minutes only tell that it is so"
    assert found.p_value < 0.001
    assert found.reached_s == FROM_S + 1800
    assert more_errors_until(rows(*given_rows), FROM_S + 1190).p_value == 1, "none is over"


def test_the_time_of_the_proof_is_that_of_the_bucket_in_which_it_was_reached():
    found = more_errors(
        rows((0, 0, 0, 10, 0), (0, 0, 1, 90, 0), (5, 0, 0, 10, 9), (5, 0, 1, 90, 0))
    )
    assert found.reached_s == FROM_S + 60
    assert (found.errors, found.both) == (9, 9)
    assert found.expected_errors == pytest.approx(0.9)


def _all(one):
    return (one.bucket_s, one.pair, one.version, one.requests, one.errors, one.retries)
