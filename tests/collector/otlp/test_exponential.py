"""Laws of exponential histograms."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.edges import latency_bucket
from collector.otlp.exponential import (
    EMPTY,
    MAX_BUCKETS,
    Buckets,
    Exponential,
    bound,
    downscale,
    index_of,
    intervals,
    latency_counts,
    merge,
    quantile,
    subtract,
    trimmed,
)

counts = st.lists(st.integers(0, 5), max_size=6).map(tuple)
buckets = st.builds(trimmed, st.integers(-40, 40), counts)
thresholds = st.sampled_from([0.0, 0.0, 1e-3, 0.5, 1.0, 3.7])


def total(histogram):
    sides = histogram.positive.counts + histogram.negative.counts
    return sum(sides) + histogram.zero_count


@st.composite
def histograms(draw):
    made = Exponential(
        count=0,
        scale=draw(st.integers(-3, 6)),
        zero_count=draw(st.integers(0, 3)),
        zero_threshold=draw(thresholds),
        positive=draw(buckets),
        negative=draw(buckets),
        sum=float(draw(st.integers(-100, 100))),
        min=float(draw(st.integers(-100, 0))),
        max=float(draw(st.integers(0, 100))),
    )
    return Exponential(**{f: getattr(made, f) for f in made.__slots__} | {"count": total(made)})


def observed(values, scale):
    """Count values the naive way."""
    made = EMPTY
    for value in values:
        one = Buckets(index_of(value, scale), (1,))
        made = merge(made, Exponential(1, scale, positive=one, sum=value, min=value, max=value))
    return made


@given(histograms(), histograms(), histograms())
def test_merging_is_associative(a, b, c):
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


@given(histograms(), histograms())
def test_merging_is_commutative_and_keeps_every_count(a, b):
    merged = merge(a, b)

    assert merged == merge(b, a)
    assert total(merged) == merged.count == a.count + b.count


@given(histograms(), st.integers(0, 8))
def test_downscaling_keeps_the_counts_and_can_be_done_in_steps(histogram, steps):
    scale = histogram.scale - steps
    coarse = downscale(histogram, scale)

    assert total(coarse) == histogram.count
    assert downscale(downscale(histogram, histogram.scale - steps // 2), scale) == coarse


@given(histograms(), histograms())
def test_what_was_added_can_be_taken_away_again(before, news):
    after = merge(before, news)
    left = subtract(after, before)

    assert left is not None
    assert left.count == news.count
    again = subtract(merge(before, left), before)
    assert again == left


def test_a_count_that_fell_is_a_reset():
    before = Exponential(3, 2, positive=Buckets(0, (3,)))
    after = Exponential(4, 2, positive=Buckets(0, (2, 2)))

    assert subtract(after, before) is None
    assert subtract(Exponential(2, 2, zero_count=2), before) is None


@given(st.floats(1e-300, 1e300), st.integers(-10, 20))
def test_a_value_lies_between_the_bounds_of_its_bucket(value, scale):
    index = index_of(value, scale)

    assert value <= bound(index + 1, scale)
    assert bound(index, scale) < value


@given(
    st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=40),
    st.integers(0, 6),
    st.floats(0, 1),
)
def test_a_quantile_is_off_by_less_than_a_bucket(values, scale, ratio):
    found = quantile(observed(values, scale), ratio)
    rank = max(math.ceil(ratio * len(values)), 1)
    truth = sorted(values)[rank - 1]
    width = 2.0 ** (2.0**-scale)

    assert found is not None
    assert truth / width * (1 - 1e-9) <= found <= truth * width * (1 + 1e-9)


@given(st.lists(st.floats(1.0, 1e8), max_size=40), st.integers(3, 8))
def test_microseconds_at_scale_3_and_finer_move_to_our_buckets_exactly(values, scale):
    truth: dict[int, int] = {}
    for value in values:
        # A value on a bound up to rounding may lie on either side of it: take the bucket's middle.
        index = index_of(value, 3)
        bucket = latency_bucket(math.sqrt(bound(index, 3)) * math.sqrt(bound(index + 1, 3)))
        truth[bucket] = truth.get(bucket, 0) + 1

    assert latency_counts(observed(values, scale)) == truth


@given(histograms(), st.sampled_from([1.0, 1e3, 1e6]))
def test_moving_to_our_buckets_keeps_the_counts(histogram, scale_us):
    assert sum(latency_counts(histogram, scale_us).values()) == histogram.count


@given(histograms())
def test_buckets_come_in_the_order_of_the_number_line(histogram):
    edges = [low for low, _, _ in intervals(histogram) if abs(low) > histogram.zero_threshold]

    assert edges == sorted(edges)
    assert sum(count for _, _, count in intervals(histogram)) == histogram.count


def test_nothing_is_no_quantile_and_a_ratio_must_be_one():
    assert quantile(EMPTY, 0.5) is None
    with pytest.raises(ValueError, match=r"must be in 0\.\.1"):
        quantile(EMPTY, 1.5)
    with pytest.raises(ValueError, match="finer"):
        downscale(Exponential(0, 1), 2)


def test_two_buckets_at_the_ends_of_the_world_become_coarse_instead_of_many():
    far = [Exponential(1, 20, positive=Buckets(index, (1,))) for index in (-(2**30), 2**30)]
    merged = merge(*far)

    assert merged.count == total(merged) == 2
    assert len(merged.positive.counts) <= MAX_BUCKETS
