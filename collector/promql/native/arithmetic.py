"""Sums, differences, multiples and means of native histograms.

Never hides what it had to do: each sum says if counter resets collided or bounds were reconciled.
Long sums are compensated (Neumaier), as Prometheus 3 does, so that no small count gets lost.
https://prometheus.io/docs/prometheus/latest/querying/operators/#histograms
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from collector.promql.native.histogram import NO_BUCKETS, Histogram, ResetHint, Side
from collector.promql.native.layout import common_layout, compacted, is_same_layout
from collector.promql.native.notes import Note, Notes

Fold = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From rows, one a histogram, to one row."""
_Indices = tuple[NDArray[np.int64], NDArray[np.int64]]


def add(left: Histogram, right: Histogram) -> tuple[Histogram, Notes]:
    """Return ``left + right``, compacted. Raises IncompatibleBuckets."""
    return total((left, right))


def subtract(left: Histogram, right: Histogram) -> tuple[Histogram, Notes]:
    """Return ``left - right``, compacted: always a gauge. Raises IncompatibleBuckets."""
    _, hint_notes = _hint((left, right))
    if is_same_layout(left, right):
        return compacted(_without(left, right)), hint_notes
    (one, other), is_reconciled = common_layout((left, right))
    indices, rows = _stacked((one, other))
    found = _unstacked(one, indices, rows[0] - rows[1])
    return (
        replace(compacted(found), hint=ResetHint.GAUGE),
        hint_notes | _reconciled(is_reconciled),
    )


def _without(left: Histogram, right: Histogram) -> Histogram:
    """Subtract bucket by bucket."""
    return Histogram(
        left.count - right.count,
        left.sum - right.sum,
        left.schema,
        left.zero_threshold,
        left.zero_count - right.zero_count,
        Side(left.positive.indices, left.positive.counts - right.positive.counts),
        Side(left.negative.indices, left.negative.counts - right.negative.counts),
        left.custom_values,
        ResetHint.GAUGE,
    )


def scale(histogram: Histogram, factor: float) -> Histogram:
    """Return ``histogram * factor``; a negative factor makes a gauge of it."""
    with np.errstate(over="ignore", invalid="ignore"):
        return Histogram(
            histogram.count * factor,
            histogram.sum * factor,
            histogram.schema,
            histogram.zero_threshold,
            histogram.zero_count * factor,
            Side(histogram.positive.indices, histogram.positive.counts * factor),
            Side(histogram.negative.indices, histogram.negative.counts * factor),
            histogram.custom_values,
            ResetHint.GAUGE if factor < 0 else histogram.hint,
        )


def divide(histogram: Histogram, divisor: float) -> Histogram:
    """Return ``histogram / divisor``; divided by zero it has no buckets, and Inf or NaN counts."""
    hint = ResetHint.GAUGE if divisor < 0 else histogram.hint

    def shared(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):
            return counts / divisor

    count, total_, zeros = shared(
        np.array([histogram.count, histogram.sum, histogram.zero_count])
    ).tolist()
    found = replace(histogram, count=count, sum=total_, zero_count=zeros, hint=hint)
    if divisor == 0:
        return replace(found, positive=NO_BUCKETS, negative=NO_BUCKETS)
    return replace(
        found,
        positive=Side(histogram.positive.indices, shared(histogram.positive.counts)),
        negative=Side(histogram.negative.indices, shared(histogram.negative.counts)),
    )


def negate(histogram: Histogram) -> Histogram:
    """Return ``-histogram``: a gauge."""
    return scale(histogram, -1.0)


def total(histograms: Sequence[Histogram]) -> tuple[Histogram, Notes]:
    """Return the sum of at least one histogram, compacted. Raises IncompatibleBuckets."""
    return _folded(histograms, _compensated)


def mean(histograms: Sequence[Histogram]) -> tuple[Histogram, Notes]:
    """Return the arithmetic mean, also where the sum would overflow. Raises IncompatibleBuckets."""
    return _folded(histograms, _averaged)


def joined_hint(left: ResetHint, right: ResetHint) -> ResetHint:
    """Return the hint of a sum: a gauge makes a gauge, else what is not the same is unknown."""
    if left is right:
        return left
    return ResetHint.GAUGE if ResetHint.GAUGE in {left, right} else ResetHint.UNKNOWN


def _folded(histograms: Sequence[Histogram], fold: Fold) -> tuple[Histogram, Notes]:
    aligned, is_reconciled = common_layout(histograms)
    indices, rows = _stacked(aligned)
    hint, notes = _hint(histograms)
    found = _unstacked(aligned[0], indices, fold(rows))
    return replace(compacted(found), hint=hint), notes | _reconciled(is_reconciled)


def _hint(histograms: Sequence[Histogram]) -> tuple[ResetHint, Notes]:
    hints = [one.hint for one in histograms]
    is_collision = {ResetHint.RESET, ResetHint.NOT_RESET} <= set(hints)
    return reduce(joined_hint, hints), frozenset({Note.COLLIDING_RESETS} if is_collision else ())


def _reconciled(is_reconciled: bool) -> Notes:  # noqa: FBT001 -- the name says it
    return frozenset({Note.RECONCILED_BOUNDS} if is_reconciled else ())


def _stacked(histograms: Sequence[Histogram]) -> tuple[_Indices, NDArray[np.float64]]:
    """Return the union of the buckets, and a row of count, sum, zero count, buckets for each."""
    positive = _union(one.positive.indices for one in histograms)
    negative = _union(one.negative.indices for one in histograms)
    rows = np.zeros((len(histograms), 3 + len(positive) + len(negative)))
    for row, one in zip(rows, histograms, strict=True):
        row[:3] = one.count, one.sum, one.zero_count
        _place(row[3 : 3 + len(positive)], positive, one.positive)
        _place(row[3 + len(positive) :], negative, one.negative)
    return (positive, negative), rows


def _place(row: NDArray[np.float64], indices: NDArray[np.int64], side: Side) -> None:
    if len(side.indices) == len(indices):
        row[:] = side.counts
    else:
        row[np.searchsorted(indices, side.indices)] = side.counts


def _unstacked(like: Histogram, indices: _Indices, row: NDArray[np.float64]) -> Histogram:
    positive, negative = indices
    count, total_, zeros = row[:3].tolist()
    return replace(
        like,
        count=count,
        sum=total_,
        zero_count=zeros,
        positive=Side(positive, row[3 : 3 + len(positive)]),
        negative=Side(negative, row[3 + len(positive) :]),
    )


def _union(indices: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    first, *others = indices
    if all(np.array_equal(first, other) for other in others):
        return first
    return np.unique(np.concatenate([first, *others]))


def _compensated(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum the rows as Neumaier does; what overflows is Inf."""
    found: NDArray[np.float64] = rows[0].copy()
    lost = np.zeros_like(found)
    with np.errstate(over="ignore", invalid="ignore"):
        for row in rows[1:]:
            new = found + row
            is_larger = np.abs(found) >= np.abs(row)
            rest = np.where(is_larger, (found - new) + row, (row - new) + found)
            lost = np.where(np.isinf(new), 0.0, lost + rest)
            found = new
        found += lost
    return found


def _averaged(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    sums = _compensated(rows)
    is_overflow = np.isinf(sums) & np.isfinite(rows).all(axis=0)
    averages: NDArray[np.float64] = sums / len(rows)
    if is_overflow.any():
        averages[is_overflow] = _compensated(rows[:, is_overflow] / len(rows))
    return averages
