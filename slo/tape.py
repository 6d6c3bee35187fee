"""The tape: everything that was counted for one indicator, as running sums over its buckets.

Any window at any instant is the difference of two of them, so that a month of instants costs little
more than one. Buckets are as fine as the store still knows them: the tape says since when.
Law: a window of the tape is the window that ``CountSource.counts`` answers. Never divides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from slo.model import Sli
from slo.sources import CountSource, Window

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the time in which all buckets have one length."""

    step_s: int
    from_s: int
    to_s: int


@dataclass(frozen=True, slots=True)
class Tape:
    """Buckets [start, end) in order of time, and the sums of all before each: one sum more."""

    start_s: Ints
    end_s: Ints
    good: Ints
    total: Ints
    pieces: tuple[Piece, ...]

    @classmethod
    def of(cls, rows: Ints, pieces: tuple[Piece, ...]) -> Self:
        """Make a tape of rows of (start_s, end_s, good, total)."""
        sums = np.zeros((len(rows) + 1, 2), dtype=np.int64)
        np.cumsum(rows[:, 2:], axis=0, out=sums[1:])
        return cls(rows[:, 0], rows[:, 1], sums[:, 0], sums[:, 1], pieces)

    def windows(self, to_s: Ints, length_s: int) -> tuple[Ints, Ints]:
        """Return good and total of the windows of one length that end at these instants.

        A bucket that only partly lies in a window is not in it, as in the store.
        """
        return self.between(to_s - length_s, to_s)

    def between(self, from_s: Ints, to_s: Ints) -> tuple[Ints, Ints]:
        """Return good and total of the windows [from_s, to_s); good is at most total."""
        first = np.searchsorted(self.start_s, from_s)
        last = np.maximum(np.searchsorted(self.end_s, to_s, side="right"), first)
        total = self.total[last] - self.total[first]
        return np.clip(self.good[last] - self.good[first], 0, total), total

    def known_from_s(self, window_s: int) -> int | None:
        """Return since when buckets are fine enough for windows of this length; None: never."""
        fine = [piece.from_s for piece in self.pieces if window_s % piece.step_s == 0]
        return min(fine, default=None)


def read_tape(source: CountSource, sli: Sli, span: Window, step_s: int) -> Tape:
    """Read a span, in steps of ``step_s`` or, where those are forgotten, in longer ones.

    It begins with a whole bucket of the longest.
    """
    kept = source.kept_from_s()
    longest = max((step_s, *kept))
    pieces = cut(kept, (span[0] // longest * longest, span[1]), step_s)
    parts = [_rows(source, sli, piece) for piece in pieces]
    empty = np.empty((0, 4), dtype=np.int64)
    return Tape.of(np.concatenate([empty, *parts]), pieces)


def cut(kept_from_s: Mapping[int, int], span: Window, step_s: int) -> tuple[Piece, ...]:
    """Cut a span where finer buckets begin to be known, in order of time.

    A length is known from its first bucket on, if the next longer one begins there too: then
    nothing was forgotten. Else from the first whole bucket of the longer one.
    """
    steps = sorted({step_s, *(length for length in kept_from_s if length > step_s)}, reverse=True)
    begins = [_begin(kept_from_s, step) for step in steps]
    starts = [span[0]] * len(steps)
    for place, ((longer, longer_from), (_, shorter_from)) in enumerate(
        pairwise(zip(steps, begins, strict=True))
    ):
        known_from = _known_from(longer, longer_from, shorter_from, span)
        starts[place + 1] = min(max(known_from, starts[place]), span[1])
    ends = [*starts[1:], span[1]]
    return tuple(
        Piece(step, start, end)
        for step, start, end in zip(steps, starts, ends, strict=True)
        if start < end
    )


def _known_from(
    longer: int, longer_from: int | None, shorter_from: int | None, span: Window
) -> int:
    if longer_from is None:
        return span[0]
    if shorter_from is None:
        return span[1]
    forgotten = longer_from < shorter_from // longer * longer
    return -(-shorter_from // longer) * longer if forgotten else span[0]


def _begin(kept_from_s: Mapping[int, int], step_s: int) -> int | None:
    """Return since when steps can be made of buckets that are no longer and divide them."""
    made = [first for length, first in kept_from_s.items() if step_s % length == 0]
    return min(made, default=None)


def _rows(source: CountSource, sli: Sli, piece: Piece) -> Ints:
    found = source.steps(sli, piece.from_s, piece.to_s, piece.step_s)
    starts = np.maximum(found[:, 0], piece.from_s)
    ends = np.minimum(found[:, 0] + piece.step_s, piece.to_s)
    return np.column_stack([starts, ends, found[:, 1:]])
