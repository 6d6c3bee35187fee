"""The names that spans have are those that were sent, wherever the spans lie now."""

import pytest

from collector.store.span_names import Operation, SpanNames
from collector.store.store import open_store
from tests.collector.exports import T0
from tests.collector.spans import HOUR, put_spans, seal, span


@pytest.fixture
def store(sealable):
    sealable.cursor().execute("INSERT INTO strings VALUES (3, 'POST /')")
    put_spans(sealable, [span(1), span(2, service=1, name_id=3), span(3, kind=3), span(4)])
    return sealable


EXPECTED = [
    Operation("cart", "POST /", 2),
    Operation("frontend", "GET /", 2),
    Operation("frontend", "GET /", 3),
]


def test_names_are_the_same_before_and_after_sealing(store):
    names = SpanNames(store)

    assert names.operations() == EXPECTED
    seal(store)
    assert names.operations() == EXPECTED
    assert SpanNames(store).operations() == EXPECTED
    assert names.operations("cart") == EXPECTED[:1]
    assert names.services() == ["cart", "frontend"]


def test_a_service_without_spans_is_not_offered(store):
    assert "payment" not in SpanNames(store).services()


def test_new_spans_and_new_files_are_seen(store, clock):
    names = SpanNames(store)
    seal(store)
    names.services()
    put_spans(store, [span(5, at_ns=HOUR, service=2)])

    assert names.services() == ["cart", "frontend", "payment"]
    clock.now_ns = T0 + 3 * HOUR
    seal(store)
    assert names.services() == ["cart", "frontend", "payment"]


def test_what_retention_took_is_forgotten(store, clock):
    names = SpanNames(store)
    seal(store)
    assert names.services()
    clock.now_ns = T0 + 30 * 24 * HOUR
    seal(store)

    assert names.services() == []


def test_a_store_in_memory_has_names(clock):
    with open_store(clock_ns=clock) as store:
        assert SpanNames(store).services() == []
