"""The compiled scanner's ground: memory, wire format, UTF-8, JSON text, interning.

All positions are addresses, so that no array is passed from function to function. Whoever calls
has left room: JSON needs at most six bytes for one, and words of eight bytes are read and written
across the end of a string. A negative position says UNKNOWN: the wire holds something unusual.
Never allocates, never raises, holds no GIL.
Spec: https://protobuf.dev/programming-guides/encoding/
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

UNKNOWN, BY_REFERENCE, TABLE_FULL = -1, -2, -3
TABLE, TABLE_MASK, STRINGS, STRING_COUNT = range(4)
"""The first words of the scanner's context; the others are in ``spans``."""

_U = np.uint64
_ONES, _HIGH = _U(0x0101010101010101), _U(0x8080808080808080)
_SPACES, _QUOTES, _BACKSLASHES = _ONES * _U(0x20), _ONES * _U(0x22), _ONES * _U(0x5C)
_SHORT = {0x22: 0x22, 0x5C: 0x5C, 8: 0x62, 9: 0x74, 10: 0x6E, 12: 0x66, 13: 0x72}
_SHORT_ESCAPES = np.array([_SHORT.get(byte, 0) for byte in range(256)], np.uint8)
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)


def _reader(memory, value, extend):
    @intrinsic
    def read(_context, address):
        def generate(_target, builder, _signature, args):
            at = builder.inttoptr(args[0], ir.IntType(memory).as_pointer())
            loaded = builder.load(at, align=1)
            return builder.zext(loaded, ir.IntType(64)) if extend else loaded

        return value(types.int64), generate

    return read


def _writer(memory, value):
    @intrinsic
    def write(_context, address, content):
        def generate(target, builder, _signature, args):
            at = builder.inttoptr(args[0], ir.IntType(memory).as_pointer())
            kind = ir.IntType(memory)
            builder.store(builder.trunc(args[1], kind) if memory < 64 else args[1], at, align=1)
            return target.get_dummy_value()

        return types.void(types.int64, value), generate

    return write


byte = _reader(8, types.int64, extend=True)
word = _reader(64, types.uint64, extend=False)
number = _reader(64, types.int64, extend=False)
small = _reader(32, types.int64, extend=True)
put_byte = _writer(8, types.int64)
put_word = _writer(64, types.uint64)
put_number = _writer(64, types.int64)
put_small = _writer(32, types.int64)


@intrinsic
def swap(_context, content):
    """Turn the order of the bytes of a word."""

    def generate(_target, builder, _signature, args):
        return builder.bswap(args[0])

    return types.uint64(types.uint64), generate


@njit(cache=True, nogil=True)
def head(at, length):
    """Return the first bytes of a string as a word, with zeros behind."""
    if length <= 0:
        return _U(0)
    found = word(at)
    return found if length >= 8 else found & ((_U(1) << _U(8 * length)) - _U(1))


@njit(cache=True, nogil=True)
def _long_varint(pos, end):
    value, shift = _U(0), _U(0)
    for index in range(10):
        if pos >= end:
            break
        part = byte(pos)
        pos += 1
        value |= _U(part & 127) << shift
        if part < 128:
            if index == 9 and part > 1:
                break
            return value, pos
        shift += _U(7)
    return _U(0), np.int64(UNKNOWN)


@njit(cache=True, nogil=True)
def varint(pos, end):
    """Return a number and where it ends."""
    if pos < end:
        first = byte(pos)
        if first < 128:
            return _U(first), pos + 1
    return _long_varint(pos, end)


@njit(cache=True, nogil=True)
def size(pos, end):
    """Return the length of what follows and where it starts; it fits before the end."""
    value, at = varint(pos, end)
    if at < 0 or value > _U(end - at) or (at - pos > 1 and byte(at - 1) == 0):
        return np.int64(0), np.int64(UNKNOWN)
    return np.int64(value), at


@njit(cache=True, nogil=True)
def tag(pos, end):
    """Return a field's number and wire type in one, and where they end."""
    value, at = varint(pos, end)
    if at < 0 or value < _U(8) or value >= _U(2**32) or (at - pos > 1 and byte(at - 1) == 0):
        return np.int64(0), np.int64(UNKNOWN)
    return np.int64(value), at


@njit(cache=True, nogil=True)
def skip(pos, end, field, known):
    """Pass over a field; one that the schema knows, but by another wire type, is not for us."""
    wire = field & 7
    if field >> 3 <= known:
        return np.int64(UNKNOWN)
    if wire == 0:
        return varint(pos, end)[1]
    if wire == 2:
        length, at = size(pos, end)
        return at + length
    width = 8 if wire == 1 else 4
    if wire not in (1, 5) or end - pos < width:
        return np.int64(UNKNOWN)
    return pos + width


@njit(cache=True, nogil=True)
def skip_text(pos, end):
    """Pass over a string that must be UTF-8."""
    length, at = size(pos, end)
    return at + length if at >= 0 and is_utf8(at, length) else np.int64(UNKNOWN)


