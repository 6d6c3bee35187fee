"""Where counts come from. ``edges`` reads the store; ``fixed`` holds rows in memory for tests."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from slo.model import Sli

Window = tuple[int, int]
"""A span [from_s, to_s) in unix seconds, exact to the store's 10 s buckets."""


class CountSource(Protocol):
    """Exact integer counts for many indicators over many windows at once.

    Implementations promise 0 <= good <= total, and zeros where nothing was measured.
    """

    def counts(self, slis: Sequence[Sli], windows: Sequence[Window]) -> NDArray[np.int64]:
        """Return good and total, shaped (len(slis), len(windows), 2)."""
        ...

    def tallies(self, slis: Sequence[Sli], windows: Sequence[Window]) -> NDArray[np.int64]:
        """Return ``counts`` as they were counted, without the promise, to be summed further."""
        ...

    def series(self, sli: Sli, from_s: int, to_s: int, step_s: int) -> NDArray[np.int64]:
        """Return rows of (bucket_s, good, total), one per step that touches [from_s, to_s).

        Steps start at multiples of ``step_s``; the first and last hold only what is in the span.
        The promise holds for every running sum: a step may make good what an earlier one owed.
        """
        ...

    def steps(self, sli: Sli, from_s: int, to_s: int, step_s: int) -> NDArray[np.int64]:
        """Return the rows of ``series`` as they were counted, without the promise.

        Sums of them end as windows of ``counts`` do: good is at most the total of the sum.
        """
        ...

    def many_steps(
        self, slis: Sequence[Sli], from_s: int, to_s: int, step_s: int
    ) -> NDArray[np.int64]:
        """Return what ``steps`` counts for many indicators at once, shaped (slis, steps, 2).

        The step is 10, 60 or 3600 s, and both ends are multiples of it.
        """
        ...

    def kept_from_s(self) -> dict[int, int]:
        """Return since when buckets of each length in seconds are known; nothing without any."""
        ...

    def covered_s(self, windows: Sequence[Window]) -> NDArray[np.int64]:
        """Return how many seconds of each window were measured at all."""
        ...
