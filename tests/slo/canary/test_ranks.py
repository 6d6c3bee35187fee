"""U and its variance against every permutation of small samples."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slo.canary.ranks import slower
from tests.slo.canary.trials import BUCKETS

VALUES = st.lists(st.integers(0, 4), min_size=1, max_size=4)


def counts(*strata):
    made = np.zeros((len(strata), 2, BUCKETS), dtype=np.int64)
    for place, versions in enumerate(strata):
        for version, values in enumerate(versions):
            for value in values:
                made[place, version, value] += 1
    return made


def _u(canary, baseline):
    """Count pairs, ties half."""
    return sum(Fraction(int(x > y)) + Fraction(int(x == y), 2) for x in canary for y in baseline)


def _permuted(canary, baseline):
    """Return U of every way to deal the values to the versions."""
    values = [*canary, *baseline]
    for chosen in combinations(range(len(values)), len(canary)):
        yield _u(
            [values[place] for place in chosen],
            [value for place, value in enumerate(values) if place not in chosen],
        )


@settings(max_examples=60, deadline=None)
@given(VALUES, VALUES)
def test_the_score_is_u_over_its_exact_spread_under_permutation(canary, baseline):
    every = list(_permuted(canary, baseline))
    mean = sum(every) / len(every)
    variance = sum((one - mean) ** 2 for one in every) / len(every)
    found = slower(counts((canary, baseline)))
    expected = float(_u(canary, baseline) - mean) / float(variance) ** 0.5 if variance else 0.0
    assert found.z == pytest.approx(expected, abs=1e-9)
    assert found.slower_ratio == pytest.approx(
        float(_u(canary, baseline)) / (len(canary) * len(baseline))
    )


def test_the_p_value_is_near_that_of_all_permutations():
    canary, baseline = [3, 4, 4, 5, 2, 6], [1, 2, 3, 3, 4, 0, 1]
    every = list(_permuted(canary, baseline))
    exact = sum(one >= _u(canary, baseline) for one in every) / len(every)
    assert slower(counts((canary, baseline))).p_value == pytest.approx(exact, abs=0.01)


@settings(deadline=None)
@given(VALUES, VALUES, VALUES, VALUES)
def test_swapping_the_versions_mirrors_the_test(a, b, c, d):
    one, other = slower(counts((a, b), (c, d))), slower(counts((b, a), (d, c)))
    assert one.z == pytest.approx(-other.z, abs=1e-9)
    assert one.slower_ratio == pytest.approx(1 - other.slower_ratio)
    assert one.p_value == pytest.approx(1 - other.p_value)


def test_a_version_with_more_of_the_slow_route_is_not_slower():
    quick, slow = [1] * 50, [9] * 50
    strata = counts((quick[:5], quick), (slow, slow[:5]))
    pooled = slower(strata.sum(axis=0, keepdims=True))
    assert pooled.slower_ratio > 0.8
    assert slower(strata).slower_ratio == pytest.approx(0.5)
    assert slower(strata).p_value == pytest.approx(0.5)


def test_nothing_to_compare_is_no_answer():
    assert slower(counts()) is None
