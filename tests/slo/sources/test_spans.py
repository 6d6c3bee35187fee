from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from slo.sources.spans import disjoint_spans, membership, overlap_s

WINDOWS = st.lists(
    st.tuples(st.integers(0, 100), st.integers(1, 50)).map(lambda p: (p[0], p[0] + p[1])),
    max_size=6,
)


def test_windows_that_end_together_are_cut_where_they_begin():
    assert disjoint_spans([(0, 100), (90, 100), (60, 100)]) == ((0, 60), (60, 90), (90, 100))


def test_the_gap_between_windows_is_not_read():
    assert disjoint_spans([(0, 10), (20, 30)]) == ((0, 10), (20, 30))


@given(WINDOWS)
def test_each_window_is_the_sum_of_its_spans(windows):
    spans = disjoint_spans(windows)
    lengths = [end - start for start, end in spans]
    summed = membership(windows, spans).T @ lengths if spans else []
    assert list(summed) == [end - start for start, end in windows]


@given(WINDOWS)
def test_spans_are_disjoint_and_in_order(windows):
    spans = disjoint_spans(windows)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))


def test_nothing_measured_covers_nothing():
    assert overlap_s([(0, 10), (5, 20)], None).tolist() == [0, 0]
    assert overlap_s([(0, 10), (5, 20)], (8, 12)).tolist() == [2, 4]
