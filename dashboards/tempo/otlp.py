"""A trace as OTLP, in protobuf and in the JSON that Tempo gives: ids in base64, enums by name.

Spans are grouped by resource; of their instrumentation scopes the store knows nothing. Never asks
the store. Format: https://github.com/open-telemetry/opentelemetry-proto
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, Status, TracesData

from collector.sampling import UNSAMPLED
from collector.store.span_conditions import KINDS, STATUSES
from collector.traces.trace import Trace

Json = dict[str, Any]

_INT64: Final = range(-(2**63), 2**63)


def protobuf(trace: Trace) -> bytes:
    """Return TracesData, which Tempo's Trace is on the wire."""
    groups = [ResourceSpans() for _ in trace.resources]
    for group, resource in zip(groups, trace.resources, strict=True):
        group.resource.attributes.extend(_pairs(resource.attributes))
        group.scope_spans.add()
    for position, number in enumerate(trace.resource):
        groups[number].scope_spans[0].spans.append(_span(trace, position))
    return bytes(TracesData(resource_spans=groups).SerializeToString())


def response(trace: bytes) -> bytes:
    """Return Tempo's TraceByIDResponse: its first field is the trace."""
    length, prefix = len(trace), bytearray(b"\x0a")
    while length >= 128:
        prefix.append(length & 127 | 128)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + trace


def resource_spans(trace: Trace) -> list[Json]:
    """Return the trace as JSON."""
    groups: list[list[Json]] = [[] for _ in trace.resources]
    for position, number in enumerate(trace.resource):
        groups[number].append(_json_span(trace, position))
    return [
        {
            "resource": {"attributes": json_pairs(resource.attributes)},
            "scopeSpans": [{"scope": {}, "spans": spans}],
        }
        for resource, spans in zip(trace.resources, groups, strict=True)
    ]


def json_value(value: Any) -> Json:
    """Return an AnyValue as JSON: whole numbers are text, as protobuf's JSON has them."""
    match value:
        case bool():
            return {"boolValue": value}
        case int() if value in _INT64:
            return {"intValue": str(value)}
        case int() | float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case list():
            return {"arrayValue": {"values": [json_value(item) for item in value]}}
        case dict():
            return {"kvlistValue": {"values": json_pairs(value)}}
        case _:
            return {}


def json_pairs(values: Mapping[str, Any]) -> list[Json]:
    """Return attributes as JSON."""
    return [
        {"key": key, "value": {"stringValue": value} if type(value) is str else json_value(value)}
        for key, value in values.items()
    ]


def _span(trace: Trace, position: int) -> Span:
    start_ns = trace["start_ns"][position]
    parent_id = trace["parent_id"][position]
    return Span(
        trace_id=bytes.fromhex(trace.trace_id),
        span_id=_id(trace["span_id"][position]),
        parent_span_id=b"" if parent_id is None else _id(parent_id),
        name=trace["name"][position] or "",
        kind=trace["kind"][position],
        start_time_unix_nano=start_ns,
        end_time_unix_nano=start_ns + trace["duration_ns"][position],
        trace_state=trace["trace_state"][position],
        status=Status(code=trace["status"][position]),
        attributes=_pairs(_attributes(trace, position)),
        events=[
            Span.Event(
                time_unix_nano=event["time_ns"],
                name=event["name"],
                attributes=_pairs(event["attributes"]),
            )
            for event in _list(trace["events"][position])
        ],
        links=[
            Span.Link(
                trace_id=bytes.fromhex(link["trace_id"]),
                span_id=bytes.fromhex(link["span_id"]),
                trace_state=link["trace_state"],
                attributes=_pairs(link["attributes"]),
            )
            for link in _list(trace["links"][position])
        ],
    )


def _json_span(trace: Trace, position: int) -> Json:
    start_ns = trace["start_ns"][position]
    parent_id, status = trace["parent_id"][position], trace["status"][position]
    span: Json = {
        "traceId": _base64(bytes.fromhex(trace.trace_id)),
        "spanId": _base64(_id(trace["span_id"][position])),
        "name": trace["name"][position] or "",
        "kind": f"SPAN_KIND_{KINDS[trace['kind'][position]].upper()}",
        "startTimeUnixNano": str(start_ns),
        "endTimeUnixNano": str(start_ns + trace["duration_ns"][position]),
        "attributes": json_pairs(_attributes(trace, position)),
        "status": {"code": f"STATUS_CODE_{STATUSES[status].upper()}"} if status else {},
    }
    if parent_id is not None:
        span["parentSpanId"] = _base64(_id(parent_id))
    if trace["trace_state"][position]:
        span["traceState"] = trace["trace_state"][position]
    if events := _list(trace["events"][position]):
        span["events"] = [
            {
                "timeUnixNano": str(event["time_ns"]),
                "name": event["name"],
                "attributes": json_pairs(event["attributes"]),
            }
            for event in events
        ]
    if links := _list(trace["links"][position]):
        span["links"] = [
            {
                "traceId": _base64(bytes.fromhex(link["trace_id"])),
                "spanId": _base64(bytes.fromhex(link["span_id"])),
                "attributes": json_pairs(link["attributes"]),
            }
            for link in links
        ]
    return span


def _attributes(trace: Trace, position: int) -> Mapping[str, Any]:
    """Return the span's attributes, and why sampling kept its trace."""
    attributes, reason = trace.attributes(position), trace["keep_reason"][position]
    if reason in {None, UNSAMPLED}:
        return attributes
    return {**attributes, "meshscope.keep_reason": reason}


def _pairs(values: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in values.items()]


def _value(value: Any) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int() if value in _INT64:
            return AnyValue(int_value=value)
        case int() | float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=value)
        case list():
            found = AnyValue()
            found.array_value.values.extend(map(_value, value))
            return found
        case dict():
            found = AnyValue()
            found.kvlist_value.values.extend(_pairs(value))
            return found
        case _:
            return AnyValue()


def _id(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _list(text: str | None) -> Sequence[Json]:
    return orjson.loads(text) if text else []
