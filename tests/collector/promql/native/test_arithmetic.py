import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.promql import native
from collector.promql.native import Histogram, IncompatibleBuckets, Note, ResetHint
from collector.promql.native.layout import at_schema, upper_bounds
from tests.collector.promql.native.histograms import customs, exponential_lists, exponentials


def mass(one: Histogram) -> float:
    return float(one.positive.counts.sum() + one.negative.counts.sum() + one.zero_count)


@given(exponentials(), exponentials())
def test_a_sum_holds_what_both_hold_in_either_order(left, right):
    found, _ = native.add(left, right)
    assert found == native.add(right, left)[0]
    assert found.count == left.count + right.count
    assert mass(found) == mass(left) + mass(right)
    assert found.schema == min(left.schema, right.schema)
    assert found.zero_threshold >= max(left.zero_threshold, right.zero_threshold)


@given(exponential_lists(min_size=3, max_size=3))
def test_a_total_is_one_addition_after_another(parts):
    first, second, third = parts
    by_steps = native.add(native.add(first, second)[0], third)[0]
    assert native.total((first, second, third))[0] == by_steps


@given(exponentials(), exponentials())
def test_what_was_added_can_be_taken_away(left, right):
    both, _ = native.add(left, right)
    found, _ = native.subtract(both, right)
    assert found.count == left.count
    assert mass(found) == mass(left)
    assert found.hint is ResetHint.GAUGE
    rest, _ = native.subtract(found, left)
    assert not rest.positive.counts.any()
    assert not rest.negative.counts.any()


@given(customs(), customs())
def test_custom_buckets_keep_the_bounds_that_both_have(left, right):
    found, notes = native.add(left, right)
    shared = set(left.custom_values) & set(right.custom_values)
    assert found.custom_values == tuple(sorted(shared))
    assert mass(found) == mass(left) + mass(right)
    assert (Note.RECONCILED_BOUNDS in notes) == (left.custom_values != right.custom_values)


@given(exponentials(), customs())
def test_two_kinds_of_buckets_do_not_mix(left, right):
    for operation in (native.add, native.subtract):
        with pytest.raises(IncompatibleBuckets):
            operation(left, right)


@given(exponentials(), st.sampled_from((2.0, 0.5, 4.0)))
def test_a_multiple_divided_is_what_it_was(one, factor):
    assert native.divide(native.scale(one, factor), factor) == one


@given(exponentials())
def test_a_mean_of_equals_is_the_same(one):
    assert native.mean([one] * 4)[0] == native.compacted(one)


@given(exponentials(), st.integers(1, 3))
def test_coarser_buckets_hold_the_same_and_end_where_finer_ones_did(one, steps):
    found = at_schema(one, one.schema - steps)
    assert mass(found) == mass(one)
    for fine, coarse in ((one.positive, found.positive), (one.negative, found.negative)):
        ends = upper_bounds(coarse.indices, found.schema)
        below = [fine.counts[upper_bounds(fine.indices, one.schema) <= end].sum() for end in ends]
        assert np.cumsum(coarse.counts).tolist() == below


def test_a_mean_does_not_overflow_where_the_sum_does():
    one = Histogram(count=1.5e308, sum=1.5e308, positive=native.side(0, [1.5e308]))
    assert native.total([one, one])[0].count == math.inf
    assert native.mean([one, one])[0] == one


def test_a_long_sum_loses_no_small_count():
    parts = [Histogram(count=count, sum=count) for count in (1e100, 1.0, -1e100, 1.0)]
    assert native.total(parts)[0].count == 2.0
    assert native.mean(parts)[0].sum == 0.5


@pytest.mark.parametrize(
    ("left", "right", "hint", "is_collision"),
    [
        (ResetHint.RESET, ResetHint.RESET, ResetHint.RESET, False),
        (ResetHint.RESET, ResetHint.UNKNOWN, ResetHint.UNKNOWN, False),
        (ResetHint.RESET, ResetHint.NOT_RESET, ResetHint.UNKNOWN, True),
        (ResetHint.GAUGE, ResetHint.NOT_RESET, ResetHint.GAUGE, False),
    ],
)
def test_the_hint_of_a_sum(left, right, hint, is_collision):
    found, notes = native.add(Histogram(hint=left), Histogram(hint=right))
    assert found.hint is hint
    assert (Note.COLLIDING_RESETS in notes) == is_collision


def test_a_zero_bucket_grows_to_the_end_of_the_bucket_it_would_split():
    wide = Histogram(count=1, zero_threshold=1.5, zero_count=1)
    found, _ = native.add(Histogram(count=3, positive=native.side(1, [1, 2])), wide)
    assert (found.zero_threshold, found.zero_count) == (2.0, 2.0)
    assert found.positive.counts.tolist() == [2.0]


def test_empty_buckets_that_are_named_make_histograms_differ():
    one, other = (Histogram(positive=native.side(0, counts)) for counts in ([1], [1, 0]))
    assert one != other
    assert one == native.compacted(other)
