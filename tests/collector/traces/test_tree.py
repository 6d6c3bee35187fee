"""Whatever arrives becomes a tree with every span in it once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.traces.tree import CYCLE, NOT_UNIQUE, ORPHAN, self_times_ns, span_tree
from tests.collector.traces.shapes import anything, chain

CLIENT, SERVER, INTERNAL = 3, 2, 1


def tree_of(shape):
    return span_tree(shape.span_ids, shape.parent_ids, shape.kinds)


@given(anything())
def test_every_span_is_in_the_order_once_and_after_its_parent(shape):
    tree = tree_of(shape)
    place = {span: row for row, span in enumerate(tree.order)}

    assert sorted(tree.order) == list(range(len(shape.span_ids)))
    assert [span for span in tree.order if tree.parent[span] < 0] == list(tree.roots)
    for span, parent in enumerate(tree.parent):
        if parent < 0:
            assert tree.depth[span] == 0
        else:
            assert tree.depth[span] == tree.depth[parent] + 1
            assert place[parent] < place[span]
            assert span in tree.children[parent]


@given(anything())
def test_siblings_come_by_start_and_a_subtree_stays_together(shape):
    tree = tree_of(shape)
    ends = {span: row for row, span in enumerate(tree.order)}
    for span in reversed(tree.order):
        assert list(tree.children[span]) == sorted(tree.children[span])
        ends[span] = max([ends[span], *(ends[child] for child in tree.children[span])])
    for row, span in enumerate(tree.order):
        below = tree.order[row + 1 : ends[span] + 1]
        assert all(tree.depth[one] > tree.depth[span] for one in below)


@given(anything())
def test_a_span_stays_under_its_parent_unless_that_is_impossible(shape):
    tree = tree_of(shape)
    for span, parent_id in enumerate(shape.parent_ids):
        if parent_id is not None and tree.parent[span] < 0:
            assert {ORPHAN, CYCLE} & set(tree.warnings[span])
        if parent_id is not None and shape.span_ids.count(shape.span_ids[span]) == 1:
            parent = tree.parent[span]
            assert parent < 0 or shape.span_ids[parent] == parent_id


def test_a_span_without_its_parent_is_a_root_that_says_so():
    tree = span_tree([1, 2, 3], [None, 9, 2], [INTERNAL] * 3)

    assert (list(tree.roots), tree.depth) == ([0, 1], [0, 0, 1])
    assert tree.warnings == {1: [ORPHAN]}


def test_a_cycle_is_cut_at_its_first_span():
    tree = span_tree([1, 2, 3, 4], [3, 1, 2, 3], [INTERNAL] * 4)

    assert (list(tree.roots), tree.parent) == ([0], [-1, 0, 1, 2])
    assert tree.warnings == {0: [CYCLE]}


def test_a_span_that_is_its_own_parent_is_a_root():
    assert list(span_tree([7], [7], [INTERNAL]).roots) == [0]


def test_a_client_and_a_server_that_share_an_id_are_parent_and_child():
    tree = span_tree([1, 2, 2, 3], [None, 1, 1, 2], [INTERNAL, CLIENT, SERVER, INTERNAL])

    assert tree.parent == [-1, 0, 1, 2]
    assert tree.warnings == {}


def test_two_spans_with_one_id_are_both_shown_and_say_so():
    tree = span_tree([1, 2, 2, 3], [None, 1, 1, 2], [INTERNAL] * 4)

    assert tree.parent == [-1, 0, 0, 1]
    assert tree.warnings == {1: [NOT_UNIQUE], 2: [NOT_UNIQUE]}


@pytest.mark.parametrize("length", [1, 20_000])
def test_a_chain_may_be_long(length):
    shape = chain(length)
    tree = tree_of(shape)

    assert tree.depth == list(range(length))
    assert sum(self_times_ns(tree, shape.start_ns, shape.duration_ns)) == shape.duration_ns[0]


@given(anything())
def test_self_time_is_what_no_child_covers(shape):
    tree = tree_of(shape)
    own = self_times_ns(tree, shape.start_ns, shape.duration_ns)

    for span, children in enumerate(tree.children):
        instants = set(range(shape.start_ns[span], shape.start_ns[span] + shape.duration_ns[span]))
        for child in children:
            begin = shape.start_ns[child]
            instants -= set(range(begin, begin + shape.duration_ns[child]))
        assert own[span] == len(instants)


@given(st.integers(1, 40))
def test_siblings_under_one_root_are_one_below(count):
    tree = span_tree(list(range(1, count + 2)), [None] + [1] * count, [INTERNAL] * (count + 1))

    assert tree.depth == [0] + [1] * count
