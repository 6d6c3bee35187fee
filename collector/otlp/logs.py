"""ExportLogsServiceRequest -> a Batch of log records.

Never parses a body: text stays text, any other AnyValue becomes JSON; ``body_type`` tells which.
A record without a time takes the observed one; one without either has time 0, and is given that of
its arrival by the recorder. Ids that are not ids are left out of the record, not the record out of
the batch.
Spec: https://opentelemetry.io/docs/specs/otel/logs/data-model/
"""

from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from collector.otlp import attributes as attrs
from collector.otlp.batch import MAX_TIME_NS, Batch, BatchBuilder, Scope
from collector.otlp.errors import MalformedPayload, why
from collector.otlp.traces import id_numbers

NO_BODY: Final = 0
TEXT_BODY: Final = 1
JSON_BODY: Final = 2
_MAX_SEVERITY: Final = 24


def decode_logs(body: bytes) -> Batch:
    """Decode one request; raise MalformedPayload when it is none."""
    try:
        request = ExportLogsServiceRequest.FromString(body)
    except DecodeError as error:
        raise MalformedPayload(why(error)) from error
    builder = BatchBuilder()
    for resource_logs in request.resource_logs:
        resource = builder.resource(attrs.resource(resource_logs.resource, builder.warn))
        for scope_logs in resource_logs.scope_logs:
            if scope_logs.log_records:
                scope = builder.scope(_scope(scope_logs.scope, builder.warn))
                for record in scope_logs.log_records:
                    _add(builder, resource, scope, record)
    return builder.build(len(body))


def _scope(scope: Any, warn: attrs.Warn) -> Scope:
    return Scope(
        name=scope.name,
        version=scope.version,
        attributes=attrs.document(attrs.attributes(scope.attributes), warn),
    )


def _add(builder: BatchBuilder, resource: int, scope: int, record: Any) -> None:
    observed_ns = record.observed_time_unix_nano
    time_ns = record.time_unix_nano or observed_ns
    if max(time_ns, observed_ns) > MAX_TIME_NS:
        builder.reject("time after the year 2262")
        return
    severity = record.severity_number
    builder.logs.rows.append(
        (
            time_ns,
            observed_ns,
            resource,
            scope,
            *(id_numbers(record.trace_id, record.span_id) or _trace(record.trace_id)),
            record.flags,
            severity if 0 <= severity <= _MAX_SEVERITY else 0,
            record.severity_text[: attrs.MAX_KEY],
            record.event_name[: attrs.MAX_KEY],
            *_body(record.body, builder.warn),
            attrs.document(attrs.attributes(record.attributes), builder.warn),
            record.dropped_attributes_count,
        )
    )


def _trace(trace_id: bytes) -> tuple[int | None, int | None, None]:
    """Return a record's trace when it names no span: that is allowed."""
    ids = id_numbers(trace_id, b"\x01" * 8)
    return (None, None, None) if ids is None else (ids[0], ids[1], None)


def _body(value: Any, warn: attrs.Warn) -> tuple[int, str]:
    plain, cuts = attrs.clip(attrs.any_value(value))
    if cuts:
        warn(attrs.TRUNCATED, cuts)
    if plain is None:
        return NO_BODY, ""
    if isinstance(plain, str) and value.WhichOneof("value") == "string_value":
        return TEXT_BODY, plain
    return JSON_BODY, attrs.to_json(plain)
