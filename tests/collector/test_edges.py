"""Latency buckets and their quantiles."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.edges import (
    LATENCY_BUCKETS,
    is_error,
    latency_bound_us,
    latency_bounds_us,
    latency_bucket,
    quantile_us,
)


@given(st.integers(0, LATENCY_BUCKETS))
def test_a_bound_lies_in_its_own_bucket_and_the_next_number_does_not(bucket):
    bound = latency_bound_us(bucket)

    assert latency_bucket(bound) == bucket
    assert latency_bucket(math.nextafter(bound, math.inf)) == bucket + 1


@given(st.floats(0, 1e12))
def test_a_duration_is_between_the_bounds_of_its_bucket(duration_us):
    bucket = latency_bucket(duration_us)

    assert duration_us <= latency_bound_us(bucket)
    assert bucket == 0 or duration_us > latency_bound_us(bucket - 1)


@pytest.mark.parametrize("nonsense", [-1.0, math.nan])
def test_a_duration_that_is_none_is_refused(nonsense):
    with pytest.raises(ValueError, match="a duration must be"):
        latency_bucket(nonsense)


@given(st.lists(st.floats(65, 6e7), min_size=1), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_quantile_is_within_a_bucket_of_the_true_one(durations, quantile):
    counts = [0] * (LATENCY_BUCKETS + 2)
    for duration in durations:
        counts[latency_bucket(duration)] += 1
    true = sorted(durations)[math.ceil(quantile * len(durations)) - 1]

    found = quantile_us(counts, quantile)

    assert found is not None
    assert latency_bound_us(max(latency_bucket(true) - 1, 0)) <= found * (1 + 1e-9)
    assert found <= latency_bound_us(latency_bucket(true)) * (1 + 1e-9)


def test_nothing_has_no_quantile():
    assert quantile_us({}, 0.5) is quantile_us([0, 0], 0.5) is None


def test_interpolation_is_linear_below_the_first_bound_and_stops_at_the_last():
    assert quantile_us({0: 10}, 0.5) == 32.0
    assert quantile_us({LATENCY_BUCKETS + 1: 3}, 0.5) == latency_bounds_us()[-1]


@pytest.mark.parametrize(
    ("code", "failed"), [(200, False), (404, False), (499, False), (500, True), (0, True)]
)
def test_an_error_is_5xx_or_no_response(code, failed):
    assert is_error(code) is failed
