"""Quantiles, fractions, mean and spread of one native histogram.

Never warns about a quantile outside 0..1: the engine does. Observations inside an exponential
bucket are taken to lie evenly on the logarithm, in the zero bucket and in custom ones on the line.
https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
"""

import math

import numpy as np

from collector.promql.native.buckets import Spans, spans
from collector.promql.native.histogram import Histogram
from collector.promql.native.notes import Note

Answer = tuple[float, Note | None]


def average(histogram: Histogram) -> float:
    """Return sum / count: NaN when empty."""
    return _ratio(histogram.sum, histogram.count)


def variance(histogram: Histogram) -> float:
    """Return the mean square distance from the mean, taking each bucket at its middle.

    The middle is the geometric one, of custom buckets the arithmetic one, of the zero bucket 0.
    """
    found = spans(histogram)
    with np.errstate(all="ignore"):
        if histogram.is_custom:
            middles = (found.upper + found.lower) / 2
        else:
            middles = np.sign(found.upper) * np.sqrt(found.upper * found.lower)
            middles[(found.lower <= 0) & (found.upper >= 0)] = 0.0
        distances = found.counts * (middles - average(histogram)) ** 2
    return _ratio(math.fsum(distances[found.counts != 0].tolist()), histogram.count)


def deviation(histogram: Histogram) -> float:
    """Return the root of the variance."""
    spread = variance(histogram)
    return math.sqrt(spread) if spread >= 0 else math.nan


def quantile(histogram: Histogram, q: float) -> Answer:
    """Return the q-quantile: NaN when empty, -Inf below 0, +Inf above 1.

    NaN observations count as if they were the largest ones.
    """
    if q < 0 or q > 1:
        return math.copysign(math.inf, q - 0.5), None
    if histogram.count == 0 or math.isnan(q):
        return math.nan, None
    is_forward = math.isnan(histogram.sum) or q < 0.5
    step = 1 if is_forward else -1
    found = spans(histogram)
    counts = found.counts[::step]
    rank = (q if is_forward else 1 - q) * histogram.count
    running = np.cumsum(counts)
    hits = np.flatnonzero((running >= rank) & (counts != 0))
    if not len(counts):
        return (math.nan, Note.NAN_RESULT) if math.isnan(histogram.sum) else (0.0, None)
    place = int(hits[0]) if len(hits) else len(counts) - 1
    low, high = float(found.lower[::step][place]), float(found.upper[::step][place])
    if histogram.is_custom:
        if low == -math.inf and high <= 0:
            return high, None
        if low != -math.inf and high == math.inf:
            return low, None
        low = max(low, 0.0) if low == -math.inf else low
    elif low < 0 < high:
        low, high = _one_sided(histogram, low, high)
    reached = min(float(running[place]), histogram.count)
    if reached < rank:
        return (math.nan, Note.NAN_RESULT) if math.isnan(histogram.sum) else (high, None)
    inside = float(counts[place])
    rest = rank - (reached - inside) if is_forward else reached - rank
    value = _between(histogram, low, high, _ratio(rest, inside))
    is_skewed = math.isnan(histogram.sum) and float(running[-1]) < histogram.count
    return value, Note.NAN_SKEW if is_skewed else None


def fraction(histogram: Histogram, lower: float, upper: float) -> Answer:
    """Return how much of all observations lies between two values.

    NaN when empty or for a NaN bound, 0 where lower >= upper. NaN observations lie nowhere.
    """
    if histogram.count == 0 or math.isnan(lower) or math.isnan(upper):
        return math.nan, None
    if lower >= upper:
        return 0.0, None
    count, note = histogram.count, None
    if math.isnan(histogram.sum):
        in_buckets = math.fsum(spans(histogram).counts.tolist())
        note = Note.NAN_LEFT_OUT if in_buckets < count else None
        count = in_buckets
    below = [min(rank, count) for rank in _ranks(histogram, lower, upper, count)]
    return (below[1] - below[0]) / histogram.count, note


def _ranks(histogram: Histogram, lower: float, upper: float, count: float) -> tuple[float, ...]:
    """Return how many observations lie below each of two values."""
    found = spans(histogram)
    return tuple(_rank(histogram, found, value, count) for value in (lower, upper))


def _rank(histogram: Histogram, found: Spans, value: float, count: float) -> float:
    rank = 0.0
    columns = (found.lower.tolist(), found.upper.tolist(), found.counts.tolist())
    for start, end, inside in zip(*columns, strict=True):
        is_zero = start <= 0 <= end
        low, high = _one_sided(histogram, start, end) if is_zero else (start, end)
        if low >= value:
            return rank
        if low < value < high:
            if low == -math.inf:
                return float(inside)
            is_linear = histogram.is_custom or is_zero
            return float(rank + inside * _place(low, high, value, is_linear=is_linear))
        rank += inside
    return count


def _between(histogram: Histogram, low: float, high: float, place: float) -> float:
    """Return the value at a place (0..1) in a bucket."""
    if histogram.is_custom or low <= 0 <= high:
        return low + (high - low) * place
    near, far = math.log2(abs(low)), math.log2(abs(high))
    return math.copysign(2.0 ** (near + (far - near) * place), low)


def _place(low: float, high: float, value: float, *, is_linear: bool) -> float:
    """Return at which place (0..1) in a bucket a value lies."""
    if is_linear:
        return (value - low) / (high - low)
    near, far = math.log2(abs(low)), math.log2(abs(high))
    return (math.log2(abs(value)) - near) / (far - near)


def _one_sided(histogram: Histogram, low: float, high: float) -> tuple[float, float]:
    """Cut the zero bucket at zero where all other buckets lie on one side."""
    has_negative, has_positive = len(histogram.negative.counts), len(histogram.positive.counts)
    if has_positive and not has_negative:
        return 0.0, high
    return (low, 0.0) if has_negative and not has_positive else (low, high)


def _ratio(part: float, whole: float) -> float:
    with np.errstate(all="ignore"):
        return float(np.float64(part) / np.float64(whole))
