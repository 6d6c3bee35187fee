"""The source in memory gives what was put in, within the window, in blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.promql.memory import MemorySource
from collector.promql.samples import Matcher
from tests.collector.promql.made import labels

TIMES = st.lists(st.integers(0, 50), unique=True, max_size=8).map(sorted)


@given(
    found=st.lists(TIMES, max_size=5),
    window=st.tuples(st.integers(0, 50), st.integers(0, 50)).map(sorted),
    block_size=st.integers(1, 3),
)
@settings(deadline=None)
def test_blocks_hold_every_sample_of_the_window_once(found, window, block_size):
    given_ = [
        (labels("x", i=str(i)), times, np.array(times) * 2.0) for i, times in enumerate(found)
    ]
    first, last = window
    got = {}
    for block in MemorySource(given_, block_size=block_size).select([], first, last):
        assert len(block.labels) <= block_size
        for row, one in enumerate(block.labels):
            within = slice(block.offsets[row], block.offsets[row + 1])
            assert (block.values[within] == block.times_ms[within] * 2.0).all()
            got[one] = block.times_ms[within].tolist()
    wanted = {one: [t for t in times if first <= t <= last] for one, times, _ in given_}
    assert got == {one: times for one, times in wanted.items() if times}


def test_histograms_come_beside_the_values_of_their_block():
    native = object()
    where = MemorySource(
        [(labels("x"), [0, 1], [1.0, 0.0], [None, native]), (labels("y"), [0], [2.0])]
    )
    (block,) = where.select([], 0, 9)
    assert list(block.histograms) == [None, native, None]
    (block,) = where.select([Matcher("__name__", "=", "y")], 0, 9)
    assert block.histograms is None


def test_labels_are_put_in_order_and_empty_ones_dropped():
    (block,) = MemorySource([((("b", "2"), ("a", "1"), ("c", "")), [0], [0.0])]).select([], 0, 0)
    assert block.labels == [(("a", "1"), ("b", "2"))]


def test_times_must_ascend():
    with pytest.raises(ValueError, match="ascend"):
        MemorySource([(labels("x"), [1, 1], [0.0, 0.0])])
