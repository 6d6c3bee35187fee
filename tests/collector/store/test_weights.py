"""Weights become whole numbers without bending their sums."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.store.weights import chance, whole

WEIGHTS = st.lists(st.floats(0, 1e6), max_size=8)


@given(WEIGHTS, st.text())
def test_parts_add_up_to_the_whole_and_are_off_by_less_than_one(weights, place):
    found = whole(weights, place)

    assert [sum(found)] == whole([math.fsum(weights)], place) or sum(found) == pytest.approx(
        sum(weights), abs=1
    )
    assert all(abs(one - weight) < 1 + 1e-6 for one, weight in zip(found, weights, strict=True))
    assert found == whole(weights, place)


@given(st.lists(st.integers(0, 2**40), max_size=8), st.text())
def test_whole_numbers_stay_what_they_are(weights, place):
    assert whole(map(float, weights), place) == weights


def test_many_small_weights_are_right_in_expectation():
    weight, places = 10 / 3, 20_000
    total = sum(whole([weight], f"place {n}")[0] for n in range(places))

    assert total / places == pytest.approx(weight, abs=4 * math.sqrt(2 / 9 / places))
    chances = [chance(str(n)) for n in range(100)]
    assert 0 <= min(chances) < max(chances) < 1
