"""The compiled scanner agrees with the reference decoder, on every request and on every wreck."""

import random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.trace.v1 import trace_pb2
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector import semconv
from collector.otlp import span_errors
from collector.otlp.errors import MalformedPayload
from collector.otlp.scan.engine import ENGINE
from collector.otlp.scan.requests import scan_bodies
from collector.otlp.spans_reference import decode_traces_by_reference
from collector.otlp.traces import decode_traces
from tests.collector.exports import ENVOY, span_request
from tests.collector.otlp.span_requests import mutated, requests

TRACES = sorted(ENVOY.glob("*traces*.pb"))


@pytest.fixture(scope="module", autouse=True)
def scan():
    ENGINE.prepare().join()
    found = ENGINE.scan()
    assert found is not None
    return found


def meaning(decode, body):
    """Return what a decoder makes of a body, with positions replaced by what they stand for."""
    try:
        batch = decode(body)
    except MalformedPayload as error:
        return str(error)
    rows = batch.spans.to_pylist()
    for row in rows:
        row["resource"] = batch.resources[row["resource"]]
        row |= {name: batch.strings[row[name]] for name in ("name", "route", "flags")}
    told = (batch.rejected, batch.message, dict(batch.warnings), batch.body_bytes)
    return rows, batch.resources, batch.spans.schema, *told


def agree(body):
    assert meaning(decode_traces, body) == meaning(decode_traces_by_reference, body)


SLOW = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@SLOW
@given(requests())
def test_any_request_means_the_same_to_both(request_):
    agree(request_.SerializeToString())


@SLOW
@given(requests(), st.randoms(use_true_random=False))
def test_a_request_cut_or_changed_anywhere_gets_the_same_verdict(request_, chance):
    body = request_.SerializeToString()
    for _ in range(8):
        agree(mutated(body, chance))


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.name[:12])
def test_what_envoy_sends_means_the_same_to_both_also_in_pieces(path):
    body = path.read_bytes()
    agree(body)
    chance = random.Random(path.name)
    for _ in range(60):
        agree(mutated(body, chance))


def test_what_envoy_sends_is_left_to_nobody(scan):
    found = scan_bodies(scan, [path.read_bytes() for path in TRACES])

    assert not any(map(found.is_unknown, range(len(TRACES))))
    assert found.left() == []


KNOWN_FIELDS = {
    "ExportTraceServiceRequest": 1,
    "ResourceSpans": 3,
    "ScopeSpans": 3,
    "Span": 16,
    "Status": 3,
    "KeyValue": 3,
    "AnyValue": 8,
}


def test_the_scanner_knows_every_field_of_the_schema():
    """If this fails, look what the new field says, and teach the scanner to pass or to take it."""
    messages = {
        "ExportTraceServiceRequest": ExportTraceServiceRequest,
        **{name: getattr(trace_pb2, name) for name in ("ResourceSpans", "ScopeSpans", "Span")},
        "Status": trace_pb2.Status,
        **{name: getattr(common_pb2, name) for name in ("KeyValue", "AnyValue")},
    }

    known = {name: max(f.number for f in one.DESCRIPTOR.fields) for name, one in messages.items()}
    assert known == KNOWN_FIELDS


def field(number, wire, content=b""):
    return bytes([number << 3 | wire]) + (bytes([len(content)]) if wire == 2 else b"") + content


def in_span(extra):
    span = Span(trace_id=b"\1" * 16, span_id=b"\2" * 8, name="n").SerializeToString() + extra
    return field(1, 2, field(2, 2, field(2, 2, span)))


