import math

from hypothesis import given
from hypothesis import strategies as st

from collector.edges import latency_bound_us, latency_bucket
from slo.latency import effective_threshold_ms, latency_bounds_us, le_label, threshold_bucket
from tests.slo.strategies import slo


@given(st.floats(0.064, 67_000))
def test_a_threshold_is_measured_at_most_half_a_bucket_away(threshold_ms):
    assert effective_threshold_ms(threshold_ms) / threshold_ms * 1.0000001 >= 2 ** (-1 / 16.0001)
    assert effective_threshold_ms(threshold_ms) / threshold_ms <= 2 ** (1 / 15.9999)


@given(st.integers(0, 160))
def test_a_threshold_on_a_bound_is_measured_exactly(bucket):
    assert threshold_bucket(latency_bound_us(bucket) / 1e3) == bucket


@given(st.floats(1e-6, 1e12))
def test_the_label_le_reads_back_as_the_bound_of_the_bucket(threshold_ms):
    bucket = threshold_bucket(threshold_ms)
    bound_us = latency_bound_us(bucket)
    assert math.isfinite(bound_us)
    assert latency_bucket(bound_us) == bucket
    assert float(le_label(bound_us)) == bound_us / 1e6


def test_objectives_with_the_same_threshold_share_a_bound():
    slos = [
        slo(),
        slo("a", threshold_ms=500),
        slo("b", threshold_ms=250),
        slo("c", threshold_ms=250),
    ]
    assert [round(bound / 1e3, 1) for bound in latency_bounds_us(slos)] == [240.4, 480.8]
