"""A source of samples that lie in memory: for tests, notebooks and rules over made-up series.

Never reads anything, never changes what it was given.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from collector.promql.matchers import selected
from collector.promql.samples import Labels, Matcher, Samples

Series = (
    tuple[Labels, npt.ArrayLike, npt.ArrayLike]
    | tuple[Labels, npt.ArrayLike, npt.ArrayLike, Sequence[Any] | None]
)
"""Labels, times in ms, values, and histograms if some samples are native histograms."""


class MemorySource:
    """Series in memory, given out in blocks of at most ``block_size`` in the order they came.

    Labels may come unsorted or with empty values, times must ascend. The histograms of a series
    are as long as its values, with None where the value counts.
    """

    def __init__(self, series: Iterable[Series], *, block_size: int = 500) -> None:
        self._series = [_columns(*entry) for entry in series]
        self._block_size = block_size

    def select(self, matchers: Sequence[Matcher], from_ms: int, to_ms: int) -> Iterator[Samples]:
        """Give the series that fit, without those that have no sample in [from_ms, to_ms]."""
        fits = selected(matchers)
        found = (
            window
            for series in self._series
            if fits(series[0]) and len((window := _cut(series, from_ms, to_ms))[1])
        )
        while batch := list(islice(found, self._block_size)):
            yield _block(batch)


_Columns = tuple[Labels, npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[Any] | None]


def _columns(
    labels: Labels,
    times_ms: npt.ArrayLike,
    values: npt.ArrayLike,
    histograms: Sequence[Any] | None = None,
) -> _Columns:
    times = np.asarray(times_ms, np.int64)
    if (np.diff(times) <= 0).any():
        raise ValueError(f"the times of {labels} do not ascend")
    floats = np.asarray(values, np.float64)
    natives = None
    if histograms is not None:
        natives = np.empty(len(times), object)
        natives[:] = histograms
    kept = tuple(sorted((name, value) for name, value in labels if value))
    return kept, times, floats, natives


def _cut(series: _Columns, from_ms: int, to_ms: int) -> _Columns:
    labels, times, values, histograms = series
    low, high = np.searchsorted(times, (from_ms, to_ms + 1))
    within = slice(int(low), int(high))
    natives = None if histograms is None else histograms[within]
    return labels, times[within], values[within], natives


def _block(batch: list[_Columns]) -> Samples:
    lengths = [len(times) for _, times, _, _ in batch]
    histograms = None
    if any(natives is not None for _, _, _, natives in batch):
        histograms = np.concatenate(
            [
                np.full(length, None, object) if natives is None else natives
                for length, (_, _, _, natives) in zip(lengths, batch, strict=True)
            ]
        )
    return Samples(
        labels=[labels for labels, _, _, _ in batch],
        offsets=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        times_ms=np.concatenate([times for _, times, _, _ in batch]),
        values=np.concatenate([values for _, _, values, _ in batch]),
        histograms=histograms,
    )
