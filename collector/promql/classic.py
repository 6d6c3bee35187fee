"""Quantiles and fractions of classic histograms: cumulative counts in buckets that end at ``le``.

Never parses a label or groups series: it takes one histogram, buckets x steps, and returns a value
for each step. At some steps some buckets may be missing. Observations are taken to lie evenly
inside a bucket, and the first one to begin at 0 if it ends above 0.
https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float64]
_Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Lifts:
    """Where falling counts were lifted, at each step: NaN where there was no need.

    lowest, highest: the upper bounds of the first and last bucket lifted. most: by how much.
    """

    lowest: _Floats
    highest: _Floats
    most: _Floats

    @property
    def is_lifted(self) -> _Flags:
        """At which steps there was need."""
        return ~np.isnan(self.most)


SMALL_DIFFERENCE: Final = 1e-12
"""Counts this close (relative to their sum) are the same: rounding made them differ."""
_SMALLEST_NORMAL: Final = float(np.finfo(np.float64).tiny)


def quantile(
    bounds: _Floats, counts: _Floats, present: _Flags, q: _Floats
) -> tuple[_Floats, Lifts]:
    """Return the quantile at each step, and where falling counts had to be lifted (an info).

    bounds: b upper bounds in any order, the same one perhaps twice. counts: b x k, cumulative.
    present: b x k. q: k. NaN at steps without buckets or observations, with a NaN ``q``, with one
    bucket only or none that ends at +Inf; -Inf for q < 0, +Inf for q > 1. In the last bucket the
    answer is the bound before it.
    """
    values = np.where(q < 0, -np.inf, np.where(q > 1, np.inf, np.nan))
    lifts = Lifts(*(np.full(len(q), np.nan) for _ in range(3)))
    usable = (q >= 0) & (q <= 1)
    for ends, columns, rows in _complete(bounds, counts, present, usable):
        fixed = _monotonic(ends, rows, columns, lifts)
        if len(ends) > 1:
            values[columns] = _interpolated(ends, fixed, q[columns])
    return values, lifts


def fraction(
    bounds: _Floats, counts: _Floats, present: _Flags, lower: _Floats, upper: _Floats
) -> _Floats:
    """Return the share of observations between two values at each step.

    lower, upper: k. Other shapes as for ``quantile``. NaN where there are no buckets, no
    observations, no bucket that ends at +Inf, or where a limit is NaN; 0 where lower >= upper.
    What lies above the last finite bound counts only for an upper limit of +Inf.
    """
    values = np.full(len(lower), np.nan)
    usable = ~(np.isnan(lower) | np.isnan(upper))
    for ends, columns, rows in _complete(bounds, counts, present, usable):
        with np.errstate(all="ignore"):
            below, under = _ranks(ends, rows, lower[columns]), _ranks(ends, rows, upper[columns])
            found = (under - below) / rows[-1]
        found[lower[columns] >= upper[columns]] = 0.0
        values[columns] = np.where(rows[-1] == 0, np.nan, found)
    return values


def _complete(
    bounds: _Floats, counts: _Floats, present: _Flags, usable: _Flags
) -> Iterator[tuple[_Floats, NDArray[np.int64], _Floats]]:
    """Give sorted bounds, steps and counts for each set of buckets that ends at +Inf."""
    order = np.argsort(bounds, kind="stable")
    bounds, counts, present = bounds[order], counts[order], present[order]
    steps = np.flatnonzero(usable & present.any(axis=0))
    if not len(steps):
        return
    for pattern, columns in _patterns(present, steps):
        ends = bounds[pattern]
        if ends[-1] != np.inf:
            continue
        starts = np.concatenate(([0], np.flatnonzero(ends[1:] != ends[:-1]) + 1))
        rows = np.add.reduceat(counts[np.ix_(pattern, columns)], starts, axis=0)
        yield ends[starts], columns, rows


def _patterns(
    present: _Flags, steps: NDArray[np.int64]
) -> Iterator[tuple[_Flags, NDArray[np.int64]]]:
    """Give each set of buckets that are there together, and the steps where they are."""
    shown = present[:, steps]
    if shown.all():
        yield shown[:, 0], steps
        return
    packed = np.ascontiguousarray(np.packbits(shown, axis=0).T)
    codes = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, kinds = np.unique(codes, return_index=True, return_inverse=True)
    for kind, column in enumerate(first):
        yield shown[:, column], steps[kinds == kind]


def _monotonic(ends: _Floats, rows: _Floats, columns: NDArray[np.int64], lifts: Lifts) -> _Floats:
    """Return counts that never fall; enter into ``lifts`` what more than rounding was mended."""
    fixed = rows.copy()
    last = rows[0].copy()
    for end, row in zip(ends[1:], fixed[1:], strict=True):
        is_same = _is_close(last, row)
        is_lower = (row < last) & ~is_same
        low = columns[is_lower]
        lifts.lowest[low] = np.fmin(lifts.lowest[low], end)
        lifts.highest[low] = np.fmax(lifts.highest[low], end)
        lifts.most[low] = np.fmax(lifts.most[low], (last - row)[is_lower])
        row[is_same | is_lower] = last[is_same | is_lower]
        last = row
    return fixed


def _is_close(left: _Floats, right: _Floats) -> _Flags:
    with np.errstate(all="ignore"):
        size, gap = np.abs(left) + np.abs(right), np.abs(left - right)
        is_tiny = (left == 0) | (right == 0) | (size < _SMALLEST_NORMAL)
        limit = np.where(is_tiny, _SMALLEST_NORMAL, np.minimum(size, np.finfo(np.float64).max))
        is_close: _Flags = (left == right) | (gap < SMALL_DIFFERENCE * limit)
    return is_close


def _interpolated(ends: _Floats, counts: _Floats, q: _Floats) -> _Floats:
    """Return quantiles of two or more buckets whose counts do not fall."""
    total, steps = counts[-1], np.arange(len(q))
    rank = q * total
    place = _first_reaching(counts[:-1], rank)
    before = np.maximum(place - 1, 0)
    is_first = place == 0
    start = np.where(is_first, 0.0, ends[before])
    under = np.where(is_first, 0.0, counts[before, steps])
    with np.errstate(all="ignore"):
        inside = (rank - under) / (counts[place, steps] - under)
        values = start + (ends[place] - start) * inside
    values = np.where(is_first & (ends[0] <= 0), ends[0], values)
    values = np.where(place == len(ends) - 1, ends[-2], values)
    return np.where(total == 0, np.nan, values)


def _first_reaching(counts: _Floats, rank: _Floats) -> NDArray[np.int64]:
    """Search each step by halves, so that a NaN among the counts is met as Prometheus meets it."""
    low = np.zeros(len(rank), np.int64)
    high = np.full(len(rank), len(counts), np.int64)
    steps = np.arange(len(rank))
    while (open_ := low < high).any():
        middle = (low + high) // 2
        reaches = counts[np.minimum(middle, len(counts) - 1), steps] >= rank
        high = np.where(open_ & reaches, middle, high)
        low = np.where(open_ & ~reaches, middle + 1, low)
    return low


def _ranks(ends: _Floats, counts: _Floats, values: _Floats) -> _Floats:
    """Return how many observations lie below a value at each step."""
    steps = np.arange(len(values))
    place = np.searchsorted(ends, values)
    starts = np.concatenate(([0.0 if ends[0] > 0 else -np.inf], ends[:-1]))
    under = np.where(place == 0, 0.0, counts[np.maximum(place - 1, 0), steps])
    inside = counts[place, steps] - under
    found = under + inside * (values - starts[place]) / (ends[place] - starts[place])
    found = np.where(starts[place] == -np.inf, counts[0], found)
    found = np.where(values <= starts[place], under, found)
    found = np.where(ends[place] == values, counts[place, steps], found)
    return np.where(found > counts[-1], counts[-1], found)
