"""Span requests of every kind, and wrecks of them."""

from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from collector import semconv

TEXT = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["", "-", 'q"uo\\te', "\0\b\t\n\f\r\x1f\x7f", "12345678", "é" * 9, "\U0001f642"]
    ),
)
KEYS = st.one_of(
    TEXT,
    st.sampled_from(
        [
            *("error", "response_flags", "envoy.response_flags", "http.status_code", "http.url"),
            *("http.response.status_code", "http.method", semconv.SPAN_ROUTE, semconv.SERVICE_NAME),
        ]
    ),
)
TELLING = st.sampled_from(["true", "false", "UF", "UO,UF", "DC", "200", "503", "70000", "0", "404"])
WHOLE = st.integers(-(2**63), 2**63 - 1)
SCALARS = st.one_of(
    st.just(AnyValue()),
    TELLING.map(lambda value: AnyValue(string_value=value)),
    TEXT.map(lambda value: AnyValue(string_value=value)),
    st.booleans().map(lambda value: AnyValue(bool_value=value)),
    st.one_of(WHOLE, st.integers(-1, 600)).map(lambda value: AnyValue(int_value=value)),
)
ODD = st.one_of(
    st.floats().map(lambda value: AnyValue(double_value=value)),
    st.binary(max_size=9).map(lambda value: AnyValue(bytes_value=value)),
    st.lists(SCALARS, max_size=3).map(lambda v: AnyValue(array_value=ArrayValue(values=v))),
    st.lists(st.tuples(KEYS, SCALARS), max_size=3).map(
        lambda pairs: AnyValue(
            kvlist_value=KeyValueList(values=[KeyValue(key=k, value=v) for k, v in pairs])
        )
    ),
)


def pairs(values, size=8):
    made = st.builds(KeyValue, key=KEYS, value=values)
    return st.lists(st.one_of(made, KEYS.map(lambda key: KeyValue(key=key))), max_size=size)


def ids(size):
    good = st.binary(min_size=size, max_size=size)
    return st.one_of(good, good, good, st.binary(max_size=size + 1), st.just(bytes(size)))


TIMES = st.one_of(st.integers(0, 2**64 - 1), st.integers(10**18, 2 * 10**18), st.just(0))
EVENTS = st.builds(Span.Event, time_unix_nano=TIMES, name=TEXT, attributes=pairs(ODD, 2))
LINKS = st.builds(Span.Link, trace_id=ids(16), span_id=ids(8), attributes=pairs(SCALARS, 2))


def spans(values, **more):
    return st.builds(
        Span,
        trace_id=ids(16),
        span_id=ids(8),
        parent_span_id=st.one_of(st.just(b""), ids(8)),
        trace_state=TEXT,
        name=TEXT,
        kind=st.integers(-2, 7),
        start_time_unix_nano=TIMES,
        end_time_unix_nano=TIMES,
        attributes=pairs(values),
        flags=st.integers(0, 2**32 - 1),
        status=st.builds(Status, code=st.integers(-1, 4), message=TEXT),
        **more,
    )


def requests():
    """Return requests with plain spans, odd spans, several resources and scopes."""
    odd = spans(
        st.one_of(SCALARS, ODD),
        events=st.lists(EVENTS, max_size=2),
        links=st.lists(LINKS, max_size=2),
    )
    scopes = st.builds(
        ScopeSpans,
        scope=st.builds(InstrumentationScope, name=TEXT, attributes=pairs(SCALARS, 1)),
        spans=st.lists(st.one_of(spans(SCALARS), spans(SCALARS), odd), max_size=4),
        schema_url=TEXT,
    )
    resources = st.builds(
        ResourceSpans,
        resource=st.builds(Resource, attributes=pairs(st.one_of(SCALARS, ODD), 3)),
        scope_spans=st.lists(scopes, max_size=2),
        schema_url=TEXT,
    )
    return st.lists(resources, max_size=2).map(
        lambda found: ExportTraceServiceRequest(resource_spans=found)
    )


def mutated(body, chance):
    """Return a body cut, with bytes changed, put in, or taken out."""
    wreck = bytearray(body) or bytearray(b"\0")
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(wreck))
        match chance.randrange(5):
            case 0:
                del wreck[at:]
            case 1:
                wreck[at] = chance.randrange(256)
            case 2:
                wreck.insert(at, chance.randrange(256))
            case 3:
                wreck[at] ^= 1 << chance.randrange(8)
            case _:
                del wreck[at]
        if not wreck:
            break
    return bytes(wreck)
