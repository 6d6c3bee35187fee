"""OTLP/JSON -> protobuf bytes, led by the message descriptors.

protobuf's own JSON mapping differs from OTLP's (it takes ids as base64, knows snake_case and enum
names), so this is a mapper of its own. Unknown keys are ignored, null is unset, 64-bit numbers may
be strings, enums are numbers, trace and span ids are hex, other bytes base64.
Spec: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

import base64
import binascii
import math
from collections.abc import Mapping
from typing import Any, Final

import orjson
from google.protobuf.descriptor import FieldDescriptor as Field

from collector.otlp.errors import MalformedPayload, why

MAX_DEPTH: Final = 64
_HEX_FIELDS: Final = frozenset({"trace_id", "span_id", "parent_span_id"})
_NAMED_DOUBLES: Final[Mapping[str, float]] = {
    "NaN": math.nan,
    "Infinity": math.inf,
    "-Infinity": -math.inf,
}
_LONG: Final = frozenset(
    {Field.TYPE_INT64, Field.TYPE_UINT64, Field.TYPE_FIXED64, Field.TYPE_SFIXED64}
)


def json_to_protobuf(message_type: Any, body: bytes) -> bytes:
    """Return the protobuf form of a JSON request; raise MalformedPayload."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedPayload(f"not JSON: {why(error)}") from error
    message = message_type()
    _fill(message, document, "", MAX_DEPTH)
    encoded: bytes = message.SerializeToString()
    return encoded


def _fill(message: Any, document: Any, path: str, depth: int) -> None:
    if not isinstance(document, dict):
        raise MalformedPayload(f"{path or 'the body'} must be an object")
    if depth == 0:
        raise MalformedPayload(f"{path} is nested deeper than {MAX_DEPTH}")
    for field in message.DESCRIPTOR.fields:
        value = document.get(field.json_name)
        if value is not None:
            _set(message, field, value, f"{path}.{field.json_name}".lstrip("."), depth)


def _set(message: Any, field: Any, value: Any, path: str, depth: int) -> None:
    if field.is_repeated:
        if not isinstance(value, list):
            raise MalformedPayload(f"{path} must be an array")
        target = getattr(message, field.name)
        for index, item in enumerate(value):
            if field.type == Field.TYPE_MESSAGE:
                _fill(target.add(), item, f"{path}[{index}]", depth - 1)
            else:
                _assign(target.append, field, item, f"{path}[{index}]")
    elif field.type == Field.TYPE_MESSAGE:
        child = getattr(message, field.name)
        child.SetInParent()
        _fill(child, value, path, depth - 1)
    else:
        _assign(lambda scalar: setattr(message, field.name, scalar), field, value, path)


def _assign(put: Any, field: Any, value: Any, path: str) -> None:
    try:
        put(_scalar(field, value))
    except (ValueError, TypeError, binascii.Error) as error:
        raise MalformedPayload(f"{path}: {why(error)}") from error


def _scalar(field: Any, value: Any) -> Any:
    match field.type:
        case Field.TYPE_STRING:
            return _expect(str, value)
        case Field.TYPE_BOOL:
            return _expect(bool, value)
        case Field.TYPE_BYTES if field.name in _HEX_FIELDS:
            return binascii.unhexlify(_expect(str, value))
        case Field.TYPE_BYTES:
            return base64.b64decode(_expect(str, value), validate=True)
        case Field.TYPE_DOUBLE | Field.TYPE_FLOAT:
            return _double(value)
        case kind:
            return _integer(value, is_long=kind in _LONG)


def _double(value: Any) -> float:
    if isinstance(value, str):
        return _NAMED_DOUBLES[value] if value in _NAMED_DOUBLES else float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"a number is expected, not {type(value).__name__}")
    return float(value)


def _integer(value: Any, *, is_long: bool) -> int:
    if is_long and isinstance(value, str):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"an integer is expected, not {value!r:.40}")
    return value


def _expect(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{kind.__name__} is expected, not {type(value).__name__}")
    return value
