"""Rows of numbers -> Samples, for many series: put in their places by compiled loops.

Takes rows in the order in which they came, or sorted ones of some hours beside each other, and
reads each twice: to count, to place. Only series whose times are not in order are sorted, which is
cheap for a few runs that each are. Deltas are for ``points`` to add up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from collector.promql.kernels import placing
from collector.promql.samples import STALE, Labels, Samples

_NOBODY: Final = -1
_MANY_FALLS: Final = 8
"""Merging run after run would take longer than sorting."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Samples of series, as ``Samples`` has them but for their labels: some may have none."""

    offsets: NDArray[np.int64]
    times_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    has_twins: bool
    """Whether a series has two samples of one moment."""


@dataclass(frozen=True, slots=True)
class Seats:
    """Which of ``count`` series each stream feeds: ``positions[stream - first]``, or -1."""

    first: int
    positions: NDArray[np.int32]
    count: int

    @property
    def last(self) -> int:
        """The last stream."""
        return self.first + len(self.positions) - 1


def seats(streams: Sequence[int], positions: Sequence[int], count: int) -> Seats:
    """Give each stream the place of its series."""
    first = min(streams)
    found = np.full(max(streams) - first + 1, _NOBODY, np.int32)
    found[np.array(streams, np.int64) - first] = positions
    return Seats(first, found, count)


def tally(streams: pa.Table, given: Seats) -> NDArray[np.int64]:
    """Return the rows of each series, of a table of (stream, rows)."""
    positions = given.positions[streams["stream"].to_numpy() - given.first]
    is_asked = positions != _NOBODY
    rows = streams["rows"].to_numpy()[is_asked]
    found = np.bincount(positions[is_asked], weights=rows, minlength=given.count)
    return found.astype(np.int64)


def placed(rows: pa.Table, given: Seats) -> Placed:
    """Place rows of (stream, time_ns, value); of equal times the later row comes later."""
    counts = np.zeros(given.count, np.int64)
    batches = rows.to_batches()
    for batch in batches:
        placing.count(batch["stream"].to_numpy(), given.first, given.positions, counts)
    offsets = np.concatenate(([0], np.cumsum(counts)))
    times_ms, values = np.empty(offsets[-1], np.int64), np.empty(offsets[-1])
    ends = offsets[:-1].copy()
    for batch in batches:
        placing.place(
            batch["stream"].to_numpy(),
            given.first,
            given.positions,
            batch["time_ns"].to_numpy(),
            _doubles(batch["value"]),
            ends,
            times_ms,
            values,
        )
    return _sorted(offsets, times_ms, values)


def without_twins(found: Placed) -> Placed:
    """Keep the last sample of each moment."""
    if not found.has_twins:
        return found
    offsets = placing.drop_twins(found.offsets, found.times_ms, found.values)
    kept = slice(int(offsets[-1]))
    return Placed(offsets, found.times_ms[kept], found.values[kept], has_twins=False)


def labelled(found: Placed, labels: Sequence[Labels]) -> Samples:
    """Return the series that have a sample."""
    filled = np.flatnonzero(np.diff(found.offsets))
    offsets = np.append(found.offsets[filled], found.offsets[-1])
    return Samples([labels[one] for one in filled.tolist()], offsets, found.times_ms, found.values)


def _sorted(
    offsets: NDArray[np.int64], times_ms: NDArray[np.int64], values: NDArray[np.float64]
) -> Placed:
    has_twins, falls = placing.tidiness(offsets, times_ms)
    for series in np.flatnonzero(falls > _MANY_FALLS).tolist():
        own = slice(offsets[series], offsets[series + 1])
        order = np.argsort(times_ms[own], kind="stable")
        times_ms[own], values[own] = times_ms[own][order], values[own][order]
    if falls.any():
        placing.merge_runs(offsets, np.where(falls > _MANY_FALLS, 0, falls), times_ms, values)
        has_twins, _ = placing.tidiness(offsets, times_ms)
    return Placed(offsets, times_ms, values, has_twins=bool(has_twins.any()))


def _doubles(column: pa.Array) -> NDArray[np.float64]:
    """Return doubles with stale markers for NULL."""
    if not column.null_count:
        return np.asarray(column.to_numpy(), np.float64)
    values = np.array(column.to_numpy(zero_copy_only=False), np.float64)
    values[column.is_null().to_numpy(zero_copy_only=False)] = STALE
    values.flags.writeable = False  # as the others are: loops are compiled for one kind of array
    return values
