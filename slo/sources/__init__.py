"""Where counts come from: good and total events of indicators, in integers.

``edges`` reads the store with ``match`` and ``spans``; ``fixed`` holds rows in memory for tests.
``corrected`` leaves out spans of time. ``minutes`` makes every other indicator of these: slices
(``slices``), PromQL (``queries`` with ``increases``) and composites; ``counting`` puts it together.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from slo.model import EdgeSli, Sli

S_contra = TypeVar("S_contra", contravariant=True)

Window = tuple[int, int]
"""A span [from_s, to_s) in unix seconds, exact to the store's 10 s buckets."""


class SourceOf(Protocol[S_contra]):
    """Exact integer counts for many indicators of a kind over many windows at once.

    Implementations promise 0 <= good <= total, and zeros where nothing was measured.
    """

    def counts(self, slis: Sequence[S_contra], windows: Sequence[Window]) -> NDArray[np.int64]:
        """Return good and total, shaped (len(slis), len(windows), 2)."""
        ...

    def tallies(self, slis: Sequence[S_contra], windows: Sequence[Window]) -> NDArray[np.int64]:
        """Return ``counts`` as they were counted, without the promise, to be summed further."""
        ...

    def series(self, sli: S_contra, from_s: int, to_s: int, step_s: int) -> NDArray[np.int64]:
        """Return rows of (bucket_s, good, total), one per step that touches [from_s, to_s).

        Steps start at multiples of ``step_s``; the first and last hold only what is in the span.
        The promise holds for every running sum: a step may make good what an earlier one owed.
        """
        ...

    def steps(self, sli: S_contra, from_s: int, to_s: int, step_s: int) -> NDArray[np.int64]:
        """Return the rows of ``series`` as they were counted, without the promise.

        Sums of them end as windows of ``counts`` do: good is at most the total of the sum.
        """
        ...

    def many_steps(
        self, slis: Sequence[S_contra], from_s: int, to_s: int, step_s: int
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


CountSource = SourceOf[Sli]
"""Knows every indicator."""
EdgeSource = SourceOf[EdgeSli]
"""Knows those that count requests of the mesh."""
