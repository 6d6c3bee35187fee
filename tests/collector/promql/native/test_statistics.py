import math
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from collector.otlp import exponential
from collector.otlp.exponential import Buckets, Exponential
from collector.promql import classic, native
from collector.promql.native import Histogram
from tests.collector.promql.native.histograms import any_histograms, customs, exponentials

RATIOS = st.floats(0, 1)


@given(any_histograms(), RATIOS, RATIOS)
def test_quantiles_rise_and_lie_within_the_buckets(one, a, b):
    assume(one.count > 0)
    low, high = (native.quantile(one, q)[0] for q in sorted((a, b)))
    assert low <= high or math.isclose(low, high, rel_tol=1e-9)
    filled = native.rows(one)
    ends = [end for _, *ends, _ in filled for end in ends if math.isfinite(end)]
    assert min([0.0, *ends]) <= low
    assert high <= max([0.0, *ends]) * (1 + 1e-12)


@given(exponentials(), st.floats(0.01, 0.99))
def test_a_fraction_turns_a_quantile_round(one, q):
    assume(one.count > 0)
    value, _ = native.quantile(one, q)
    fraction, _ = native.fraction(one, -math.inf, value)
    just_above, _ = native.fraction(one, -math.inf, np.nextafter(value, math.inf))
    assert fraction <= q + 1e-6
    assert just_above >= q - 1e-6


@given(any_histograms(), st.floats(-20, 20), st.floats(-20, 20), st.floats(-20, 20))
def test_fractions_add_up(one, a, b, c):
    assume(one.count > 0)
    low, middle, high = sorted((a, b, c))
    parts = native.fraction(one, low, middle)[0] + native.fraction(one, middle, high)[0]
    assert parts == pytest.approx(native.fraction(one, low, high)[0], abs=1e-9)
    assert native.fraction(one, -math.inf, math.inf)[0] == pytest.approx(1)


@given(customs(), st.floats(0.001, 1))
def test_custom_buckets_give_the_quantiles_of_the_classic_ones(one, q):
    assume(one.count > 0)
    bounds = np.array([*one.custom_values, math.inf])
    counts = np.zeros(len(bounds))
    counts[one.positive.indices] = one.positive.counts
    shape = (len(bounds), 1)
    found, _ = classic.quantile(
        bounds, np.cumsum(counts).reshape(shape), np.ones(shape, bool), np.array([q])
    )
    assert native.quantile(one, q)[0] == pytest.approx(found[0], rel=1e-9, abs=1e-9)


@given(
    st.integers(-4, 12),
    st.integers(-30, 30),
    st.lists(st.integers(0, 9), max_size=8),
    st.integers(0, 5),
    RATIOS,
)
def test_an_otlp_histogram_keeps_its_quantiles(scale, offset, counts, zeros, q):
    buckets = exponential.trimmed(offset, tuple(counts))
    point = Exponential(count=sum(counts) + zeros, scale=scale, zero_count=zeros, positive=buckets)
    found = native.from_exponential(point)
    assert found.count == point.count
    assert found.schema == min(scale, 8)
    assert not found.positive.counts.sum() - sum(counts)
    expected = exponential.quantile(exponential.downscale(point, found.schema), q)
    value, _ = native.quantile(found, q)
    if expected is None:
        assert math.isnan(value)
    elif 0 < q < 1 and q * point.count in {float(n) for n in accumulate([zeros, *counts])}:
        # Between two buckets all that lies between them is the quantile; Prometheus comes from the
        # nearer end.
        beyond = exponential.quantile(exponential.downscale(point, found.schema), q + 1e-9)
        assert expected * (1 - 1e-9) <= value <= (beyond or math.inf) * (1 + 1e-6)
    else:
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-100)


def test_scales_that_prometheus_does_not_know_are_merged_or_refused():
    fine = Exponential(count=2, scale=10, positive=Buckets(0, (1, 1)))
    assert native.rows(native.from_exponential(fine)) == [(0, 1.0, 2 ** (1 / 256), 2.0)]
    with pytest.raises(ValueError, match="coarser"):
        native.from_exponential(Exponential(count=0, scale=-5))


def test_the_average_and_the_spread_of_a_histogram():
    one = Histogram(count=4, sum=6, positive=native.side(1, [4]))
    assert native.average(one) == 1.5
    assert native.variance(one) == pytest.approx((math.sqrt(2) - 1.5) ** 2)
    assert native.deviation(one) == pytest.approx(1.5 - math.sqrt(2))
    assert math.isnan(native.average(Histogram()))
    assert math.isnan(native.variance(Histogram()))


def test_the_largest_bucket_ends_with_the_largest_float_and_the_next_at_infinity():
    edge = Histogram(count=2, schema=-4, positive=native.side(64, [1, 1]))
    assert native.rows(edge) == [
        (0, 2.0**1008, np.finfo(float).max, 1.0),
        (0, np.finfo(float).max, math.inf, 1.0),
    ]


def test_the_rows_of_the_http_api():
    one = Histogram(
        count=5,
        zero_threshold=0.001,
        zero_count=1,
        positive=native.side(0, [1, 0, 1]),
        negative=native.side(1, [2]),
    )
    assert native.rows(one) == [
        (1, -2.0, -1.0, 2.0),
        (3, -0.001, 0.001, 1.0),
        (0, 0.5, 1.0, 1.0),
        (0, 2.0, 4.0, 1.0),
    ]
    assert native.rows(native.custom([1, 2], [3, 0, 4], total=0)) == [
        (3, -math.inf, 1.0, 3.0),
        (0, 2.0, math.inf, 4.0),
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.5, "0.5"), (4.0, "4"), (0.0, "0"), (10.5, "10.5"), (-2.0, "-2"), (100_000.0, "100000"),
     (1e6, "1e+06"), (123456789.0, "1.23456789e+08"), (-1e21, "-1e+21"), (0.0001, "0.0001"),
     (0.00001234, "1.234e-05"), (1.5e300, "1.5e+300"), (math.inf, "+Inf"), (math.nan, "NaN")],
)  # fmt: skip
def test_numbers_in_a_histograms_text_look_as_go_writes_them(value, shown):
    assert native.text(Histogram(count=1, sum=value)) == f"{{count:1, sum:{shown}}}"
