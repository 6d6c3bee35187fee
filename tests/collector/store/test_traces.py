"""A search finds what a filter means, wherever the spans lie."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.store.traces import SpanFilter, find_spans, trace
from tests.collector.exports import T0
from tests.collector.spans import HOUR, SERVICES, put_spans, seal, span

MINUTE = 60 * 10**9


@pytest.fixture
def store(sealable):
    return sealable


def found(store, *, limit=100, **wanted):
    spans = find_spans(store, SpanFilter(**wanted), limit=limit)
    return [row["span_id"] for row in spans.to_pylist()]


@pytest.mark.parametrize("is_sealed", [False, True])
@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, [3, 2, 1]),
        ({"service": "cart"}, [2]),
        ({"service": "nobody"}, []),
        ({"name": "POST /"}, [3]),
        ({"route": "cart-route"}, [3, 2, 1]),
        ({"route": "nowhere"}, []),
        ({"min_duration_ns": 2_000_000}, [2]),
        ({"max_duration_ns": 1_999_999}, [3, 1]),
        ({"is_error": True}, [3]),
        ({"is_error": False}, [2, 1]),
        ({"http_status": 503}, [3]),
        ({"from_ns": T0 + 2 * MINUTE}, [3, 2]),
        ({"to_ns": T0 + 2 * MINUTE}, [1]),
        ({"from_ns": T0 + 2 * MINUTE, "to_ns": T0 + 3 * MINUTE}, [2]),
        ({"attributes": {"user": "ann"}}, [3, 1]),
        ({"attributes": {"user": "ann", "n": 3}}, [3]),
        ({"attributes": {"n": "3"}}, [3]),
        ({"attributes": {"absent": "x"}}, []),
        ({"service": "frontend", "attributes": {"user": "ann"}}, [1]),
    ],
)
def test_each_condition_narrows_the_search(store, wanted, numbers, is_sealed):
    store.cursor().execute("INSERT INTO strings VALUES (3, 'POST /')")
    put_spans(
        store,
        [
            span(0, number=0, at_ns=MINUTE, attributes={"user": "ann", "n": 1}),
            span(0, number=1, at_ns=2 * MINUTE, service=1, duration_ns=2_000_000),
            span(0, number=2, at_ns=3 * MINUTE, service=2, name_id=3, is_error=True)
            | {"http_status": 503, "attributes": '{"n":3,"user":"ann"}'},
        ],
    )
    if is_sealed:
        seal(store)

    assert found(store, **wanted) == numbers


def test_names_come_instead_of_ids(store):
    put_spans(store, [span(1, service=2)])
    (row,) = find_spans(store, SpanFilter()).to_pylist()

    assert (row["service"], row["name"], row["route"], row["flags"]) == (
        "payment",
        "GET /",
        "cart-route",
        "-",
    )
    assert "attributes" not in row


def test_a_span_whose_ids_nobody_knows_is_still_found(store):
    put_spans(store, [span(1, name_id=404)])

    (row,) = trace(store, 1, 77).to_pylist()
    assert row["name"] is None


def test_a_limit_below_one_is_refused(store):
    with pytest.raises(ValueError, match="limit must be positive, got 0"):
        find_spans(store, SpanFilter(), limit=0)


placed = st.lists(
    st.tuples(st.integers(0, 5 * HOUR), st.integers(0, 2), st.integers(0, 3)),
    max_size=25,
    unique_by=lambda one: one[0],
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(placed, st.integers(1, 8), st.sampled_from([*SERVICES, None]), st.integers(0, 4))
def test_the_newest_are_found_however_hours_and_files_divide_them(
    store, clock, spans, limit, service, colour
):
    store.cursor().execute("DELETE FROM spans; DELETE FROM sealed_files; DELETE FROM trace_index")
    clock.now_ns = T0 + 3 * HOUR
    for half in (spans[::2], spans[1::2]):
        put_spans(
            store,
            [
                span(at, at_ns=at, service=who, attributes={"colour": c} if c else {})
                for at, who, c in half
            ],
        )
        seal(store, late_rows=1)
        clock.now_ns += HOUR

    expected = sorted(
        (at * 1000 + 1 for at, who, c in spans if SERVICES[who] == (service or SERVICES[who])
         if c == colour or not colour),
        reverse=True,
    )  # fmt: skip
    attributes = {"colour": colour} if colour else {}
    assert found(store, service=service, attributes=attributes, limit=limit) == expected[:limit]
