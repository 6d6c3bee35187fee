"""Attributes and resources: OTLP AnyValue -> plain values -> JSON with sorted keys.

Sorted, because Envoy does not keep the order of its attributes, and JSON text is the identity of a
resource or series. Bytes become base64; NaN and infinities become null: JSON has no word for them.
Spec: https://opentelemetry.io/docs/specs/otel/common/#anyvalue
"""

import base64
from collections.abc import Iterable
from typing import Any, Final

import orjson

from collector import semconv
from collector.otlp.batch import Resource

UNKNOWN_SERVICE: Final = "unknown_service"


def any_value(value: Any) -> Any:
    """Return the plain value of an AnyValue message; None when it is empty."""
    kind = value.WhichOneof("value")
    match kind:
        case None:
            return None
        case "array_value":
            return [any_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return attributes(value.kvlist_value.values)
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode("ascii")
        case _:
            return getattr(value, kind)


def attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    """Return the plain values of KeyValue messages; of equal keys the last wins."""
    return {pair.key: any_value(pair.value) for pair in pairs}


def to_json(value: Any) -> str:
    """Return JSON with sorted keys."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode("utf-8")


def text(value: Any) -> str:
    """Return a value as text: strings as they are, None as '', the rest as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else to_json(value)


def resource(message: Any) -> Resource:
    """Return the resource of a Resource message."""
    values = attributes(message.attributes)
    return Resource(
        service=text(values.get(semconv.SERVICE_NAME)) or UNKNOWN_SERVICE,
        namespace=text(values.get(semconv.SERVICE_NAMESPACE)),
        version=text(values.get(semconv.SERVICE_VERSION)),
        instance=text(values.get(semconv.SERVICE_INSTANCE_ID)),
        attributes=to_json(values),
    )
