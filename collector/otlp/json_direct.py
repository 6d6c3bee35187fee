"""OTLP/JSON -> protobuf bytes by the straight way: typed structs in, bytes out, no messages.

Does what it is sure of and returns None otherwise: unknown keys, two values of a oneof, numbers out
of range, anything malformed. Then ``json_mapping`` decides, which is slower by far and has the last
word. What comes out is byte by byte what it would return. Structs and encoders are made from the
message descriptors, so that a field of a newer opentelemetry-proto needs nothing here.
Spec: https://protobuf.dev/programming-guides/encoding/
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from google.protobuf.descriptor import FieldDescriptor as Field

from collector.otlp.json_scalars import (
    MAX_UINT64,
    SCALARS,
    SHORT,
    ZEROS,
    Encoder,
    Unsure,
    base64_bytes,
    delimited,
    double,
    identity,
    integer,
    text,
    varint,
    whole,
)

HEX_FIELDS: Final = frozenset({"trace_id", "span_id", "parent_span_id"})
_MAX_VALUES: Final = 16
"""Values within values; more is left to the mapper, which counts them."""
_MAX_KEYS: Final = 4096
_KEY_VALUE: Final = "opentelemetry.proto.common.v1.KeyValue"


class _AnyValue(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    stringValue: str | None = None  # noqa: N815 - names of OTLP/JSON
    boolValue: bool | None = None  # noqa: N815
    intValue: int | float | str | None = None  # noqa: N815
    doubleValue: int | float | str | None = None  # noqa: N815
    arrayValue: "_ArrayValue | None" = None  # noqa: N815
    kvlistValue: "_KeyValueList | None" = None  # noqa: N815
    bytesValue: str | None = None  # noqa: N815


class _KeyValue(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    key: str | None = None
    value: _AnyValue | None = None


class _ArrayValue(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    values: list[_AnyValue] | None = None


class _KeyValueList(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    values: list[_KeyValue] | None = None


def encode_directly(message_type: Any, body: bytes) -> bytes | None:
    """Return the protobuf form of a JSON request; None when the mapper has to see it."""
    decoder, encode = _request(message_type.DESCRIPTOR)
    try:
        if not body.isascii():
            body.decode()  # a struct decoder does not look into what it skips
        return encode(decoder.decode(body))
    except (Unsure, msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
        return None


@functools.cache
def _request(descriptor: Any) -> tuple[Any, Encoder]:
    return msgspec.json.Decoder(_struct(descriptor)), _content(descriptor)


@functools.cache
def _struct(descriptor: Any) -> Any:
    known = {"AnyValue": _AnyValue, "KeyValue": _KeyValue}
    if descriptor.name in known:
        return known[descriptor.name]
    fields = [(field.json_name, _type(field) | None, None) for field in descriptor.fields]
    return msgspec.defstruct(descriptor.name, fields, forbid_unknown_fields=True, gc=False)


def _type(field: Any) -> Any:
    one: Any
    match field.type:
        case Field.TYPE_MESSAGE:
            one = _struct(field.message_type)
        case Field.TYPE_STRING | Field.TYPE_BYTES:
            one = str
        case Field.TYPE_BOOL:
            one = bool
        case _:
            one = int | float | str
    return list[one] if field.is_repeated else one


@functools.cache
def _content(descriptor: Any) -> Encoder:
    """Return what encodes a message without its tag, fields in the order of their numbers."""
    if descriptor.name == "AnyValue":
        return _any_value
    fields = sorted(descriptor.fields, key=lambda field: field.number)
    encoders = [(field.json_name, _field(field)) for field in fields]
    oneofs = [[field.json_name for field in one.fields] for one in descriptor.oneofs]
    choices = [names for names in oneofs if len(names) > 1]

    def encode(value: Any) -> bytes:
        for names in choices:
            if sum(getattr(value, name) is not None for name in names) > 1:
                raise Unsure
        parts = []
        for name, encoder in encoders:
            found = getattr(value, name)
            if found is not None:
                parts.append(encoder(found))
        return b"".join(parts)

    return encode


def _field(field: Any) -> Encoder:
    if field.type == Field.TYPE_MESSAGE:
        if field.message_type.full_name == _KEY_VALUE and field.is_repeated:
            return functools.partial(_attributes, _tag(field, 2), 0)
        return _messages(field) if field.is_repeated else _message(field)
    wire, scalar = SCALARS.get(field.type, (0, integer))
    if field.name in HEX_FIELDS and field.type == Field.TYPE_BYTES:
        scalar = identity
    if field.is_repeated:
        return _packed(_tag(field, 2), scalar) if wire != 2 else _texts(field, scalar)
    return _single(_tag(field, wire), scalar, always=field.has_presence, zero=ZEROS[wire])


def _message(field: Any) -> Encoder:
    tag, content = _tag(field, 2), _content(field.message_type)

    def encode(value: Any) -> bytes:
        found = content(value)
        return b"%b%b%b" % (tag, varint(len(found)), found)

    return encode


def _messages(field: Any) -> Encoder:
    one = _message(field)
    return lambda values: b"".join([one(value) for value in values])


def _texts(field: Any, scalar: Encoder) -> Encoder:
    tag = _tag(field, 2)
    return lambda values: b"".join([tag + scalar(value) for value in values])


def _packed(tag: bytes, scalar: Encoder) -> Encoder:
    def encode(values: Sequence[Any]) -> bytes:
        found = b"".join([scalar(value) for value in values])
        return b"%b%b%b" % (tag, varint(len(found)), found) if values else b""

    return encode


def _single(tag: bytes, scalar: Encoder, *, always: bool, zero: bytes) -> Encoder:
    def encode(value: Any) -> bytes:
        found = scalar(value)
        return tag + found if always or found != zero else b""

    return encode


def _attributes(tag: bytes, depth: int, values: Sequence[_KeyValue]) -> bytes:
    """Encode KeyValues. Most are a short text under a known key, and so these are done here."""
    parts: list[bytes] = []
    for one in values:
        value = one.value
        short = None if value is None else value.stringValue
        key = _key(one.key or "")
        if value is None:
            content = key
        elif short is not None and _is_text_only(value):
            encoded = short.encode()
            size = len(encoded)
            if size < 120 and len(key) < 120 - size:  # so that each length is one byte
                parts += (tag, SHORT[len(key) + size + 4], key,
                          b"\x12", SHORT[size + 2], b"\x0a", SHORT[size], encoded)  # fmt: skip
                continue
            content = key + delimited(b"\x12", delimited(b"\x0a", encoded))
        else:
            content = key + delimited(b"\x12", _any_value(value, depth))
        parts += (tag, varint(len(content)), content)
    return b"".join(parts)


@functools.lru_cache(_MAX_KEYS)
def _key(key: str) -> bytes:
    return delimited(b"\x0a", key.encode()) if key else b""


def _is_text_only(value: _AnyValue) -> bool:
    return (
        value.intValue is None
        and value.boolValue is None
        and value.doubleValue is None
        and value.arrayValue is None
        and value.kvlistValue is None
        and value.bytesValue is None
    )


def _any_value(value: _AnyValue, depth: int = 0) -> bytes:
    found = [(name, one) for name in _VALUES if (one := getattr(value, name)) is not None]
    if not found:
        return b""
    if len(found) > 1 or depth > _MAX_VALUES:
        raise Unsure
    ((name, one),) = found
    return _VALUES[name](one, depth + 1)


def _array(value: _ArrayValue, depth: int) -> bytes:
    return delimited(
        b"\x2a",
        b"".join([delimited(b"\x0a", _any_value(one, depth)) for one in value.values or ()]),
    )


def _key_values(value: _KeyValueList, depth: int) -> bytes:
    return delimited(b"\x32", _attributes(b"\x0a", depth, value.values or ()))


def _tag(field: Any, wire: int) -> bytes:
    return varint(field.number << 3 | wire)


_VALUES: Final[dict[str, Callable[[Any, int], bytes]]] = {
    "stringValue": lambda value, _: b"\x0a" + text(value),
    "boolValue": lambda value, _: b"\x10" + SHORT[value],
    "intValue": lambda value, _: b"\x18" + varint(whole(value, -(2**63), 2**63 - 1) & MAX_UINT64),
    "doubleValue": lambda value, _: b"\x21" + double(value),
    "arrayValue": _array,
    "kvlistValue": _key_values,
    "bytesValue": lambda value, _: b"\x3a" + base64_bytes(value),
}
