import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from collector.promql import classic
from tests.collector.promql import naive_functions as naive

BOUNDS = st.sampled_from((-3.0, -0.5, 0.0, 0.1, 0.1, 0.5, 1.0, 7.0, math.inf, math.inf, math.inf))
CELLS = st.none() | st.integers(0, 30).map(float)
RATIOS = st.sampled_from((0.0, 0.1, 0.5, 0.9, 1.0, -1.0, 2.0, math.nan))


@st.composite
def tables(draw):
    """Return bounds, counts and presence of one histogram over some steps."""
    bounds = draw(st.lists(BOUNDS, min_size=1, max_size=7))
    steps = draw(st.integers(1, 4))
    cells = [draw(st.lists(CELLS, min_size=steps, max_size=steps)) for _ in bounds]
    present = np.array([[cell is not None for cell in row] for row in cells])
    counts = np.array([[cell or 0.0 for cell in row] for row in cells])
    return np.array(bounds), counts, present


def column(bounds, counts, present, step):
    """Return the buckets of one step, those of one bound added."""
    group = {}
    for bound, count in zip(bounds[present[:, step]], counts[present[:, step], step], strict=True):
        group[float(bound)] = group.get(float(bound), 0.0) + float(count)
    return group


@given(tables(), st.data())
def test_all_steps_at_once_are_one_step_after_another(table, data):
    bounds, counts, present = table
    steps = counts.shape[1]
    q = np.array(data.draw(st.lists(RATIOS, min_size=steps, max_size=steps)))
    found, lifts = classic.quantile(bounds, counts, present, q)
    for step in range(steps):
        group = column(bounds, counts, present, step)
        expected = naive.classic_quantile(q[step], group) if group else None
        if expected is not None:
            np.testing.assert_allclose(found[step], expected)
        running = [group[bound] for bound in sorted(group)]
        usable = 0 <= q[step] <= 1 and math.inf in group
        assert lifts.is_lifted[step] == (usable and running != sorted(running))
        if lifts.is_lifted[step]:
            peaks = np.maximum.accumulate(running)
            fallen = np.array(sorted(group))[peaks > running]
            assert (lifts.lowest[step], lifts.highest[step]) == (fallen[0], fallen[-1])
            assert lifts.most[step] == (peaks - running).max()


@given(tables(), st.floats(-5, 9), st.floats(-5, 9))
def test_a_fraction_is_the_rank_of_one_limit_less_that_of_the_other(table, low, high):
    bounds, counts, present = table
    counts = np.maximum.accumulate(np.sort(counts, axis=0), axis=0)
    bounds, present = np.sort(bounds), np.ones_like(present)
    size = counts.shape[1]
    found = classic.fraction(bounds, counts, present, np.full(size, low), np.full(size, high))
    for step in range(size):
        group = column(bounds, counts, present, step)
        if math.inf not in group or not group[math.inf]:
            assert math.isnan(found[step])
        elif low >= high:
            assert found[step] == 0
        else:
            expected = (rank(group, high) - rank(group, low)) / group[math.inf]
            np.testing.assert_allclose(found[step], expected, atol=1e-12)


def rank(group, value):
    """Return how many lie below a value: whole buckets, and a part of the one it is in."""
    start, under = (0.0 if min(group) > 0 else -math.inf), 0.0
    for bound in sorted(group):
        if value <= start:
            return min(under, group[math.inf])
        if value < bound:
            part = 1.0 if start == -math.inf else (value - start) / (bound - start)
            return min(under + (group[bound] - under) * part, group[math.inf])
        start, under = bound, group[bound]
    return group[math.inf]


def test_differences_of_rounding_are_no_fall():
    counts = np.array([[1e13], [1e13 - 1], [1e13]])
    found, lifts = classic.quantile(
        np.array([1, 2, math.inf]), counts, np.ones((3, 1), bool), np.array([0.5])
    )
    assert (found[0], lifts.is_lifted[0]) == (0.5, False)
