from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from collector.promql import native
from collector.promql.native import Histogram, Note, ResetHint
from tests.collector.promql.native.histograms import exponential_lists


@given(exponential_lists(min_size=2, max_size=5))
def test_what_is_only_added_to_is_never_reset_and_its_increase_is_what_was_added(parts):
    parts = [replace(part, hint=ResetHint.UNKNOWN) for part in parts]
    running = [native.compacted(parts[0])]
    for part in parts[1:]:
        running.append(native.add(running[-1], part)[0])
    assert not native.resets(running).any()
    found, notes = native.increase(running, is_counter=True)
    assert found is not None
    assert notes == native.QUIET
    assert found.count == sum(part.count for part in parts[1:])
    assert found.hint is ResetHint.GAUGE


@given(exponential_lists(min_size=2, max_size=2))
def test_less_in_any_bucket_is_a_reset(parts):
    one, other = (replace(part, hint=ResetHint.UNKNOWN) for part in parts)
    both, _ = native.add(one, other)
    assert not native.is_reset(both, one)
    assert native.is_reset(one, both) == (
        both.count > one.count
        or one.schema > both.schema
        or one.zero_threshold < both.zero_threshold
    )


def test_a_hint_decides_alone():
    one, more = Histogram(count=1), Histogram(count=2)
    assert native.is_reset(replace(more, hint=ResetHint.RESET), one)
    assert not native.is_reset(replace(one, hint=ResetHint.NOT_RESET), more)


@pytest.mark.parametrize(
    ("later", "earlier", "is_reset"),
    [
        (native.custom([1, 2], [1, 1, 0], total=0), native.custom([1], [1, 0], total=0), False),
        (native.custom([1, 2], [0, 3, 0], total=0), native.custom([1], [1, 0], total=0), True),
        (native.custom([1], [5, 0], total=0), Histogram(count=1), True),
        (Histogram(count=5), native.custom([1], [1, 0], total=0), True),
        (Histogram(count=5, schema=1), Histogram(count=1), True),
        (Histogram(count=5, schema=-1), Histogram(count=1), False),
    ],
)
def test_a_change_of_layout(later, earlier, is_reset):
    assert native.is_reset(later, earlier) == is_reset


def test_rates_are_extrapolated_as_those_of_floats():
    times = np.array([60_000, 120_000, 180_000], np.int64)
    one = Histogram(count=10, sum=1, positive=native.side(0, [10]))
    running = [native.scale(one, factor) for factor in (1, 2, 3)]
    found, _ = native.extrapolated(times, running, 30_000, 180_000, is_counter=True, is_rate=False)
    assert found is not None
    assert found.count == pytest.approx(20 * 150 / 120)
    none, notes = native.extrapolated(times[:1], running[:1], 0, 1, is_counter=True, is_rate=True)
    assert none is None
    assert notes == native.QUIET


def test_samples_of_the_wrong_kind_are_noted():
    times = np.array([0, 60_000], np.int64)
    gauges = [Histogram(count=count, hint=ResetHint.GAUGE) for count in (1, 2)]
    counters = [Histogram(count=count) for count in (1, 2)]
    mixed = [Histogram(count=1), Histogram(count=2), native.custom([1], [5, 0], total=0)]
    asked = {"from_ms": -1, "to_ms": 60_000, "is_rate": False}
    assert native.extrapolated(times, gauges, is_counter=True, **asked)[1] == {Note.NOT_A_COUNTER}
    assert native.extrapolated(times, counters, is_counter=False, **asked)[1] == {Note.NOT_A_GAUGE}
    assert native.extrapolated(times, gauges, is_counter=False, **asked)[1] == native.QUIET
    assert native.increase(mixed, is_counter=True) == (None, {Note.MIXED_SCHEMAS})
    assert all(note.is_warning for note in (Note.NOT_A_COUNTER, Note.MIXED_SCHEMAS))
    assert not Note.RECONCILED_BOUNDS.is_warning
