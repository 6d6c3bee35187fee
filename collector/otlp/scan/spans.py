"""The compiled scanner: ExportTraceServiceRequest bytes -> columns of spans, one call for many.

Sees every byte once. Rows are written behind each other into memory that the caller made; a span
that needs a Python object is listed for the reference decoder, and a request with anything unusual
is left to it as a whole: its rows are taken back.
"""

import numpy as np
from numba import njit

from collector.otlp.scan import attributes as a
from collector.otlp.scan.primitives import (
    BY_REFERENCE,
    TABLE_FULL,
    UNKNOWN,
    byte,
    intern,
    is_utf8,
    number,
    put_byte,
    put_number,
    put_small,
    put_word,
    size,
    skip,
    skip_text,
    swap,
    tag,
    varint,
    word,
)

WORDS, NUMBERS, CODES, SMALL, LISTS, CAPACITY, BODIES, TOLD, SCRATCH, HEADER = range(32, 112, 8)
"""Addresses of what the caller made, in the context behind those of ``primitives``."""
ROWS, SEGMENTS, LEFT, CHECKS, JSON_AT, STATE_AT = range(112, 160, 8)
"""Counters, carried from one request to the next."""
VERDICT, ROW_END, SEGMENT_END, LEFT_END, CHECKS_END, BAD_IDS, BAD_TIMES, IS_TIME_FIRST = range(8)
"""What is told of each request."""
TRACE_HI, TRACE_LO, SPAN_ID, PARENT_ID = range(4)
START, DURATION, JSON_END, STATE_END = range(4)
SEGMENT, NAME, ROUTE, FLAGS, HTTP_STATUS = range(5)
KIND, STATUS, IS_ERROR = range(3)
"""Columns, by the width of their values."""

_DONE, _BAD_ID, _BAD_TIME = range(3)
_U = np.uint64
_MAX_TIME = _U(2**63 - 1)


@njit(cache=True, nogil=True)
def scan(context, count):
    """Scan ``count`` bodies; return how many were done: not all when the room is too small."""
    bodies = number(context + BODIES)
    for body in range(count):
        pos, end = number(bodies + 8 * body), number(bodies + 8 * body + 8)
        told = number(context + TOLD) + 64 * body
        rows, segments = number(context + ROWS), number(context + SEGMENTS)
        left, checks = number(context + LEFT), number(context + CHECKS)
        json_at, state_at = number(context + JSON_AT), number(context + STATE_AT)
        for field in range(8):
            put_number(told + 8 * field, 0)
        verdict = _request(context, pos, end, told)
        if verdict == TABLE_FULL:
            return body
        if verdict == UNKNOWN:
            put_number(context + ROWS, rows)
            put_number(context + SEGMENTS, segments)
            put_number(context + LEFT, left)
            put_number(context + CHECKS, checks)
            put_number(context + JSON_AT, json_at)
            put_number(context + STATE_AT, state_at)
        put_number(told + 8 * VERDICT, verdict)
        put_number(told + 8 * ROW_END, number(context + ROWS))
        put_number(told + 8 * SEGMENT_END, number(context + SEGMENTS))
        put_number(told + 8 * LEFT_END, number(context + LEFT))
        put_number(told + 8 * CHECKS_END, number(context + CHECKS))
    return count


@njit(cache=True, nogil=True)
def _request(context, pos, end, told):
    while pos < end:
        field, pos = tag(pos, end)
        if field == 0x0A:
            length, pos = size(pos, end)
            if pos >= 0:
                verdict = _resource_spans(context, pos, pos + length, told)
                if verdict < 0:
                    return verdict
                pos += length
        else:
            pos = skip(pos, end, field, 1)
        if pos < 0:
            return UNKNOWN
    return 0


@njit(cache=True, nogil=True)
def _note(context, which, counter, at, length, row):
    """Append to one of the lists; False when it is full."""
    index, capacity = number(context + counter), number(context + CAPACITY)
    if index >= capacity:
        return False
    to = number(context + LISTS) + 8 * (3 * which * capacity + index)
    put_number(to, at)
    put_number(to + 8 * capacity, length)
    put_number(to + 16 * capacity, row)
    put_number(context + counter, index + 1)
    return True


