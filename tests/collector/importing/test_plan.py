"""Pieces cover what was asked for, without gap or overlap."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.importing.errors import UsedWrongly
from collector.importing.plan import Window, cut, of_metric, parse_match, partition, windows
from collector.promql.matchers import selected
from collector.promql.samples import Matcher

spans = st.tuples(st.integers(0, 10**13), st.integers(1, 10**8)).map(
    lambda ends: Window(ends[0], ends[0] + ends[1])
)


def _follow(found, whole):
    assert (found[0].from_ms, found[-1].to_ms) == (whole.from_ms, whole.to_ms)
    assert all(one.to_ms == other.from_ms for one, other in pairwise(found))
    assert all(one.span_ms > 0 for one in found)


@given(whole=spans, length_ms=st.integers(10**6, 10**8))
def test_windows_follow_each_other_and_are_cut_at_multiples(whole, length_ms):
    found = windows(whole, length_ms)
    _follow(found, whole)
    assert all(one.to_ms % length_ms == 0 for one in found[:-1])


@given(whole=spans, parts=st.integers(2, 50), shortest_ms=st.integers(1, 10**6))
def test_parts_of_a_window_follow_each_other(whole, parts, shortest_ms):
    found = cut(whole, parts, shortest_ms)
    _follow(found, whole)
    assert all(one.span_ms >= shortest_ms for one in found[:-1])


def test_no_time_has_no_windows():
    assert windows(Window(5, 5), 10) == []


labels = st.dictionaries(st.sampled_from("abc"), st.text(max_size=3), max_size=3).map(
    lambda own: {"__name__": "up", **{key: value for key, value in own.items() if value}}
)


@given(series=st.lists(labels, min_size=1, max_size=12), parts=st.integers(2, 5))
def test_each_series_fits_one_part(series, parts):
    found = partition(series, parts)
    if not found:
        assert all(one == series[0] for one in series)
        return
    assert len(found) >= 2
    for one in series:
        pairs = tuple(sorted(one.items()))
        assert sum(selected([matcher])(pairs) for matcher in found) == 1


def test_an_expression_of_many_long_values_is_cut_to_fit_into_a_url():
    series = [{"__name__": "up", "path": f"/{number:04}" + "x" * 200} for number in range(100)]
    assert max(len(one.value) for one in partition(series, 2)) < 3500


def test_a_match_becomes_that_of_one_metric():
    matchers = parse_match('{__name__=~"up|down", job="x"}')
    assert of_metric(matchers, "up") == (Matcher("__name__", "=", "up"), Matcher("job", "=", "x"))


@pytest.mark.parametrize(
    "text", ["{", "rate(up[5m])", "up[5m]", "up offset 5m", "1", '{a=~"("}', "{}"]
)
def test_what_is_no_selector_is_used_wrongly(text):
    with pytest.raises(UsedWrongly, match="--match"):
        parse_match(text)
