"""Traces are found once each, newest first, and come whole, hot or sealed."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.store.traces import SpanFilter, find_traces, trace, traces
from tests.collector.exports import T0
from tests.collector.spans import DECIDED, HOUR, SERVICES, put_spans, seal, some_traces, span


@pytest.fixture
def store(sealable):
    return sealable


@pytest.mark.parametrize("is_sealed", [False, True])
def test_several_traces_come_as_each_comes_alone(store, is_sealed):
    put_spans(store, some_traces(5))
    if is_sealed:
        seal(store)

    several = traces(store, [(4, 77), (2, 77), (99, 77)])

    alone = [*trace(store, 2, 77).to_pylist(), *trace(store, 4, 77).to_pylist()]
    assert several.to_pylist() == alone
    assert traces(store, []).num_rows == 0


def test_halves_of_ids_are_not_mixed_up(store):
    put_spans(store, [span(hi, number=lo) | {"trace_lo": lo} for hi in (1, 2) for lo in (1, 2)])

    found = traces(store, [(1, 2), (2, 1)]).to_pylist()

    assert [(row["trace_hi"], row["trace_lo"]) for row in found] == [(1, 2), (2, 1)]


def test_the_largest_ids_are_found(store):
    largest = 2**64 - 1
    put_spans(store, [span(1) | {"trace_hi": largest, "trace_lo": largest}])
    seal(store)

    assert traces(store, [(largest, largest)]).num_rows == 1
    assert find_traces(store, SpanFilter()) == [(largest, largest)]


def test_sealing_changes_no_answer(store):
    put_spans(store, some_traces(5))
    ids = [(number, 77) for number in range(1, 6)]
    hot = traces(store, ids).drop_columns(DECIDED)
    seal(store)

    assert traces(store, ids).drop_columns(DECIDED).to_pylist() == hot.to_pylist()


def test_a_limit_below_one_is_refused(store):
    with pytest.raises(ValueError, match="limit must be positive, got 0"):
        find_traces(store, SpanFilter(), limit=0)


placed = st.lists(
    st.tuples(st.integers(0, 5 * HOUR), st.integers(1, 5), st.integers(0, 2)),
    max_size=25,
    unique_by=lambda one: one[0],
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(placed, st.integers(1, 4), st.sampled_from([*SERVICES, None]))
def test_each_trace_is_found_once_at_its_newest_match(store, clock, spans, limit, service):
    store.cursor().execute("DELETE FROM spans; DELETE FROM sealed_files; DELETE FROM trace_index")
    clock.now_ns = T0 + 3 * HOUR
    for half in (spans[::2], spans[1::2]):
        rows = [span(n, number=k, at_ns=at, service=who) for k, (at, n, who) in enumerate(half)]
        put_spans(store, rows)
        seal(store, late_rows=1)
        clock.now_ns += HOUR

    newest = {number: at for at, number, who in sorted(spans) if service in {None, SERVICES[who]}}
    expected = sorted(newest, key=newest.get, reverse=True)
    found = find_traces(store, SpanFilter(service=service), limit=limit)
    assert found == [(number, 77) for number in expected[:limit]]
