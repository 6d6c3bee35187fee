"""The compiled scanner: the attributes of one span -> JSON with sorted keys, and what they tell.

Of equal keys the last wins. Keys are ordered by their bytes, which is the order of their letters.
A value of a kind whose rules only the reference decoder knows leaves the span to it.
"""

import numpy as np
from numba import njit

from collector import semconv
from collector.otlp.scan.primitives import (
    BY_REFERENCE,
    UNKNOWN,
    byte,
    comes_before,
    head,
    is_utf8,
    number,
    put_byte,
    put_int,
    put_number,
    put_string,
    put_word,
    size,
    skip,
    swap,
    tag,
    varint,
    word,
)
from collector.otlp.span_errors import FAILURE_FLAGS

_MAX_KEY, _MAX_TEXT = 1024, 65_536
"""Bytes; what may be longer than the limits of ``otlp.attributes`` is for the reference to cut."""

MAX_ATTRIBUTES = 256
WORDS_PER_ATTRIBUTE = 8
SCRATCH_WORDS = MAX_ATTRIBUTES * (WORDS_PER_ATTRIBUTE + 1)

PREFIX, KEY_AT, KEY_LENGTH, KIND, VALUE, VALUE_LENGTH = range(0, 48, 8)
"""Fields of one attribute in the scratch memory; VALUE is an address, or the number itself."""
_ORDER = MAX_ATTRIBUTES * WORDS_PER_ATTRIBUTE * 8
"""Behind them: the addresses of the attributes in the order of their keys."""

STRING, BOOL, INT, EMPTY, OTHER = range(5)
_KEYS = (
    "http.response.status_code",
    "http.status_code",
    "response_flags",
    "envoy.response_flags",
    "error",
    semconv.SPAN_ROUTE,
)
NEW_STATUS, OLD_STATUS, NEW_FLAGS, OLD_FLAGS, ERROR, ROUTE = range(len(_KEYS))
TELLING = len(_KEYS)
_KEY_WORDS = np.array(
    [
        [int.from_bytes(key.encode()[at : at + 8], "little") for at in range(0, 32, 8)]
        for key in _KEYS
    ],
    np.uint64,
)
_KEY_LENGTHS = np.array([len(key) for key in _KEYS])
_LENGTHS = np.uint64(sum({1 << len(key) for key in _KEYS}))
_FAILURES = np.array(
    [int.from_bytes(flag.encode(), "little") for flag in sorted(FAILURE_FLAGS)], np.uint64
)
_TRUE, _FALS, _NULL = (
    np.uint64(int.from_bytes(text, "little")) for text in (b"true", b"fals", b"null")
)
_U = np.uint64


@njit(cache=True, nogil=True)
def read_attribute(pos, end, one):
    """Take one KeyValue; False when it is not for us."""
    key_at = value_at = length = key_length = np.int64(0)
    put_number(one + KIND, EMPTY)
    while pos < end:
        field, pos = tag(pos, end)
        if field == 0x0A and key_at == 0:
            key_length, key_at = size(pos, end)
            pos = key_at + key_length
        elif field == 0x12 and value_at == 0:
            length, value_at = size(pos, end)
            if value_at >= 0 and not _read_value(value_at, value_at + length, one):
                return False
            pos = value_at + length
        elif field == 0x18:
            pos = varint(pos, end)[1]
        else:
            pos = skip(pos, end, field, 3)
        if pos < 0:
            return False
    if key_length > _MAX_KEY or (
        number(one + KIND) == STRING and number(one + VALUE_LENGTH) > _MAX_TEXT
    ):
        put_number(one + KIND, OTHER)
    put_word(one + PREFIX, swap(head(key_at, key_length)))
    put_number(one + KEY_AT, key_at)
    put_number(one + KEY_LENGTH, key_length)
    return True


@njit(cache=True, nogil=True)
def _read_value(pos, end, one):
    """Take one AnyValue with at most one field."""
    is_set = False
    while pos < end:
        field, pos = tag(pos, end)
        if is_set and field >> 3 <= 8:
            return False
        if field == 0x0A:
            length, at = size(pos, end)
            put_number(one + VALUE, at)
            put_number(one + VALUE_LENGTH, length)
            put_number(one + KIND, STRING)
            pos, is_set = at + length, True
        elif field in (0x10, 0x18):
            value, pos = varint(pos, end)
            put_number(one + VALUE, np.int64(value) if field == 0x18 else np.int64(value != _U(0)))
            put_number(one + KIND, INT if field == 0x18 else BOOL)
            is_set = True
        elif field in (0x21, 0x2A, 0x32, 0x3A, 0x40):
            put_number(one + KIND, OTHER)
            return True
        else:
            pos = skip(pos, end, field, 8)
        if pos < 0:
            return False
    return True


@njit(cache=True, nogil=True)
def _is_less(one, two):
    left, right = word(one), word(two)
    if left != right:
        return left < right
    return comes_before(
        number(one + KEY_AT),
        number(one + KEY_LENGTH),
        number(two + KEY_AT),
        number(two + KEY_LENGTH),
    )


