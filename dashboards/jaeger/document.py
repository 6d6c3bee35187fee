"""A trace as Jaeger's query API words it: processes, tags with types, references, logs, warnings.

Times are whole microseconds. Never asks the store.
Format: https://www.jaegertracing.io/docs/latest/apis/ ; OTLP's fields as tags:
https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/jaeger/
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from collector.sampling import UNSAMPLED
from collector.store.span_conditions import KINDS, SERVICE_KEY, STATUSES
from collector.traces.analysis import Analysis

Json = dict[str, Any]

_US_NS: Final = 1000


def answer(data: Any, total: int = 0, errors: Sequence[Json] | None = None) -> Json:
    """Return the envelope of every answer."""
    return {"data": data, "total": total, "limit": 0, "offset": 0, "errors": errors}


def failure(status: int, message: str, trace_id: str | None = None) -> Json:
    """Return what stands in ``errors``."""
    error: Json = {"code": status, "msg": message}
    return error if trace_id is None else error | {"traceID": trace_id}


def document(seen: Analysis) -> Json:
    """Return one trace."""
    trace = seen.trace
    copies = f"{trace.copies} spans came more than once; each is shown once"
    return {
        "traceID": trace.trace_id,
        "spans": [_span(seen, position) for position in range(len(trace))],
        "processes": {
            f"p{number}": {
                "serviceName": resource.service,
                "tags": _tags(resource.attributes, without=SERVICE_KEY),
            }
            for number, resource in enumerate(trace.resources, 1)
        },
        "warnings": [copies] if trace.copies else None,
    }


def _span(seen: Analysis, position: int) -> Json:
    trace = seen.trace
    attributes = trace.attributes(position)
    return {
        "traceID": trace.trace_id,
        "spanID": f"{trace['span_id'][position]:016x}",
        "operationName": trace["name"][position] or "",
        "references": _references(seen, position),
        "startTime": seen.start_ns[position] // _US_NS,
        "duration": trace["duration_ns"][position] // _US_NS,
        "tags": [*_tags(attributes), *_told(seen, position, attributes)],
        "logs": [_log(event) for event in _list(trace["events"][position])],
        "processID": f"p{trace.resource[position] + 1}",
        "warnings": list(seen.warnings.get(position, ())) or None,
    }


def _references(seen: Analysis, position: int) -> list[Json]:
    trace = seen.trace
    parent_id = trace["parent_id"][position]
    found = [] if parent_id is None else [("CHILD_OF", trace.trace_id, f"{parent_id:016x}")]
    found += [
        ("FOLLOWS_FROM", str(link.get("trace_id")), str(link.get("span_id")))
        for link in _list(trace["links"][position])
    ]
    return [
        {"refType": kind, "traceID": trace_id, "spanID": span_id}
        for kind, trace_id, span_id in found
    ]


def _told(seen: Analysis, position: int, attributes: Mapping[str, Any]) -> list[Json]:
    """Return tags for what is no attribute in OTLP."""
    trace = seen.trace
    kind, status = trace["kind"][position], trace["status"][position]
    found: Json = {}
    if kind:
        found["span.kind"] = KINDS[kind]
    if status:
        found["otel.status_code"] = STATUSES[status].upper()
    if trace["is_error"][position]:
        found["error"] = True
    if trace["trace_state"][position]:
        found["w3c.tracestate"] = trace["trace_state"][position]
    if trace["keep_reason"][position] not in {None, UNSAMPLED}:
        found["meshscope.keep_reason"] = trace["keep_reason"][position]
        found["meshscope.keep_ratio"] = trace["keep_ratio"][position]
    return _tags({key: value for key, value in found.items() if key not in attributes})


def _log(event: Json) -> Json:
    fields: Json = {"event": event.get("name", "")} | (event.get("attributes") or {})
    return {"timestamp": int(event.get("time_ns", 0)) // _US_NS, "fields": _tags(fields)}


def _tags(values: Mapping[str, Any], *, without: str | None = None) -> list[Json]:
    return [_tag(key, value) for key, value in values.items() if key != without]


def _tag(key: str, value: Any) -> Json:
    match value:
        case bool():
            return {"key": key, "type": "bool", "value": value}
        case int():
            return {"key": key, "type": "int64", "value": value}
        case float():
            return {"key": key, "type": "float64", "value": value}
        case str():
            return {"key": key, "type": "string", "value": value}
        case _:
            return {"key": key, "type": "string", "value": orjson.dumps(value).decode()}


def _list(text: str | None) -> list[Json]:
    return orjson.loads(text) if text else []