@njit(cache=True, nogil=True)
def is_utf8(pos, length):
    """Tell whether bytes are UTF-8, as the Unicode standard has it."""
    end = pos + length
    while pos < end:
        if end - pos >= 8 and word(pos) & _HIGH == _U(0):
            pos += 8
            continue
        first = byte(pos)
        pos += 1
        if first < 0x80:
            continue
        if first < 0xC2 or first > 0xF4:
            return False
        more = 1 if first < 0xE0 else 2 if first < 0xF0 else 3
        if end - pos < more:
            return False
        low = 0xA0 if first == 0xE0 else 0x90 if first == 0xF0 else 0x80
        high = 0x9F if first == 0xED else 0x8F if first == 0xF4 else 0xBF
        if not low <= byte(pos) <= high:
            return False
        for index in range(1, more):
            if not 0x80 <= byte(pos + index) <= 0xBF:
                return False
        pos += more
    return True


@njit(cache=True, nogil=True)
def _put_escaped(pos, length, out):
    for at in range(pos, pos + length):
        letter = byte(at)
        short = np.int64(_SHORT_ESCAPES[letter])
        if short:
            put_byte(out, 0x5C)
            put_byte(out + 1, short)
            out += 2
        elif letter < 0x20:
            put_word(out, _U(0x3030755C))  # \u00 in memory
            put_byte(out + 4, np.int64(_HEX[letter >> 4]))
            put_byte(out + 5, np.int64(_HEX[letter & 15]))
            out += 6
        else:
            put_byte(out, letter)
            out += 1
    return out


@njit(cache=True, nogil=True)
def put_string(pos, length, out):
    """Write a JSON string; UNKNOWN when it is no UTF-8."""
    put_byte(out, 0x22)
    out += 1
    high, special, done = _U(0), _U(0), 0
    while done < length:
        found = word(pos + done)
        put_word(out + done, found)
        if length - done < 8:
            mask = (_U(1) << _U(8 * (length - done))) - _U(1)
            found = (found & mask) | (_SPACES & ~mask)
        quote, backslash = found ^ _QUOTES, found ^ _BACKSLASHES
        high |= found
        special |= ((found - _SPACES) & ~found) | ((quote - _ONES) & ~quote)
        special |= (backslash - _ONES) & ~backslash
        done += 8
    if high & _HIGH != _U(0) and not is_utf8(pos, length):
        return np.int64(UNKNOWN)
    out = _put_escaped(pos, length, out) if special & _HIGH != _U(0) else out + length
    put_byte(out, 0x22)
    return out + 1


@njit(cache=True, nogil=True)
def put_int(value, out):
    """Write a whole number in decimal."""
    rest = _U(value)
    if value < 0:
        put_byte(out, 0x2D)
        out += 1
        rest = ~rest + _U(1)
    digits, left = 1, rest
    while left >= _U(10):
        left //= _U(10)
        digits += 1
    for index in range(digits - 1, -1, -1):
        put_byte(out + index, np.int64(_U(0x30) + rest % _U(10)))
        rest //= _U(10)
    return out + digits


@njit(cache=True, nogil=True)
def is_same(one, two, length):
    """Tell whether two pieces of memory hold the same bytes."""
    done = 0
    while length - done >= 8:
        if word(one + done) != word(two + done):
            return False
        done += 8
    return head(one + done, length - done) == head(two + done, length - done)


@njit(cache=True, nogil=True)
def comes_before(one, one_length, two, two_length):
    """Tell the order of two strings whose first eight bytes are the same."""
    for index in range(8, min(one_length, two_length)):
        left, right = byte(one + index), byte(two + index)
        if left != right:
            return left < right
    return one_length < two_length


@njit(cache=True, nogil=True)
def intern(context, pos, length):
    """Return the number of a string among those of this call, or TABLE_FULL."""
    code, done = _U(length), 0
    while done < length:
        code = (code ^ head(pos + done, length - done)) * _U(0x9E3779B97F4A7C15)
        code ^= code >> _U(29)
        done += 8
    table, mask = number(context + 8 * TABLE), number(context + 8 * TABLE_MASK)
    strings, count = number(context + 8 * STRINGS), number(context + 8 * STRING_COUNT)
    slot = np.int64(code >> _U(8)) & mask
    found = small(table + 4 * slot)
    while found:
        at = strings + 16 * found
        if number(at + 8) == length and is_same(pos, number(at), length):
            return found
        slot = (slot + 1) & mask
        found = small(table + 4 * slot)
    if 2 * count >= mask:
        return np.int64(TABLE_FULL)
    count += 1
    put_number(context + 8 * STRING_COUNT, count)
    put_small(table + 4 * slot, count)
    put_number(strings + 16 * count, pos)
    put_number(strings + 16 * count + 8, length)
    return count
