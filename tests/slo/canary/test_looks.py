"""Looks come at fixed sizes, and together spend no more than there is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slo.canary.looks import look_number, look_size, size_at_least, spend

FIRSTS = st.integers(1, 10_000)


@settings(deadline=None)
@given(FIRSTS, st.integers(0, 10**9))
def test_the_newest_look_is_the_last_that_the_requests_allow(first, requests):
    number = look_number(requests, first)
    if number is None:
        assert requests < first
    else:
        assert look_size(number, first) <= requests < look_size(number + 1, first)


@settings(deadline=None)
@given(FIRSTS, st.integers(1, 10**9))
def test_the_next_size_is_the_least_look_that_holds_the_requests(first, requests):
    size = size_at_least(requests, first)
    number = look_number(size, first)
    assert size >= requests
    assert number == 0 or look_size(number - 1, first) < requests


def test_all_looks_together_spend_all_and_no_more():
    total = sum(spend(0.05, number) for number in range(10_000))
    assert total == pytest.approx(0.05, rel=1e-3)
    assert total < 0.05
