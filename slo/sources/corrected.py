"""Counts without the spans of time that corrections exclude: a source over another.

What is excluded was never there: it is taken from good, from total and from the measured time, in
every window and at every step. Law: as if the rows had not been stored.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from slo.model import EdgeSli
from slo.sources import EdgeSource, Window
from slo.sources.match import steps_within_total, within_total


class CorrectedSource:
    """A source without some spans, which are disjoint and in order of time."""

    def __init__(self, inner: EdgeSource, excluded: Sequence[Window]) -> None:
        self._inner = inner
        self._excluded = tuple(excluded)

    def counts(self, slis: Sequence[EdgeSli], windows: Sequence[Window]) -> NDArray[np.int64]:
        """Return good and total, shaped (len(slis), len(windows), 2)."""
        return within_total(self.tallies(slis, windows))

    def tallies(self, slis: Sequence[EdgeSli], windows: Sequence[Window]) -> NDArray[np.int64]:
        """Return the same without the promise: the whole window less its excluded parts."""
        parts = [(place, part) for place, one in enumerate(windows) for part in self._parts(one)]
        found = self._inner.tallies(slis, [*windows, *(part for _, part in parts)])
        kept = found[:, : len(windows)].copy()
        for column, (place, _) in enumerate(parts, start=len(windows)):
            kept[:, place] -= found[:, column]
        return kept

    def series(self, sli: EdgeSli, from_s: int, to_s: int, step_s: int) -> NDArray[np.int64]:
        """Return rows of (bucket_s, good, total), one per step that touches [from_s, to_s)."""
        rows = self.steps(sli, from_s, to_s, step_s)
        rows[:, 1:] = steps_within_total(rows[:, 1:])
        return rows

    def steps(self, sli: EdgeSli, from_s: int, to_s: int, step_s: int) -> NDArray[np.int64]:
        """Return the rows of ``series`` without the promise."""
        rows = self._inner.steps(sli, from_s, to_s, step_s)
        for part in self._parts((from_s, to_s)):
            taken = self._inner.steps(sli, *part, step_s)
            first = part[0] // step_s - from_s // step_s
            rows[first : first + len(taken), 1:] -= taken[:, 1:]
        return rows

    def many_steps(
        self, slis: Sequence[EdgeSli], from_s: int, to_s: int, step_s: int
    ) -> NDArray[np.int64]:
        """Return good and total of many indicators at every step; ends as those of ``inner``."""
        found = self._inner.many_steps(slis, from_s, to_s, step_s).copy()
        for begin_s, end_s in self._parts((from_s, to_s)):
            for place, sli in enumerate(slis):
                taken = self._inner.steps(sli, begin_s, end_s, step_s)
                first = (begin_s - from_s) // step_s
                found[place, first : first + len(taken)] -= taken[:, 1:]
        return found

    def kept_from_s(self) -> dict[int, int]:
        """Return since when buckets of each length are known."""
        return self._inner.kept_from_s()

    def covered_s(self, windows: Sequence[Window]) -> NDArray[np.int64]:
        """Return how many seconds of each window were measured and count."""
        covered = self._inner.covered_s(windows).copy()
        for place, window in enumerate(windows):
            covered[place] -= int(self._inner.covered_s(self._parts(window)).sum())
        return covered

    def _parts(self, window: Window) -> list[Window]:
        """Return what is excluded of a window."""
        cut = [(max(a, window[0]), min(b, window[1])) for a, b in self._excluded]
        return [(a, b) for a, b in cut if a < b]
