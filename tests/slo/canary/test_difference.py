"""The score test against exact enumeration, its laws, and its strata."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from slo.canary.difference import interval, observed, p_not_worse, restricted, score, wilson
from slo.canary.trial import Tables

STRATUM = st.tuples(st.integers(2, 5000), st.integers(2, 5000)).flatmap(
    lambda n: st.tuples(st.just(n), st.tuples(st.integers(0, n[0]), st.integers(0, n[1])))
)
STRATA = st.lists(STRATUM, min_size=1, max_size=4)
DELTAS = st.integers(-5000, 5000).map(lambda number: number / 10_000)


def tables(*strata):
    n, x = zip(*strata, strict=True)
    return Tables(np.array(n, dtype=np.int64), np.array(x, dtype=np.int64))


def swapped(one):
    return Tables(one.requests[:, ::-1], one.errors[:, ::-1])


@settings(deadline=None)
@given(STRATA, DELTAS)
def test_swapping_the_versions_mirrors_the_test(strata, delta):
    one = tables(*strata)
    assert score(swapped(one), -delta) == pytest.approx(-score(one, delta), rel=1e-4, abs=1e-4)


@settings(deadline=None)
@given(STRATA)
def test_the_interval_holds_what_was_observed_and_mirrors(strata):
    one = tables(*strata)
    low, high = interval(one, 0.05)
    assert -1 <= low <= observed(one) <= high <= 1
    assert interval(swapped(one), 0.05) == pytest.approx((-high, -low), abs=1e-5)


@settings(deadline=None)
@given(STRATUM, st.integers(2, 20), DELTAS)
def test_more_of_the_same_moves_the_score_away_from_zero(stratum, times, delta):
    (n, x) = stratum
    one, many = tables((n, x)), tables(((n[0] * times, n[1] * times), (x[0] * times, x[1] * times)))
    assert abs(score(many, delta)) >= abs(score(one, delta)) * (1 - 1e-4) - 1e-4


@settings(deadline=None)
@given(STRATUM, DELTAS)
def test_the_restricted_ratios_are_the_likeliest_with_this_difference(stratum, delta):
    one = tables(stratum)
    (canary,), (baseline,) = restricted(one, delta)
    assert canary - baseline == pytest.approx(delta, abs=1e-9)
    best = _likelihood(one, baseline, delta)
    ends = max(0.0, -delta), min(1.0, 1.0 - delta)
    for other in np.linspace(*ends, 201):
        assert _likelihood(one, other, delta) <= best + 1e-3 * max(1.0, abs(best))


def _likelihood(one, baseline, delta):
    def of(x, n, p):
        p = min(max(p, 1e-300), 1.0)
        return (x * math.log(p) if x else 0.0) + (
            (n - x) * math.log1p(-p) if n > x and p < 1 else 0.0 if n == x else -math.inf
        )

    (n,), (x,) = one.requests, one.errors
    return of(int(x[0]), int(n[0]), baseline + delta) + of(int(x[1]), int(n[1]), baseline)


@pytest.mark.parametrize(
    ("sizes", "margin"), [((40, 40), 0.1), ((20, 60), 0.1), ((60, 20), 0.15), ((200, 30), 0.05)]
)
def test_a_canary_worse_by_the_margin_is_called_fine_about_as_seldom_as_stated(sizes, margin):
    """Enumerate all outcomes at the border of the hypothesis: no simulation, no approximation."""
    fine = {
        (x, y): p_not_worse(tables((sizes, (x, y))), margin) <= 0.025
        for x in range(sizes[0] + 1)
        for y in range(sizes[1] + 1)
    }
    for baseline in (0.0, 0.01, 0.05, 0.2, 0.5):
        canary = _binomial(sizes[0], baseline + margin)
        other = _binomial(sizes[1], baseline)
        wrong = sum(canary[x] * other[y] for (x, y), is_fine in fine.items() if is_fine)
        assert wrong <= 0.025 * 1.5, baseline


def _binomial(n, p):
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def test_no_failure_among_few_requests_proves_little():
    few, many = tables(((200, 3800), (0, 0))), tables(((8000, 152_000), (0, 0)))
    assert p_not_worse(few, 0.001) > 0.3
    assert p_not_worse(many, 0.001) < 0.005


def test_strata_undo_the_paradox_of_pooled_counts():
    """v2 gets the hard route: pooled it fails more often, on each route as often as v1."""
    easy, hard = ((100, 9900), (1, 99)), ((9000, 1000), (900, 100))
    pooled = tables(((9100, 10_900), (901, 199)))
    assert observed(pooled) > 0.08
    assert observed(tables(easy, hard)) == pytest.approx(0.0, abs=1e-12)
    low, high = interval(tables(easy, hard), 0.05)
    assert low < 0 < high < 0.02


def test_without_a_stratum_there_is_no_difference():
    none = Tables(np.empty((0, 2), dtype=np.int64), np.empty((0, 2), dtype=np.int64))
    assert observed(none) is None
    assert interval(none, 0.05) is None


@settings(deadline=None)
@given(st.integers(1, 10**7), st.data())
def test_the_interval_of_a_ratio_holds_it_and_mirrors(requests, data):
    errors = data.draw(st.integers(0, requests))
    low, high = wilson(errors, requests, 0.05)
    assert 0 <= low <= errors / requests <= high <= 1
    mirrored = wilson(requests - errors, requests, 0.05)
    assume(mirrored is not None)
    assert mirrored == pytest.approx((1 - high, 1 - low))
