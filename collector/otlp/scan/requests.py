"""Bodies of many requests -> arrays of spans, by one call of the compiled scanner.

Never makes a Batch. When the room is too small, it is made bigger and the call repeated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_HEADER: Final = b"-"
"""Stands before the bodies: the flags of a span without any. Makes 0 no address of a field."""
_PADDING: Final = bytes(16)
"""Stands behind them: words of 8 bytes are read across the end of a string."""
_SCRATCH_WORDS: Final = 256 * 9 + 16
_BYTES_PER_SPAN: Final = 128
"""A guess for the first try; a real span has some hundreds."""


@dataclass(frozen=True, slots=True)
class Telling:
    """What the scanner says of one body: where its part of each list ends, and what it left out."""

    verdict: int
    row_end: int
    segment_end: int
    left_end: int
    checks_end: int
    bad_ids: int
    bad_times: int
    is_time_first: int


@dataclass(frozen=True, slots=True)
class Scanned:
    """What one call found. Columns are rows of these arrays, named in ``scan.spans``."""

    buffer: bytes
    base: int
    rows: int
    words: NDArray[np.uint64]
    numbers: NDArray[np.int64]
    codes: NDArray[np.int32]
    small: NDArray[np.uint8]
    json: NDArray[np.uint8]
    states: NDArray[np.uint8]
    strings: NDArray[np.int64]
    lists: NDArray[np.int64]
    told: NDArray[np.int64]

    def is_unknown(self, body: int) -> bool:
        """Tell whether a body is left to the reference decoder as a whole."""
        return self.tellings(body).verdict < 0

    def tellings(self, body: int) -> Telling:
        """Return what is said of one body."""
        return Telling(*self.told[body].tolist())

    def resources(self) -> list[bytes]:
        """Return the Resource message of each ResourceSpans; one without has an empty one."""
        return self._pieces(0, int(self.told[-1, 2]))

    def left(self) -> list[tuple[bytes, int]]:
        """Return the Span messages left to the reference decoder, and their rows."""
        count = int(self.told[-1, 3])
        rows = self.lists[1, 2, :count].tolist()
        return list(zip(self._pieces(1, count), rows, strict=True))

    def checks(self) -> list[bytes]:
        """Return the InstrumentationScope messages, which nobody has parsed."""
        return self._pieces(2, int(self.told[-1, 4]))

    def texts(self) -> tuple[str, ...]:
        """Return the interned strings; codes count from 1."""
        return tuple(self._piece(at, size).decode() for at, size in self.strings.tolist())

    def _pieces(self, which: int, count: int) -> list[bytes]:
        addresses, lengths = self.lists[which, :2, :count].tolist()
        return [self._piece(*at) for at in zip(addresses, lengths, strict=True)]

    def _piece(self, address: int, length: int) -> bytes:
        start = address - self.base
        return self.buffer[start : start + length] if length else b""


def scan_bodies(scan: Any, bodies: Sequence[bytes]) -> Scanned:
    """Scan all bodies; one that the scanner does not know is marked, and its rows are left out."""
    buffer = b"".join((_HEADER, *bodies, _PADDING))
    base = _address(np.frombuffer(buffer, np.uint8))
    ends = np.cumsum([base + len(_HEADER), *(len(body) for body in bodies)], dtype=np.int64)
    rows = max(len(buffer) // _BYTES_PER_SPAN, 16)
    while True:
        found = _scan(scan, buffer, base, ends, rows)
        if found is not None:
            return found
        rows *= 8


def _scan(
    scan: Any, buffer: bytes, base: int, ends: NDArray[np.int64], rows: int
) -> Scanned | None:
    bodies = len(ends) - 1
    slots = 1 << (2 * rows + 4).bit_length()
    words = np.empty((4, rows), np.uint64)
    numbers = np.empty((4, rows), np.int64)
    codes = np.empty((5, rows), np.int32)
    small = np.empty((3, rows), np.uint8)
    json = np.empty(6 * len(buffer) + 64, np.uint8)
    states = np.empty(len(buffer), np.uint8)
    table = np.zeros(slots, np.int32)
    strings = np.empty((slots, 2), np.int64)
    lists = np.empty((3, 3, rows), np.int64)
    told = np.empty((bodies, 8), np.int64)
    scratch = np.empty(_SCRATCH_WORDS, np.int64)
    made = (words, numbers, codes, small, lists)
    context = np.array(
        [
            *(_address(table), slots - 1, _address(strings), 0),
            *(
                *(_address(array) for array in made),
                rows,
                _address(ends),
                _address(told),
                _address(scratch),
                base,
            ),
            *(0, 0, 0, 0, _address(json), _address(states)),
        ],
        np.int64,
    )
    if scan(_address(context), bodies) < bodies:
        return None
    _, _, _, string_count, *_ = counters = context.tolist()
    done = counters[14]
    numbers[2, :done] -= _address(json)
    numbers[3, :done] -= _address(states)
    return Scanned(
        buffer, base, done, words, numbers, codes, small, json, states,
        strings[1 : string_count + 1].copy(), lists, told,
    )  # fmt: skip


def _address(array: NDArray[Any]) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
