"""Ids, durations and tags are read as people and Grafana write them."""

import pytest

from collector.traces.search import Search
from dashboards.web.trace_parameters import (
    BadParameter,
    form_of,
    read_duration,
    read_tags,
    read_trace_id,
    read_whole,
)

MS = 1_000_000


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("", None),
        ("1.2ms", 1_200_000),
        ("15us", 15_000),
        ("15µs", 15_000),
        ("3ns", 3),
        (".5s", 500 * MS),
        ("1m30s", 90_000 * MS),
        ("999999999h", 2**63 - 1),
    ],
)
def test_a_duration_has_units(text, ns):
    assert read_duration({"d": text}, "d") == ns


@pytest.mark.parametrize("text", ["5", "ms", "-1ms", "1 ms", "1msx", "x"])
def test_a_duration_without_a_unit_is_refused_by_name(text):
    with pytest.raises(BadParameter, match=r"parameter 'd' is a duration such as 1\.2ms, got"):
        read_duration({"d": text}, "d")


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ('a=1  b.c="two words" d=', {"a": "1", "b.c": "two words", "d": ""}),
        (r'a="say \"hi\""', {"a": 'say "hi"'}),
        ("url=http://cart/?q=1", {"url": "http://cart/?q=1"}),
        ('{"a": "x", "b": 2, "c": true}', {"a": "x", "b": "2", "c": "true"}),
    ],
)
def test_tags_are_json_or_logfmt(text, tags):
    assert read_tags(text) == tags


@pytest.mark.parametrize("text", ["a", "a=1 b", '{"a"', 'a="open'])
def test_what_is_neither_is_refused(text):
    with pytest.raises(BadParameter, match="parameter 'tags'"):
        read_tags(text)


def test_there_may_be_many_tags_but_not_any_number():
    many = " ".join(f"k{number}=1" for number in range(101))
    with pytest.raises(BadParameter, match="more than 100 tags"):
        read_tags(many)


@pytest.mark.parametrize(
    ("text", "halves"),
    [("1", (0, 1)), ("f" * 32, (2**64 - 1, 2**64 - 1)), ("1" + "0" * 16, (1, 0)), ("AB", (0, 171))],
)
def test_a_trace_id_may_lack_its_zeros(text, halves):
    assert read_trace_id(text) == halves


@pytest.mark.parametrize("text", ["", "0", "g", "1" * 33, "0x1", "1 "])
def test_what_is_no_trace_id_is_refused(text):
    with pytest.raises(BadParameter, match="a trace id is 1 to 32 hexadecimal digits"):
        read_trace_id(text)


def test_a_number_out_of_range_is_refused():
    assert read_whole({}, "n", 7) == 7
    with pytest.raises(BadParameter, match="parameter 'n' is from 1 to 5, got 6"):
        read_whole({"n": "6"}, "n", 1, least=1, most=5)


def test_tags_that_are_no_attributes_in_otlp_become_fields():
    tags = {"error": "true", "span.kind": "client", "otel.status_code": "ERROR", "x": "1"}
    odd = {"error": "maybe", "span.kind": "odd", "otel.status_code": "9"}

    assert form_of(tags, service="a") == Search(
        service="a", is_error=True, kind="client", status="error", tags={"x": "1"}
    )
    assert form_of(odd) == Search(tags=odd)
