"""Traces drawn by Hypothesis: trees, and whatever else arrives."""

from typing import NamedTuple

from hypothesis import strategies as st


class Shape(NamedTuple):
    """Columns by start: ids are position + 1 unless drawn otherwise."""

    span_ids: list
    parent_ids: list
    kinds: list
    start_ns: list
    duration_ns: list


@st.composite
def anything(draw, most=25):
    """Draw orphans, cycles, shared ids: nothing is promised but the order by start."""
    count = draw(st.integers(1, most))
    ids = st.integers(1, count + 3)
    return Shape(
        span_ids=draw(st.lists(ids, min_size=count, max_size=count)),
        parent_ids=draw(st.lists(ids | st.none(), min_size=count, max_size=count)),
        kinds=draw(st.lists(st.integers(0, 5), min_size=count, max_size=count)),
        start_ns=sorted(draw(st.lists(st.integers(0, 30), min_size=count, max_size=count))),
        duration_ns=draw(st.lists(st.integers(0, 30), min_size=count, max_size=count)),
    )


def chain(length):
    """Return spans that each call the next, one inside the other."""
    return Shape(
        span_ids=list(range(1, length + 1)),
        parent_ids=[None, *range(1, length)],
        kinds=[1] * length,
        start_ns=list(range(length)),
        duration_ns=[2 * (length - at) for at in range(length)],
    )
