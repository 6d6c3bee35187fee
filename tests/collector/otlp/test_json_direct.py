"""The straight way through JSON agrees with the mapper byte by byte, or is silent."""

import json
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector.otlp.errors import MalformedPayload
from collector.otlp.json_direct import encode_directly
from collector.otlp.json_mapping import json_to_protobuf, map_json
from collector.receiver.export import SIGNALS
from tests.collector.exports import envoy
from tests.collector.otlp.test_json_mapping import LOGS, METRICS, TRACES, as_otlp_json

FIXTURES = [
    (TRACES, envoy("A-16-canary-20pct__traces")),
    (TRACES, envoy("A-05-timeout__traces")),
    (METRICS, envoy("A-16-canary-20pct__metrics__fe")),
    (METRICS, envoy("A-00")),
    (LOGS, envoy("A-05-timeout__logs")),
]
CASES = [(kind, as_otlp_json(kind, body).encode()) for kind, body in FIXTURES]


def by_mapper(kind, body):
    """Return what the mapper says; None when it is malformed."""
    try:
        return map_json(kind, body)
    except MalformedPayload:
        return None


@pytest.mark.parametrize(("kind", "body"), FIXTURES)
def test_a_request_of_envoy_goes_straight_and_is_the_body_it_sent(kind, body):
    text = as_otlp_json(kind, body).encode()

    assert encode_directly(kind, text) == kind.FromString(body).SerializeToString()


@settings(max_examples=300, deadline=None)
@given(case=st.sampled_from(CASES), seed=st.integers(0, 2**32))
def test_on_any_mutated_body_it_agrees_or_is_silent(case, seed):
    kind, body = case
    chance = random.Random(seed)
    start = chance.randrange(max(len(body) - 4000, 1))
    mutated = bytearray(body if chance.random() < 0.3 else body[:4000] + body[start + 4000 :])
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(mutated))
        mutated[at : at + chance.randrange(3)] = chance.choice(PIECES)
    found = encode_directly(kind, bytes(mutated))

    assert found is None or found == by_mapper(kind, bytes(mutated))


PIECES = [b'"', b"{", b"}", b"[", b"]", b",", b":", b"null", b"1", b"-1", b"2.0", b"1e3", b"1e999",
          b'"1"', b'"-0"', b"\xff", b"\\ud800", b"\\u0000", b"\x00", b"true", b"", b" ", b"{}",
          b'"x":1,', b'"name":null,', b"\xe2\x82\xac"]  # fmt: skip

names = st.sampled_from(
    ["traceId", "spanId", "name", "kind", "flags", "startTimeUnixNano", "endTimeUnixNano",
     "attributes", "status", "events", "links", "droppedAttributesCount", "traceState", "colour",
     "trace_id"]
)  # fmt: skip
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**65), 2**65),
    st.sampled_from([0, 1, -1, 2**31, 2**32 - 1, 2**63, 2**64 - 1]),
    st.floats(),
    st.sampled_from(["", "0", "-1", "+1", "01", "1_0", "1.0", "NaN", "Infinity", "ab", "AB" * 16,
                     "²", "-", "==", "AQI", "AQI=", "\x00", "é", "x" * 130, "\ud800"]),
    st.text(max_size=6),
)  # fmt: skip
any_values = st.recursive(
    st.one_of(
        st.builds(lambda kind, value: {kind: value},
                  st.sampled_from(["stringValue", "intValue", "doubleValue", "boolValue",
                                   "bytesValue", "arrayValue", "kvlistValue", "oddValue"]),
                  scalars),
        st.just({}),
        st.just({"stringValue": "a", "intValue": 1}),
        scalars,
    ),
    lambda inner: st.one_of(
        st.builds(lambda values: {"arrayValue": {"values": values}}, st.lists(inner, max_size=3)),
        st.builds(
            lambda values: {"kvlistValue": {"values": [{"key": "k", "value": v} for v in values]}},
            st.lists(inner, max_size=3),
        ),
    ),
    max_leaves=6,
)  # fmt: skip
attributes = st.lists(
    st.one_of(
        st.builds(lambda key, value: {"key": key, "value": value},
                  st.sampled_from(["", "k", "k" * 140, None]), any_values),
        scalars,
    ),
    max_size=4,
)  # fmt: skip
spans = st.dictionaries(names, scalars, max_size=8)


@settings(max_examples=400, deadline=None)
@given(span=spans, values=st.one_of(attributes, scalars))
@example(span={"kind": 2.0}, values=[])
@example(span={}, values=[{"key": "a", "value": {"doubleValue": -0.0}}])
@example(span={}, values=[{"key": "a", "value": {"doubleValue": 10**400}}])
def test_on_any_span_it_agrees_or_is_silent(span, values):
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [span | {"attributes": values}]}]}]}
    body = json.dumps(document).encode()
    found = encode_directly(TRACES, body)

    assert found is None or found == by_mapper(TRACES, body)


@pytest.mark.parametrize("name", list(SIGNALS))
def test_it_does_nested_values_and_leaves_bottomless_ones(name):
    kind = SIGNALS[name].request_type
    field = (
        f"resource{name.removesuffix('s').capitalize()}s" if name != "traces" else "resourceSpans"
    )
    for depth, is_taken in ((5, True), (60, False)):
        value = {"stringValue": "x"}
        for _ in range(depth):
            value = {"arrayValue": {"values": [value]}}
        resource = {"attributes": [{"key": "a", "value": value}]}
        body = json.dumps({field: [{"resource": resource}]}).encode()
        found = encode_directly(kind, body)

        assert (found is not None) == is_taken
        assert found is None or found == by_mapper(kind, body)


@pytest.mark.parametrize("text", ['{"a":"\\ud800"}', '{"a":1,}', '{"resourceSpans":{}}'])
def test_what_it_leaves_is_judged_by_the_mapper(text):
    assert encode_directly(TRACES, text.encode()) is None
    with pytest.raises(MalformedPayload):
        json_to_protobuf(TRACES, text.encode())
