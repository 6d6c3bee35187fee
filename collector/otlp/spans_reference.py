"""The reference decoder: ExportTraceServiceRequest -> a Batch of spans, by opentelemetry-proto.

The naive twin of the compiled scanner: one Python object for each span, and the last word on what
is malformed and what an odd value means. Never samples, never joins spans. A span with a bad id or
time is left out and counted, its neighbours stay.
Spec: https://opentelemetry.io/docs/specs/otlp/
"""

from collections.abc import Iterable
from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector import semconv
from collector.otlp import attributes as attrs
from collector.otlp.batch import MAX_TIME_NS, Batch, BatchBuilder
from collector.otlp.errors import MalformedPayload, why
from collector.otlp.span_errors import STATUS_ERROR, http_status, is_span_error, response_flags

BAD_ID: Final = "invalid trace id or span id"
BAD_TIME: Final = "time after the year 2262"
BACKWARD: Final = "span that ends before it starts: its duration is 0"
_MAX_KIND: Final = 5


def decode_traces_by_reference(body: bytes) -> Batch:
    """Decode one request; raise MalformedPayload when it is none."""
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise MalformedPayload(why(error)) from error
    builder = BatchBuilder()
    for resource_spans in request.resource_spans:
        resource = builder.resource(attrs.resource(resource_spans.resource, builder.warn))
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                _add(builder, resource, span)
    return builder.build(len(body))


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
        builder.reject(BAD_ID)
        return
    start_ns, end_ns = span.start_time_unix_nano, span.end_time_unix_nano
    if max(start_ns, end_ns) > MAX_TIME_NS:
        builder.reject(BAD_TIME)
        return
    if end_ns < start_ns:
        builder.warn(BACKWARD)
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
            status if 0 <= status <= STATUS_ERROR else 0,
            http_status(values),
            is_span_error(values, status),
            builder.string(attrs.text(values.get(semconv.SPAN_ROUTE))),
            builder.string(response_flags(values)),
            span.trace_state,
            attrs.document(values, builder.warn),
            _documents(builder, map(_event, span.events)),
            _documents(builder, map(_link, span.links)),
        )
    )


def _documents(builder: BatchBuilder, items: Iterable[dict[str, Any]]) -> str | None:
    found = list(items)
    return attrs.document(found, builder.warn) if found else None


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
