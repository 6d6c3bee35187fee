"""Where buckets end, and how histograms of different layouts come to the same one.

Never changes a total: counts only move to wider buckets. The rules are those of Prometheus:
https://prometheus.io/docs/specs/native_histograms/#zero-bucket and #custom-buckets
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from collector.promql.native.histogram import (
    NO_BUCKETS,
    Histogram,
    IncompatibleBuckets,
    Side,
    merged,
)

_HIGHEST_EXPONENT = 1024


def upper_bounds(indices: NDArray[np.int64], schema: int) -> NDArray[np.float64]:
    """Return the upper bounds of exponential buckets; past the doubles the largest, then +Inf."""
    exponents = np.ldexp(indices.astype(np.float64), -schema)
    whole = np.floor(exponents)
    bounded = np.minimum(whole, _HIGHEST_EXPONENT).astype(np.int32)
    with np.errstate(over="ignore"):
        bounds: NDArray[np.float64] = np.ldexp(np.exp2(exponents - whole), bounded)
    bounds[exponents == _HIGHEST_EXPONENT] = np.finfo(np.float64).max
    return bounds


def is_same_layout(left: Histogram, right: Histogram) -> bool:
    """Say whether the same buckets are named in both: they can be taken one by one."""
    return (
        left.schema == right.schema
        and left.zero_threshold == right.zero_threshold
        and left.custom_values == right.custom_values
        and _is_equal(left.positive.indices, right.positive.indices)
        and _is_equal(left.negative.indices, right.negative.indices)
    )


def has_within_zero(histogram: Histogram) -> bool:
    """Say whether some bucket lies inside the zero bucket, where it does not count by itself."""
    limit = histogram.zero_threshold
    lowest = [int(side.indices[0]) for side in (histogram.positive, histogram.negative)
              if limit > 0 and len(side.indices)]  # fmt: skip
    if not lowest or histogram.is_custom:
        return False
    exponent = min(lowest) * 2.0**-histogram.schema
    return exponent <= math.log2(limit) + 1e-9


def _is_equal(left: NDArray[np.int64], right: NDArray[np.int64]) -> bool:
    if left is right:
        return True
    return len(left) == len(right) and left.tobytes() == right.tobytes()


def custom_bounds(
    indices: NDArray[np.int64], values: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return lower and upper bounds of custom buckets, from -Inf to +Inf."""
    ends = np.array([-np.inf, *values, np.inf])
    places = np.minimum(indices, len(values))
    return ends[places], ends[places + 1]


def at_schema(histogram: Histogram, schema: int) -> Histogram:
    """Return the histogram with coarser exponential buckets; a finer schema is refused."""
    steps = histogram.schema - schema
    if steps == 0:
        return histogram
    if steps < 0 or histogram.is_custom:
        raise ValueError(f"schema {histogram.schema} cannot become {schema}")
    return replace(
        histogram,
        schema=schema,
        positive=_coarser(histogram.positive, steps),
        negative=_coarser(histogram.negative, steps),
    )


def compacted(histogram: Histogram) -> Histogram:
    """Return the histogram without empty buckets."""
    positive, negative = _filled(histogram.positive), _filled(histogram.negative)
    if positive is histogram.positive and negative is histogram.negative:
        return histogram
    return replace(histogram, positive=positive, negative=negative)


def zero_bucket_at(histogram: Histogram, threshold: float) -> tuple[float, float]:
    """Return zero count and threshold, once it is raised to at least ``threshold``.

    No populated bucket is split: the threshold moves to the far end of the one it falls into.
    """
    if threshold == histogram.zero_threshold:
        return histogram.zero_count, threshold
    sides = [
        (side.counts, *_ends(side, histogram.schema))
        for side in (histogram.positive, histogram.negative)
    ]
    while True:
        cuts = [
            float(highs[index])
            for counts, lows, highs in sides
            for index in np.flatnonzero((lows < threshold) & (highs > threshold) & (counts != 0))
        ]
        if not cuts:
            break
        threshold = max(cuts)
    inside = sum(float(counts[lows < threshold].sum()) for counts, lows, _ in sides)
    return histogram.zero_count + inside, threshold


def widened(histogram: Histogram, threshold: float) -> Histogram:
    """Return the histogram with a zero bucket up to at least ``threshold``."""
    count, reached = zero_bucket_at(histogram, threshold)
    if reached == histogram.zero_threshold:
        return histogram
    return replace(
        histogram,
        zero_count=count,
        zero_threshold=reached,
        positive=_beyond(histogram.positive, histogram.schema, reached),
        negative=_beyond(histogram.negative, histogram.schema, reached),
    )


def common_layout(histograms: Sequence[Histogram]) -> tuple[list[Histogram], bool]:
    """Return all at one schema, zero threshold and set of custom bounds; say if bounds differed.

    Custom bounds become those that all have. Exponential buckets beside custom ones are refused.
    """
    first = histograms[0]
    if any(one.is_custom != first.is_custom for one in histograms):
        raise IncompatibleBuckets("exponential and custom buckets do not mix")
    if first.is_custom:
        return _common_bounds(histograms)
    schema = min(one.schema for one in histograms)
    threshold = max(one.zero_threshold for one in histograms)
    if all(one.zero_threshold == threshold for one in histograms):
        return [at_schema(one, schema) for one in histograms], False
    while True:
        reached = max(zero_bucket_at(one, threshold)[1] for one in histograms)
        if reached == threshold:
            break
        threshold = reached
    return [at_schema(widened(one, threshold), schema) for one in histograms], False


def _common_bounds(histograms: Sequence[Histogram]) -> tuple[list[Histogram], bool]:
    bounds = histograms[0].custom_values
    if all(one.custom_values == bounds for one in histograms):
        return list(histograms), False
    shared = tuple(sorted(set(bounds).intersection(*(one.custom_values for one in histograms))))
    return [_rebound(one, shared) for one in histograms], True


def _rebound(histogram: Histogram, bounds: tuple[float, ...]) -> Histogram:
    _, highs = custom_bounds(histogram.positive.indices, histogram.custom_values)
    indices = np.searchsorted(np.array(bounds), highs).astype(np.int64)
    moved = merged(indices, histogram.positive.counts)
    return replace(histogram, custom_values=bounds, positive=moved)


def _coarser(side: Side, steps: int) -> Side:
    return merged(((side.indices - 1) >> steps) + 1, side.counts)


def _filled(side: Side) -> Side:
    if side.counts.all():
        return side
    kept = side.counts != 0
    return Side(side.indices[kept], side.counts[kept]) if kept.any() else NO_BUCKETS


def _beyond(side: Side, schema: int, threshold: float) -> Side:
    lows, _ = _ends(side, schema)
    kept = (lows >= threshold) & (side.counts != 0)
    return Side(side.indices[kept], side.counts[kept])


def _ends(side: Side, schema: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return upper_bounds(side.indices - 1, schema), upper_bounds(side.indices, schema)
