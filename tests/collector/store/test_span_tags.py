"""Attributes and their values are offered as they were sent, hot and sealed alike."""

import pytest

from collector.store.span_tags import resource_keys, resource_values, span_keys, span_values
from tests.collector.exports import T0
from tests.collector.spans import HOUR, put_spans, seal, span


@pytest.fixture(params=["hot", "sealed"])
def store(sealable, request):
    sealable.cursor().execute(
        'UPDATE resources SET attributes = \'{"zone":"z\' || resource_id || \'","n":1}\''
    )
    put_spans(
        sealable,
        [
            span(1, attributes={"code": "200", "größe": 1}),
            span(2, attributes={"code": 200, "ok": True}),
            span(3, attributes={"code": "404", "ratio": 0.5, "Code": "x"}),
        ],
    )
    if request.param == "sealed":
        seal(sealable)
    return sealable


def test_keys_are_offered(store):
    assert span_keys(store) == ["Code", "code", "größe", "ok", "ratio"]
    assert resource_keys(store) == ["n", "zone"]


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("code", [200, "200", "404"]),
        ("größe", [1]),
        ("ok", [True]),
        ("ratio", [0.5]),
        ("absent", []),
    ],
)
def test_values_keep_their_types(store, key, values):
    assert sorted(span_values(store, key, limit=9), key=repr) == sorted(values, key=repr)


def test_values_of_resources_are_offered(store):
    assert resource_values(store, "zone", limit=9) == ["z0", "z1", "z2"]
    assert resource_values(store, "n", limit=9) == [1]
    assert len(resource_values(store, "zone", limit=2)) == 2


def test_only_the_time_asked_for_is_looked_at(store):
    assert span_keys(store, T0 + HOUR, T0 + 2 * HOUR) == []
    assert span_values(store, "code", T0 + HOUR, T0 + 2 * HOUR, limit=9) == []


def test_there_are_no_more_values_than_asked_for(store):
    assert len(span_values(store, "code", limit=2)) == 2
