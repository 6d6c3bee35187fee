"""Bounds of a quantile against exact binomial sums, and how often they hold."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slo.canary.quantiles import bounds, ranks, standardised
from tests.slo.canary.trials import BUCKETS, histogram


def _exact_ranks(number, quantile, alpha):
    chance = Fraction(str(quantile))
    mass = [
        math.comb(number, k) * chance**k * (1 - chance) ** (number - k) for k in range(number + 1)
    ]
    low = max((k for k in range(1, number + 1) if sum(mass[:k]) <= alpha), default=0)
    high = min((k for k in range(number + 1) if sum(mass[k:]) <= alpha), default=number + 1)
    return low, high


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.sampled_from([0.5, 0.9, 0.95, 0.99]), st.floats(0.001, 0.2))
def test_ranks_are_those_of_exact_binomial_sums(number, quantile, alpha):
    assert ranks(number, quantile, alpha) == _exact_ranks(number, quantile, alpha)


@settings(deadline=None)
@given(st.integers(1, 10**8), st.floats(0.01, 0.999), st.floats(1e-6, 0.2))
def test_ranks_surround_the_quantile(number, quantile, alpha):
    low, high = ranks(number, quantile, alpha)
    assert 0 <= low <= quantile * number + 1
    assert quantile * number - 1 <= high <= number + 1


def test_few_requests_bound_a_high_quantile_from_below_only():
    counts = np.array([[histogram(*[10.0] * 50), histogram(*[10.0] * 5000)]])
    canary, baseline = standardised(counts)
    assert bounds(canary, 0.99, 0.025).high_ms is None
    assert bounds(baseline, 0.99, 0.025).high_ms is not None


def test_equal_shares_of_all_strata_cost_no_precision():
    one = np.array([[[10] * BUCKETS, [90] * BUCKETS], [[30] * BUCKETS, [270] * BUCKETS]])
    canary, baseline = standardised(one)
    assert canary.effective_requests == pytest.approx(40 * BUCKETS)
    assert baseline.effective_requests == pytest.approx(360 * BUCKETS)


def test_a_version_with_more_of_the_slow_route_has_the_same_quantile():
    quick, slow = histogram(*[5.0] * 100), histogram(*[500.0] * 100)
    canary, baseline = standardised(np.array([[quick, quick * 20], [slow * 20, slow]]))
    found = [bounds(one, 0.9, 0.025) for one in (canary, baseline)]
    assert found[0].ms == pytest.approx(found[1].ms)
    assert found[0].effective_requests < 2100, "weights cost precision"


def test_what_lies_beyond_the_last_bucket_has_no_upper_bound():
    counts = np.array([[histogram(*[100_000.0] * 2000), histogram(*[1.0] * 2000)]])
    canary, _ = standardised(counts)
    assert bounds(canary, 0.5, 0.025).high_ms is None
    assert bounds(canary, 0.5, 0.025).low_ms > 60_000


def test_the_bounds_miss_the_true_quantile_as_seldom_as_stated():
    rng = np.random.default_rng(23)
    true_ms = 20 * math.exp(0.5 * 1.2815515655446004)
    missed = 0
    for _ in range(400):
        durations = 20 * np.exp(rng.normal(0, 0.5, 600))
        canary, _ = standardised(np.array([[histogram(*durations), histogram(*durations)]]))
        found = bounds(canary, 0.9, 0.025)
        missed += not found.low_ms <= true_ms <= found.high_ms
    assert missed / 400 <= 0.06
