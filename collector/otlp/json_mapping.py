"""OTLP/JSON -> protobuf bytes, led by the message descriptors.

protobuf's own JSON mapping differs from OTLP's (it takes ids as base64, knows snake_case and enum
names), so this is a mapper of its own. Unknown keys are ignored, null is unset, integers may be
text and are never rounded, enums are numbers, trace and span ids are hex, other bytes base64. Of
equal keys the last one counts.
Spec: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

import base64
import binascii
import functools
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from google.protobuf.descriptor import FieldDescriptor as Field

from collector.otlp.errors import MalformedPayload, why
from collector.otlp.json_direct import HEX_FIELDS, encode_directly

MAX_DEPTH: Final = 96
"""Messages within messages. protobuf itself stops at 100, so that what passes here is readable."""
_MAX_PLACE: Final = 200
"""Characters; the middle of a longer path is left out of the message."""
_NAMED_DOUBLES: Final[Mapping[str, float]] = {
    "NaN": math.nan,
    "Infinity": math.inf,
    "-Infinity": -math.inf,
}
_INTEGER: Final = re.compile(r"-?[0-9]{1,20}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,5})?")
_TO_STANDARD: Final = str.maketrans("-_", "+/")


def json_to_protobuf(message_type: Any, body: bytes) -> bytes:
    """Return the protobuf form of a JSON request; raise MalformedPayload."""
    encoded = encode_directly(message_type, body)
    return map_json(message_type, body) if encoded is None else encoded


def map_json(message_type: Any, body: bytes) -> bytes:
    """Do the same for whatever comes: the reference, and the last word on what is malformed."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedPayload(f"not JSON: {why(error)}") from error
    message = message_type()
    try:
        _fill(message, _plan(message_type.DESCRIPTOR), document, MAX_DEPTH)
    except _Mistake as mistake:
        raise MalformedPayload(str(mistake)) from mistake
    encoded: bytes = message.SerializeToString()
    return encoded


@dataclass(frozen=True, slots=True)
class _Member:
    """What to do with one key. ``scalar`` is None for a message."""

    name: str
    is_repeated: bool
    scalar: Callable[[Any], Any] | None
    message: Any


class _Mistake(Exception):
    """Something is wrong; on its way out it collects the place, innermost first."""

    def __init__(self, reason: str, *place: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = list(place)

    def __str__(self) -> str:
        place = "".join(reversed(self.place)).lstrip(".") or "the body"
        if len(place) > _MAX_PLACE:
            place = f"{place[: _MAX_PLACE // 2]}...{place[-_MAX_PLACE // 2 :]}"
        return f"{place}: {self.reason}"


@functools.cache
def _plan(descriptor: Any) -> Mapping[str, _Member]:
    return {field.json_name: _member(field) for field in descriptor.fields}


def _member(field: Any) -> _Member:
    if field.type == Field.TYPE_MESSAGE:
        return _Member(field.name, field.is_repeated, None, field.message_type)
    return _Member(field.name, field.is_repeated, _reader(field), None)


def _fill(message: Any, plan: Mapping[str, _Member], document: Any, depth: int) -> None:
    if not isinstance(document, dict):
        raise _Mistake(f"an object is expected, not {_kind(document)}")
    if depth == 0:
        raise _Mistake(f"nested deeper than {MAX_DEPTH}")
    for key, value in document.items():
        member = plan.get(key)
        if member is None or value is None:
            continue
        try:
            _set(message, member, value, depth)
        except _Mistake as mistake:
            mistake.place.append(f".{key}")
            raise
        except (ValueError, TypeError) as error:
            raise _Mistake(why(error), f".{key}") from error


def _set(message: Any, member: _Member, value: Any, depth: int) -> None:
    if member.is_repeated:
        _extend(getattr(message, member.name), member, value, depth)
    elif member.scalar is None:
        child = getattr(message, member.name)
        child.SetInParent()
        _fill(child, _plan(member.message), value, depth - 1)
    else:
        setattr(message, member.name, member.scalar(value))


def _extend(target: Any, member: _Member, values: Any, depth: int) -> None:
    if not isinstance(values, list):
        raise _Mistake(f"an array is expected, not {_kind(values)}")
    if member.scalar is not None:
        target.extend([member.scalar(value) for value in values])
        return
    plan = _plan(member.message)
    for index, value in enumerate(values):
        try:
            _fill(target.add(), plan, value, depth - 1)
        except _Mistake as mistake:
            mistake.place.append(f"[{index}]")
            raise


def _reader(field: Any) -> Callable[[Any], Any]:
    match field.type:
        case Field.TYPE_STRING:
            return _text
        case Field.TYPE_BOOL:
            return _boolean
        case Field.TYPE_BYTES:
            return _identity if field.name in HEX_FIELDS else _bytes
        case Field.TYPE_DOUBLE | Field.TYPE_FLOAT:
            return _double
        case Field.TYPE_ENUM:
            return _number_of_enum
        case _:
            return _integer


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a string is expected, not {_kind(value)}")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"true or false is expected, not {_kind(value)}")
    return value


def _identity(value: Any) -> bytes:
    return binascii.unhexlify(_text(value))


def _bytes(value: Any) -> bytes:
    """Read base64 in the standard or the URL alphabet, padded or not, as ProtoJSON allows."""
    plain = _text(value).translate(_TO_STANDARD).rstrip("=")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def _double(value: Any) -> float:
    if isinstance(value, str):
        if value in _NAMED_DOUBLES:
            return _NAMED_DOUBLES[value]
        if not _NUMBER.fullmatch(value):
            raise ValueError("a number, NaN, Infinity or -Infinity is expected")
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"a number is expected, not {_kind(value)}")
    return float(value)


def _integer(value: Any) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    return _number_of_enum(value)


def _number_of_enum(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"an integer is expected, not {value!r:.40}")
    return value


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "a string"
        case int() | float():
            return "a number"
        case list():
            return "an array"
        case _:
            return "an object"