@njit(cache=True, nogil=True)
def _resource_spans(context, pos, end, told):
    segment = number(context + SEGMENTS)
    if not _note(context, 0, SEGMENTS, 0, 0, 0):
        return TABLE_FULL
    listed = number(context + LISTS) + 8 * segment
    while pos < end:
        field, pos = tag(pos, end)
        if field == 0x0A and number(listed) == 0:
            length, at = size(pos, end)
            put_number(listed, at)
            put_number(listed + 8 * number(context + CAPACITY), length)
            pos = at + length
        elif field == 0x12:
            length, pos = size(pos, end)
            if pos >= 0:
                verdict = _scope_spans(context, pos, pos + length, told, segment)
                if verdict < 0:
                    return verdict
                pos += length
        elif field == 0x1A:
            pos = skip_text(pos, end)
        else:
            pos = skip(pos, end, field, 3)
        if pos < 0:
            return UNKNOWN
    return 0


@njit(cache=True, nogil=True)
def _scope_spans(context, pos, end, told, segment):
    while pos < end:
        field, pos = tag(pos, end)
        if field == 0x12:
            length, pos = size(pos, end)
            if pos >= 0:
                verdict = _take_span(context, pos, length, told, segment)
                if verdict < 0:
                    return verdict
                pos += length
        elif field == 0x0A:
            length, at = size(pos, end)
            if at >= 0 and not _note(context, 2, CHECKS, at, length, 0):
                return TABLE_FULL
            pos = at + length
        elif field == 0x1A:
            pos = skip_text(pos, end)
        else:
            pos = skip(pos, end, field, 3)
        if pos < 0:
            return UNKNOWN
    return 0


@njit(cache=True, nogil=True)
def _take_span(context, pos, length, told, segment):
    row, capacity = number(context + ROWS), number(context + CAPACITY)
    if row >= capacity:
        return TABLE_FULL
    verdict = _span(context, pos, pos + length, row, capacity)
    if verdict == BY_REFERENCE:
        if not _note(context, 1, LEFT, pos, length, row):
            return TABLE_FULL
        verdict = _DONE
    if verdict == _DONE:
        numbers = number(context + NUMBERS) + 8 * row
        put_small(number(context + CODES) + 4 * (SEGMENT * capacity + row), segment)
        put_number(numbers + 8 * JSON_END * capacity, number(context + JSON_AT))
        put_number(numbers + 8 * STATE_END * capacity, number(context + STATE_AT))
        put_number(context + ROWS, row + 1)
        return 0
    if verdict > 0:
        to = told + 8 * (BAD_IDS if verdict == _BAD_ID else BAD_TIMES)
        if verdict == _BAD_TIME and number(told + 8 * BAD_IDS) == 0:
            put_number(told + 8 * IS_TIME_FIRST, 1)
        put_number(to, number(to) + 1)
        return 0
    return verdict


