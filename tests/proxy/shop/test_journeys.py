"""The load is a value: fixed by its seed, Poisson in time, made of the gateway's operations."""

import itertools
import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.shop.journeys import JOURNEYS, arrivals
from proxy.shop.shop import ENTRY, service_named


@given(seed=st.integers(0, 2**32), rate=st.floats(0.5, 200), duration=st.floats(0, 5))
def test_a_seed_fixes_the_arrivals_and_they_come_in_order_before_the_end(seed, rate, duration):
    first = list(arrivals(rate_rps=rate, duration_s=duration, seed=seed))
    assert first == list(arrivals(rate_rps=rate, duration_s=duration, seed=seed))
    times = [arrival.at_s for arrival in first]
    assert times == sorted(times)
    assert all(0 <= at_s < duration for at_s in times)


def test_gaps_are_exponential_with_the_mean_of_the_rate():
    times = [a.at_s for a in arrivals(rate_rps=50, duration_s=200, seed=5)]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    mean = sum(gaps) / len(gaps)
    deviation = math.sqrt(sum((g - mean) ** 2 for g in gaps) / len(gaps))
    assert mean == pytest.approx(1 / 50, rel=0.05)
    assert deviation == pytest.approx(mean, rel=0.05)


def test_every_operation_of_the_gateway_is_asked_for_in_the_share_of_the_journeys():
    drawn = Counter(a.operation for a in arrivals(rate_rps=100, duration_s=300, seed=1))
    operations = {operation.name for operation in service_named(ENTRY).operations}
    assert set(drawn) == operations
    steps = Counter[str]()
    for journey in JOURNEYS:
        for step in journey.steps:
            steps[step] += journey.weight
    for name in operations:
        share = steps[name] / steps.total()
        assert drawn[name] / drawn.total() == pytest.approx(share, abs=0.01)


def test_an_infinite_run_yields_for_ever():
    endless = arrivals(rate_rps=1, duration_s=math.inf, seed=1)
    assert len(list(itertools.islice(endless, 1000))) == 1000
