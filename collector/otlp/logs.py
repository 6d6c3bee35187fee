"""ExportLogsServiceRequest -> a Batch of log records.

Never parses a body. A record without a time takes the observed one; ids that are not ids are left
out of the record, not the record out of the batch.
Spec: https://opentelemetry.io/docs/specs/otel/logs/data-model/
"""

from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from collector.otlp import attributes as attrs
from collector.otlp.batch import MAX_TIME_NS, Batch, BatchBuilder
from collector.otlp.errors import MalformedPayload, why
from collector.otlp.traces import id_numbers

_MAX_SEVERITY: Final = 24


def decode_logs(body: bytes) -> Batch:
    """Decode one request; raise MalformedPayload when it is none."""
    try:
        request = ExportLogsServiceRequest.FromString(body)
    except DecodeError as error:
        raise MalformedPayload(why(error)) from error
    builder = BatchBuilder()
    for resource_logs in request.resource_logs:
        resource = builder.resource(attrs.resource(resource_logs.resource))
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                _add(builder, resource, record)
    return builder.build(len(body))


def _add(builder: BatchBuilder, resource: int, record: Any) -> None:
    time_ns = record.time_unix_nano or record.observed_time_unix_nano
    if time_ns > MAX_TIME_NS:
        builder.reject("time after the year 2262")
        return
    severity = record.severity_number
    builder.logs.rows.append(
        (
            time_ns,
            resource,
            *(id_numbers(record.trace_id, record.span_id) or (None, None, None)),
            severity if 0 <= severity <= _MAX_SEVERITY else 0,
            attrs.text(attrs.any_value(record.body)),
            attrs.to_json(attrs.attributes(record.attributes)),
        )
    )