@njit(cache=True, nogil=True)
def _span(context, pos, end, row, capacity):
    trace_at = span_at = parent_at = name_at = state_at = np.int64(0)
    trace_length = span_length = parent_length = name_length = state_length = np.int64(0)
    kind = status = np.int64(0)
    start, stop, count = _U(0), _U(0), 0
    scratch = number(context + SCRATCH)
    while pos < end:
        field, pos = tag(pos, end)
        if field == 0x4A:
            length, pos = size(pos, end)
            if pos < 0:
                return UNKNOWN
            one = scratch + 8 * a.WORDS_PER_ATTRIBUTE * count
            if count == a.MAX_ATTRIBUTES:
                return BY_REFERENCE
            if not a.read_attribute(pos, pos + length, one):
                return UNKNOWN
            if number(one + a.KIND) == a.OTHER:
                return BY_REFERENCE
            count += 1
            pos += length
        elif field == 0x0A:
            trace_length, trace_at = size(pos, end)
            pos = trace_at + trace_length
        elif field == 0x12:
            span_length, span_at = size(pos, end)
            pos = span_at + span_length
        elif field == 0x22:
            parent_length, parent_at = size(pos, end)
            pos = parent_at + parent_length
        elif field == 0x2A and name_at == 0:
            name_length, name_at = size(pos, end)
            pos = name_at + name_length
        elif field == 0x1A and state_at == 0:
            state_length, state_at = size(pos, end)
            pos = state_at + state_length
        elif field in (0x39, 0x41):
            if end - pos < 8:
                return UNKNOWN
            if field == 0x39:
                start = word(pos)
            else:
                stop = word(pos)
            pos += 8
        elif field == 0x85:
            pos = pos + 4 if end - pos >= 4 else np.int64(UNKNOWN)
        elif field in (0x30, 0x50, 0x60, 0x70):
            value, pos = varint(pos, end)
            if field == 0x30:
                kind = np.int64(np.int32(value & _U(0xFFFFFFFF)))
        elif field == 0x7A:
            length, pos = size(pos, end)
            if pos >= 0:
                status, pos = _status(pos, pos + length, status)
        elif field in (0x5A, 0x6A):
            return BY_REFERENCE
        else:
            pos = skip(pos, end, field, 16)
        if pos < 0:
            return UNKNOWN
    if not (is_utf8(name_at, name_length) and is_utf8(state_at, state_length)):
        return UNKNOWN
    special = scratch + 8 * a.SCRATCH_WORDS
    for key in range(a.TELLING):
        put_number(special + 8 * key, 0)
    json_end = a.put_attributes(scratch, count, number(context + JSON_AT), special)
    if json_end < 0:
        return UNKNOWN
    if trace_length != 16 or span_length != 8 or word(span_at) == _U(0):
        return _BAD_ID
    if word(trace_at) | word(trace_at + 8) == _U(0):
        return _BAD_ID
    if max(start, stop) > _MAX_TIME:
        return _BAD_TIME
    code = a.http_status(special)
    if code == BY_REFERENCE or a.is_odd(special) or stop < start:
        return BY_REFERENCE
    flags_at, flags_length = a.text(special, a.NEW_FLAGS)
    if flags_length == 0:
        flags_at, flags_length = a.text(special, a.OLD_FLAGS)
    if flags_length == 0:
        flags_at, flags_length = number(context + HEADER), np.int64(1)
    route_at, route_length = a.text(special, a.ROUTE)
    name, route = intern(context, name_at, name_length), intern(context, route_at, route_length)
    flags = intern(context, flags_at, flags_length)
    if name < 0 or route < 0 or flags < 0:
        return TABLE_FULL
    codes = number(context + CODES) + 4 * row
    put_small(codes + 4 * NAME * capacity, name)
    put_small(codes + 4 * ROUTE * capacity, route)
    put_small(codes + 4 * FLAGS * capacity, flags)
    put_small(codes + 4 * HTTP_STATUS * capacity, code)
    words = number(context + WORDS) + 8 * row
    put_word(words + 8 * TRACE_HI * capacity, swap(word(trace_at)))
    put_word(words + 8 * TRACE_LO * capacity, swap(word(trace_at + 8)))
    put_word(words + 8 * SPAN_ID * capacity, swap(word(span_at)))
    parent = swap(word(parent_at)) if parent_length == 8 else _U(0)
    put_word(words + 8 * PARENT_ID * capacity, parent)
    numbers = number(context + NUMBERS) + 8 * row
    put_word(numbers + 8 * START * capacity, start)
    put_word(numbers + 8 * DURATION * capacity, stop - start)
    bytes_at = number(context + SMALL) + row
    put_byte(bytes_at + KIND * capacity, kind if 0 <= kind <= 5 else 0)
    put_byte(bytes_at + STATUS * capacity, status if 0 <= status <= 2 else 0)
    is_error = a.is_error(special, status, code, flags_at, flags_length)
    put_byte(bytes_at + IS_ERROR * capacity, np.int64(is_error))
    to = number(context + STATE_AT)
    for index in range(state_length):
        put_byte(to + index, byte(state_at + index))
    put_number(context + STATE_AT, to + state_length)
    put_number(context + JSON_AT, json_end)
    return _DONE


@njit(cache=True, nogil=True)
def _status(pos, end, code):
    while pos < end:
        field, pos = tag(pos, end)
        if field == 0x18:
            value, pos = varint(pos, end)
            code = np.int64(np.int32(value & _U(0xFFFFFFFF)))
        elif field == 0x12:
            pos = skip_text(pos, end)
        else:
            pos = skip(pos, end, field, 3)
        if pos < 0:
            break
    return code, pos
