"""At each moment of the root the trace waits for exactly one span."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.traces.critical_path import Segment, critical_path, own_ns
from collector.traces.tree import span_tree
from tests.collector.traces.shapes import anything, chain


def path_of(spans, **options):
    """Return (span, from, to) of spans that are given as (parent, from, to)."""
    tree = span_tree(
        list(range(1, len(spans) + 1)),
        [None if parent is None else parent + 1 for parent, _, _ in spans],
        [1] * len(spans),
    )
    starts = [start for _, start, _ in spans]
    durations = [end - start for _, start, end in spans]
    path = critical_path(tree, 0, starts, durations, **options)
    return [(one.span, one.from_ns, one.to_ns) for one in path]


@pytest.mark.parametrize(
    ("spans", "path"),
    [
        pytest.param([(None, 0, 9)], [(0, 0, 9)], id="a root alone"),
        pytest.param([(None, 5, 5)], [], id="a root that took no time"),
        pytest.param(
            [(None, 0, 9), (0, 1, 3), (0, 4, 8)],
            [(0, 0, 1), (1, 1, 3), (0, 3, 4), (2, 4, 8), (0, 8, 9)],
            id="one child after the other",
        ),
        pytest.param(
            [(None, 0, 9), (0, 1, 5), (0, 1, 8)],
            [(0, 0, 1), (2, 1, 8), (0, 8, 9)],
            id="of two at once the last to finish",
        ),
        pytest.param(
            [(None, 0, 9), (0, 0, 3), (0, 1, 7), (0, 5, 9)],
            [(1, 0, 3), (0, 3, 5), (3, 5, 9)],
            id="what overlaps the last finisher is not waited for",
        ),
        pytest.param(
            [(None, 0, 5), (0, 2, 9), (1, 3, 8)],
            [(0, 0, 2), (1, 2, 3), (2, 3, 5)],
            id="what goes on after the answer is cut",
        ),
        pytest.param(
            [(None, 2, 5), (0, 0, 3), (0, 6, 9)],
            [(1, 2, 3), (0, 3, 5)],
            id="what lies outside is cut or left out",
        ),
    ],
)
def test_the_path_goes_through_last_finishers(spans, path):
    assert path_of(spans) == path


def test_nobody_waits_for_a_mirrored_copy_nor_for_what_it_calls():
    spans = [(None, 0, 9), (0, 1, 4), (0, 2, 9), (2, 3, 8)]

    assert path_of(spans, unawaited={2}) == [(0, 0, 1), (1, 1, 4), (0, 4, 9)]


def naive(tree, span, from_ns, to_ns, starts, ends):
    """The twin: recursive, and looks for the last finisher anew each time."""
    path, at_ns = [], to_ns
    left = [
        (min(ends[child], to_ns), max(starts[child], from_ns), child)
        for child in tree.children[span]
    ]
    while True:
        left = [one for one in left if one[1] < one[0] <= at_ns]
        if not left:
            break
        end_ns, begin_ns, child = max(left)
        path.append(Segment(span, end_ns, at_ns))
        path += reversed(naive(tree, child, begin_ns, end_ns, starts, ends))
        at_ns = begin_ns
    path.append(Segment(span, from_ns, at_ns))
    return [one for one in reversed(path) if one.from_ns < one.to_ns]


@given(anything(), st.data())
def test_the_path_covers_the_root_without_overlap_as_its_naive_twin_says(shape, data):
    tree = span_tree(shape.span_ids, shape.parent_ids, shape.kinds)
    root = data.draw(st.sampled_from(tree.roots))
    starts, durations = shape.start_ns, shape.duration_ns
    path = critical_path(tree, root, starts, durations)
    end_ns = starts[root] + durations[root]

    assert all(one.from_ns < one.to_ns for one in path)
    assert all(one.to_ns == other.from_ns for one, other in pairwise(path))
    if durations[root]:
        assert (path[0].from_ns, path[-1].to_ns) == (starts[root], end_ns)
    assert sum(own_ns(path, len(starts))) == durations[root]
    for one in path:
        span_end = starts[one.span] + durations[one.span]
        assert starts[one.span] <= one.from_ns < one.to_ns <= span_end
    ends = [start + length for start, length in zip(starts, durations, strict=True)]
    assert path == naive(tree, root, starts[root], end_ns, starts, ends)


def test_a_chain_may_be_long():
    shape = chain(20_000)
    tree = span_tree(shape.span_ids, shape.parent_ids, shape.kinds)
    path = critical_path(tree, 0, shape.start_ns, shape.duration_ns)

    assert len(path) == 2 * 20_000 - 1
    assert sum(own_ns(path, 20_000)) == shape.duration_ns[0]
