"""Scalars of OTLP/JSON -> their bytes in protobuf, or Unsure. Serves ``json_direct``.

Never judges: what may be malformed, or out of the range of its type, is left to the mapper.
Spec: https://protobuf.dev/programming-guides/encoding/
"""

import base64
import binascii
import math
import struct
from collections.abc import Callable
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor as Field

SHORT: Final = tuple(bytes([number]) for number in range(128))
"""The varints of one byte."""
MAX_UINT64: Final = 2**64 - 1
_MOST_DIGITS: Final = 20

Encoder = Callable[[Any], bytes]
"""A value -> bytes; of a length-delimited one the length too, of none the tag."""


class Unsure(Exception):
    """Left to the mapper."""


def delimited(tag: bytes, content: bytes) -> bytes:
    """Return a field whose content has a length before it."""
    return b"%b%b%b" % (tag, varint(len(content)), content)


def varint(number: int) -> bytes:
    """Return a number that is not negative, seven bits a byte."""
    if number < 128:
        return SHORT[number]
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)


def whole(value: Any, least: int, most: int) -> int:
    """Return an integer that was a number or digits; anything else is left to the mapper."""
    if type(value) is str:
        digits = value.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
            raise Unsure
        value = int(value)
    if type(value) is not int or not least <= value <= most:
        raise Unsure
    return int(value)


def integer(value: Any) -> bytes:
    """Varints of 32 bits, signed or not, are never negative in OTLP but where this is unsure."""
    return varint(whole(value, 0, 2**31 - 1))


def text(value: str) -> bytes:
    """Return the length and the UTF-8 of a text; half a surrogate pair is a ValueError."""
    encoded = value.encode()
    return varint(len(encoded)) + encoded


def identity(value: str) -> bytes:
    """Return the length and the bytes of a trace or span id in hex; else a ValueError."""
    found = binascii.unhexlify(value)
    return SHORT[len(found)] + found if len(found) < 128 else varint(len(found)) + found


def base64_bytes(value: str) -> bytes:
    """Return the length and the bytes of padded standard base64; else a ValueError."""
    found = base64.b64decode(value, validate=True)
    return varint(len(found)) + found


def double(value: Any) -> bytes:
    """Return eight bytes of a finite number; Unsure of names such as NaN."""
    if type(value) is int:
        value = float(value)
    if type(value) is not float or not math.isfinite(value):
        raise Unsure
    return struct.pack("<d", value)


def _enum(value: Any) -> bytes:
    if type(value) is not int:
        raise Unsure
    return integer(value)


ZEROS: Final = {0: b"\0", 1: bytes(8), 2: b"\0", 5: bytes(4)}
"""By wire type: what proto3 leaves out."""
SCALARS: Final[dict[int, tuple[int, Encoder]]] = {
    Field.TYPE_STRING: (2, text),
    Field.TYPE_BYTES: (2, base64_bytes),
    Field.TYPE_BOOL: (0, lambda value: SHORT[value]),
    Field.TYPE_DOUBLE: (1, double),
    Field.TYPE_ENUM: (0, _enum),
    Field.TYPE_FIXED64: (1, lambda value: whole(value, 0, MAX_UINT64).to_bytes(8, "little")),
    Field.TYPE_SFIXED64: (
        1,
        lambda value: whole(value, -(2**63), 2**63 - 1).to_bytes(8, "little", signed=True),
    ),
    Field.TYPE_FIXED32: (5, lambda value: whole(value, 0, 2**32 - 1).to_bytes(4, "little")),
    Field.TYPE_UINT64: (0, lambda value: varint(whole(value, 0, MAX_UINT64))),
    Field.TYPE_INT64: (
        0,
        lambda value: varint(whole(value, -(2**63), 2**63 - 1) & MAX_UINT64),
    ),
    Field.TYPE_SINT32: (0, lambda value: varint(_zigzag(whole(value, -(2**31), 2**31 - 1)))),
}


def _zigzag(value: int) -> int:
    return value << 1 ^ value >> 31