@pytest.mark.parametrize(
    "body",
    [
        field(1, 2, field(2, 2, b"") + field(1, 2, b"")),  # a resource behind its scopes
        field(1, 2, field(1, 2, b"") * 2),  # a resource in two parts
        field(7, 3) + field(7, 4),  # a group nobody knows
        field(7, 3),  # one without an end
        field(7, 2, b"\xff"),
        field(1, 0, b"\1"),
        b"\x00\x00",  # field number 0
        b"\x8a\x00\x00",  # a tag written too long
        b"\x0a\x80\x00",  # a length written too long
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        in_span(field(5, 2, b"other")),  # a name twice
        in_span(field(5, 2, b"\xff") + field(5, 2, b"ok")),
        in_span(field(6, 0, b"\xff" * 9 + b"\x01")),  # kind -1
        in_span(field(6, 0, b"\xff" * 9 + b"\x02")),  # more than 64 bits
        in_span(field(6, 0, b"\x82\x80\x80\x80\x10")),  # kind 2 after cutting to 32 bits
        in_span(field(15, 2, field(3, 0, b"\2")) + field(15, 2, b"")),  # a status in two parts
        in_span(field(15, 2, field(2, 2, b"\xed\xa0\x80"))),  # a surrogate in its message
        in_span(field(9, 2, field(1, 2, b"k") + field(2, 2, field(1, 2, b"v") * 2))),
        in_span(field(9, 2, field(2, 2, field(1, 2, b"v")) * 2)),
        in_span(field(9, 2, field(3, 0, b"\5"))),  # a key by its index
        in_span(field(9, 2, field(1, 2, b"k") + field(2, 2, field(8, 0, b"\5")))),
        in_span(field(9, 2, b"")),  # neither key nor value
        in_span(b"\x85\x01" + bytes(4)),
        in_span(b"\x85\x01" + bytes(3)),
    ],
)
def test_odd_wire_gets_the_same_verdict(body):
    agree(body)


@pytest.mark.parametrize("depth", [40, 93, 94, 95, 96, 97, 98, 120])
def test_the_depth_that_is_too_deep_is_the_same(depth):
    request = ExportTraceServiceRequest()
    span = (
        request.resource_spans.add()
        .scope_spans.add()
        .spans.add(trace_id=b"\1" * 16, span_id=b"\2" * 8)
    )
    value = span.attributes.add(key="deep").value
    for _ in range(depth // 2):
        value = value.array_value.values.add()
    agree(request.SerializeToString())


@pytest.mark.parametrize("key", ["error", semconv.SPAN_ROUTE, "response_flags", "http.status_code"])
@pytest.mark.parametrize(
    "value",
    [
        "",
        "true",
        True,
        False,
        0,
        1,
        503,
        -1,
        2**16,
        "\u0665\u0660\u0660",
        "00503",
        "UF,UO",
        "x" * 70_000,
    ],
)
def test_telling_attributes_of_any_kind_tell_the_same(key, value):
    agree(span_request({key: value, "http.response.status_code": "none", "z": "last"}))


def test_the_rules_of_errors_agree_for_every_flag_and_status():
    for flags in (*span_errors.FAILURE_FLAGS, "-", "DC", "DI,UO", "UFX", ",", "UF,", " UF"):
        for code in ("0", "200", "404", "500"):
            agree(span_request({"response_flags": flags, "http.status_code": code}))


def test_more_strings_and_segments_than_guessed_are_taken_on_another_try():
    request = ExportTraceServiceRequest()
    for index in range(400):
        scope = request.resource_spans.add().scope_spans.add()
        scope.scope.name = f"s{index}"
        scope.spans.add(trace_id=b"\1" * 16, span_id=b"\2" * 8, name=str(index))
    agree(request.SerializeToString())


@SLOW
@given(st.lists(requests(), min_size=1, max_size=4), st.randoms(use_true_random=False))
@example([ExportTraceServiceRequest()], random.Random(0))
def test_a_wreck_among_many_bodies_harms_none(scan, made, chance):
    bodies = [one.SerializeToString() for one in made]
    together = scan_bodies(scan, [*bodies, mutated(bodies[0], chance), *bodies])

    for place, body in enumerate(bodies):
        alone = scan_bodies(scan, [body])
        for again in (place, len(bodies) + 1 + place):
            assert together.is_unknown(again) == alone.is_unknown(0)
            assert together.tellings(again).bad_ids == alone.tellings(0).bad_ids