@njit(cache=True, nogil=True)
def put_attributes(scratch, count, out, special):
    """Write the JSON object and note the attributes that tell something; UNKNOWN: no UTF-8."""
    order = scratch + _ORDER
    for index in range(count):
        one, place = scratch + index * WORDS_PER_ATTRIBUTE * 8, order + 8 * index
        while place > order and _is_less(one, number(place - 8)):
            put_number(place, number(place - 8))
            place -= 8
        put_number(place, one)
    put_byte(out, 0x7B)
    opened = out + 1
    out = opened
    for index in range(count):
        one = number(order + 8 * index)
        if index + 1 < count and not _is_less(one, number(order + 8 * index + 8)):
            if not _is_text(one):
                return np.int64(UNKNOWN)
            continue
        if out > opened:
            put_byte(out, 0x2C)
            out += 1
        key_at, key_length = number(one + KEY_AT), number(one + KEY_LENGTH)
        out = put_string(key_at, key_length, out)
        if out >= 0:
            put_byte(out, 0x3A)
            out = _put_value(one, out + 1)
        if out < 0:
            return out
        if key_length < 32 and (_LENGTHS >> _U(key_length)) & _U(1):
            _note(one, key_at, key_length, special)
    put_byte(out, 0x7D)
    return out + 1


@njit(cache=True, nogil=True)
def _put_value(one, out):
    kind = number(one + KIND)
    if kind == STRING:
        return put_string(number(one + VALUE), number(one + VALUE_LENGTH), out)
    if kind == INT:
        return put_int(number(one + VALUE), out)
    if kind == BOOL and not number(one + VALUE):
        put_word(out, _FALS)
        put_byte(out + 4, 0x65)
        return out + 5
    put_word(out, _TRUE if kind == BOOL else _NULL)
    return out + 4


@njit(cache=True, nogil=True)
def _note(one, key_at, length, special):
    for key in range(TELLING):
        if _KEY_LENGTHS[key] == length:
            is_key, done = True, 0
            while is_key and done < length:
                is_key = head(key_at + done, length - done) == _KEY_WORDS[key, done >> 3]
                done += 8
            if is_key:
                put_number(special + 8 * key, one)


@njit(cache=True, nogil=True)
def _is_text(one):
    return is_utf8(number(one + KEY_AT), number(one + KEY_LENGTH)) and (
        number(one + KIND) != STRING or is_utf8(number(one + VALUE), number(one + VALUE_LENGTH))
    )


@njit(cache=True, nogil=True)
def http_status(special):
    """Return the status, -1 for none, BY_REFERENCE for letters beyond ASCII."""
    for key in (NEW_STATUS, OLD_STATUS):
        one = number(special + 8 * key)
        if one == 0:
            continue
        value, kind = number(one + VALUE), number(one + KIND)
        if kind == STRING:
            length, result = number(one + VALUE_LENGTH), 0
            for at in range(value, value + length):
                letter = byte(at)
                if letter >= 0x80:
                    return np.int64(BY_REFERENCE)
                is_digit = 0x30 <= letter <= 0x39 and result >= 0
                result = result * 10 + letter - 0x30 if is_digit else -1
            if 0 < length <= 5 and 0 <= result < 2**16:
                return np.int64(result)
        elif kind == INT and 0 <= value < 2**16:
            return value
    return np.int64(-1)


@njit(cache=True, nogil=True)
def is_odd(special):
    """Tell whether a telling attribute is of a kind whose rules only the reference knows."""
    for key in range(TELLING):
        one = number(special + 8 * key)
        kind = number(one + KIND) if one else STRING
        is_plain = kind in (STRING, EMPTY) or (key == ERROR and kind == BOOL)
        if not is_plain and not (key <= OLD_STATUS and kind == INT):
            return True
    return False


@njit(cache=True, nogil=True)
def text(special, key):
    """Return where the string of a telling attribute is and how long; (0, 0) without one."""
    one = number(special + 8 * key)
    if one and number(one + KIND) == STRING:
        return number(one + VALUE), number(one + VALUE_LENGTH)
    return np.int64(0), np.int64(0)


@njit(cache=True, nogil=True)
def is_error(special, status, code, flags_at, flags_length):
    """Apply the rules of ``span_errors.is_span_error``."""
    has_flags = not (flags_length == 1 and byte(flags_at) == 0x2D)
    if code >= 500 or (code == 0 and has_flags):
        return True
    if has_flags and _has_failure(flags_at, flags_length):
        return True
    one = number(special + 8 * ERROR)
    if one:
        if number(one + KIND) == BOOL and number(one + VALUE):
            return True
        at, length = text(special, ERROR)
        if length == 4 and head(at, 4) == _TRUE:
            return True
    return status == 2 and not 400 <= code < 500


@njit(cache=True, nogil=True)
def _has_failure(at, length):
    start = at
    for pos in range(at, at + length + 1):
        if pos == at + length or byte(pos) == 0x2C:
            if 0 < pos - start <= 8:
                flag = head(start, pos - start)
                for failure in _FAILURES:
                    if failure == flag:
                        return True
            start = pos + 1
    return False
