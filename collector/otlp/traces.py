"""ExportTraceServiceRequest -> a Batch of spans.

Never samples, never joins spans. A span with a bad id or time is left out and counted, its
neighbours stay. Whether a span failed is told by HTTP status and Envoy's response flags before the
OTLP status, which Envoy leaves unset on timeouts and sets on a client's 4xx.
Spec: https://opentelemetry.io/docs/specs/otlp/ and .../semconv/http/http-spans/#status
"""

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector import semconv
from collector.otlp import attributes as attrs
from collector.otlp.batch import MAX_TIME_NS, Batch, BatchBuilder
from collector.otlp.errors import MalformedPayload, why

FAILURE_FLAGS: Final = frozenset(
    {"DF", "DO", "DT", "LH", "LR", "NC", "NFCF", "OM", "SI"}
    | {"UC", "UF", "UH", "UMSDR", "UO", "UPE", "UR", "URX", "UT"}
)
"""Envoy response flags of requests that got no proper answer from upstream.
https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/observability/access_log/usage"""

_STATUS_ERROR: Final = 2
_STATUS_KEYS: Final = ("http.response.status_code", "http.status_code")
_FLAG_KEYS: Final = ("response_flags", "envoy.response_flags")
_MAX_KIND: Final = 5


def decode_traces(body: bytes) -> Batch:
    """Decode one request; raise MalformedPayload when it is none."""
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise MalformedPayload(why(error)) from error
    builder = BatchBuilder()
    for resource_spans in request.resource_spans:
        resource = builder.resource(attrs.resource(resource_spans.resource))
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                _add(builder, resource, span)
    return builder.build(len(body))


def is_span_error(values: Mapping[str, Any], status: int) -> bool:
    """Tell whether a span's request failed, from its attributes and OTLP status.

    5xx, no response (0) with flags, a failure flag, ``error=true``, or status ERROR unless the HTTP
    status is a 4xx: that is the caller's mistake, and the SLI counters do not call it an error.
    """
    code, flags = http_status(values), response_flags(values)
    if code is not None and (code >= 500 or (code == 0 and flags != "-")):
        return True
    if not FAILURE_FLAGS.isdisjoint(flags.split(",")):
        return True
    if values.get("error") in (True, "true"):
        return True
    return status == _STATUS_ERROR and not (code is not None and 400 <= code < 500)


def http_status(values: Mapping[str, Any]) -> int | None:
    """Return the HTTP status by its new or old name, number or text; None without a proper one."""
    for key in _STATUS_KEYS:
        value = values.get(key)
        if isinstance(value, str) and value.isdecimal() and len(value) <= 5:
            value = int(value)
        if isinstance(value, int) and 0 <= value < 2**16:
            return int(value)
    return None


def response_flags(values: Mapping[str, Any]) -> str:
    """Return Envoy's response flags, '-' for none."""
    return next((str(values[key]) for key in _FLAG_KEYS if values.get(key)), "-")


def id_numbers(trace_id: bytes, span_id: bytes) -> tuple[int, int, int] | None:
    """Return (trace_hi, trace_lo, span_id), or None when a length is wrong or an id is zero."""
    if len(trace_id) != 16 or len(span_id) != 8 or not any(trace_id) or not any(span_id):
        return None
    return (
        int.from_bytes(trace_id[:8], "big"),
        int.from_bytes(trace_id[8:], "big"),
        int.from_bytes(span_id, "big"),
    )


def _add(builder: BatchBuilder, resource: int, span: Any) -> None:
    ids = id_numbers(span.trace_id, span.span_id)
    if ids is None:
        builder.reject("invalid trace id or span id")
        return
    start_ns, end_ns = span.start_time_unix_nano, span.end_time_unix_nano
    if max(start_ns, end_ns) > MAX_TIME_NS:
        builder.reject("time after the year 2262")
        return
    values = attrs.attributes(span.attributes)
    status = span.status.code
    builder.spans.rows.append(
        (
            *ids,
            int.from_bytes(span.parent_span_id, "big") or None
            if len(span.parent_span_id) == 8
            else None,
            resource,
            builder.string(span.name),
            span.kind if 0 <= span.kind <= _MAX_KIND else 0,
            start_ns,
            max(end_ns - start_ns, 0),
            status if 0 <= status <= _STATUS_ERROR else 0,
            http_status(values),
            is_span_error(values, status),
            builder.string(attrs.text(values.get(semconv.SPAN_ROUTE))),
            builder.string(response_flags(values)),
            span.trace_state,
            attrs.to_json(values),
            attrs.to_json([_event(event) for event in span.events]) if span.events else None,
            attrs.to_json([_link(link) for link in span.links]) if span.links else None,
        )
    )


def _event(event: Any) -> dict[str, Any]:
    return {
        "time_ns": event.time_unix_nano,
        "name": event.name,
        "attributes": attrs.attributes(event.attributes),
    }


def _link(link: Any) -> dict[str, Any]:
    return {
        "trace_id": link.trace_id.hex(),
        "span_id": link.span_id.hex(),
        "trace_state": link.trace_state,
        "attributes": attrs.attributes(link.attributes),
    }
