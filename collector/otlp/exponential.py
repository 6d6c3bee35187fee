"""Exponential histograms as values: downscale, merge, subtract, quantile, our latency buckets.

Never reads a message or a table. Bucket i of scale s holds (2^(i / 2^s), 2^((i+1) / 2^s)], its
mirror image below zero; what is not further from zero than the threshold lies in the zero bucket.
Every operation keeps the counts. Thresholds are rounded up to a bucket's bound when histograms
meet: then no bucket is ever split, and the order of merging does not matter.
Spec: https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from collector.edges import latency_bucket

MIN_SCALE: Final = -10
MAX_SCALE: Final = 20
MAX_BUCKETS: Final = 16_384
"""More than this on one side are made coarser, lest two far points cost all memory."""
_MAX_EXPONENT: Final = 1023.0
_MIN_EXPONENT: Final = -1074.0


@dataclass(frozen=True, slots=True)
class Buckets:
    """Counts of the buckets offset, offset + 1, ...; no zeros at either end, () at offset 0."""

    offset: int = 0
    counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Exponential:
    """One exponential histogram. ``sum``, ``min`` and ``max`` are None when they are not known."""

    count: int
    scale: int
    zero_count: int = 0
    zero_threshold: float = 0.0
    positive: Buckets = Buckets()
    negative: Buckets = Buckets()
    sum: float | None = None
    min: float | None = None
    max: float | None = None


EMPTY: Final = Exponential(count=0, scale=MAX_SCALE)
"""Merged with another it changes nothing but a threshold's rounding."""


def trimmed(offset: int, counts: tuple[int, ...]) -> Buckets:
    """Return buckets without the zeros at both ends."""
    if counts and counts[0] and counts[-1]:
        return Buckets(offset, counts)
    filled = [position for position, count in enumerate(counts) if count]
    if not filled:
        return Buckets()
    first, last = filled[0], filled[-1]
    return Buckets(offset + first, counts[first : last + 1])


def bound(index: int, scale: int) -> float:
    """Return the lower bound of a bucket; beyond the doubles their edge."""
    exponent = index / 2**scale if scale >= 0 else float(index * 2**-scale)
    return float(2.0 ** min(max(exponent, _MIN_EXPONENT), _MAX_EXPONENT))


def index_of(value: float, scale: int) -> int:
    """Return the bucket of a positive number, by the bounds that ``bound`` returns."""
    guess = math.ceil(math.log2(value) * 2.0**scale) - 1
    while bound(guess, scale) >= value and bound(guess - 1, scale) < bound(guess, scale):
        guess -= 1
    while bound(guess + 1, scale) < value and bound(guess + 1, scale) > bound(guess, scale):
        guess += 1
    return guess


def downscale(histogram: Exponential, scale: int) -> Exponential:
    """Return the histogram with coarser buckets; a scale above its own is refused."""
    steps = histogram.scale - scale
    if steps < 0:
        raise ValueError(f"a scale of {histogram.scale} cannot become {scale}: it is finer")
    if not steps:
        return histogram
    return replace(
        histogram,
        scale=scale,
        positive=_coarser(histogram.positive, steps),
        negative=_coarser(histogram.negative, steps),
    )


def merge(left: Exponential, right: Exponential) -> Exponential:
    """Return both together, at the coarser scale and the higher zero threshold."""
    left, right = _aligned(left, right)
    return Exponential(
        count=left.count + right.count,
        scale=left.scale,
        zero_count=left.zero_count + right.zero_count,
        zero_threshold=left.zero_threshold,
        positive=_combined(left.positive, right.positive, int.__add__),
        negative=_combined(left.negative, right.negative, int.__add__),
        sum=_total(left, right),
        min=_extreme(left, right, min, left.min, right.min),
        max=_extreme(left, right, max, left.max, right.max),
    )


def subtract(later: Exponential, earlier: Exponential) -> Exponential | None:
    """Return what came between two cumulative points; None when it cannot be: a reset.

    ``min`` and ``max`` of the time between are not known.
    """
    later, earlier = _aligned(later, earlier)
    positive = _combined(later.positive, earlier.positive, int.__sub__)
    negative = _combined(later.negative, earlier.negative, int.__sub__)
    zeros = later.zero_count - earlier.zero_count
    if min(zeros, later.count - earlier.count, *positive.counts, *negative.counts) < 0:
        return None
    known = later.sum is not None and earlier.sum is not None
    return Exponential(
        count=later.count - earlier.count,
        scale=later.scale,
        zero_count=zeros,
        zero_threshold=later.zero_threshold,
        positive=positive,
        negative=negative,
        sum=(later.sum or 0.0) - (earlier.sum or 0.0) if known else None,
    )


def intervals(histogram: Exponential) -> Iterator[tuple[float, float, int]]:
    """Give (low, high, count) of the filled buckets in the order of the number line."""
    negative, positive, scale = histogram.negative, histogram.positive, histogram.scale
    for index, count in reversed(list(enumerate(negative.counts, negative.offset))):
        if count:
            yield -bound(index + 1, scale), -bound(index, scale), count
    if histogram.zero_count:
        yield -histogram.zero_threshold, histogram.zero_threshold, histogram.zero_count
    for index, count in enumerate(positive.counts, positive.offset):
        if count:
            yield bound(index, scale), bound(index + 1, scale), count


def quantile(histogram: Exponential, ratio: float) -> float | None:
    """Return a quantile, None of an empty histogram.

    Inside a bucket the values are taken to lie evenly on the logarithm, in the zero bucket on the
    line; so it is off by less than one bucket: a factor of 2^(2^-scale).
    """
    if not 0 <= ratio <= 1:
        raise ValueError(f"a quantile must be in 0..1, got {ratio}")
    filled = list(intervals(histogram))
    if not filled:
        return None
    sums = list(accumulate(count for _, _, count in filled))
    rank = ratio * sums[-1]
    position = next((i for i, total in enumerate(sums) if total >= rank), len(sums) - 1)
    low, high, count = filled[position]
    fraction = min(max(rank - (sums[position] - count), 0.0) / count, 1.0)
    if low > 0 or high < 0:
        return low * math.pow(high / low, fraction)
    return low + (high - low) * fraction


def latency_counts(histogram: Exponential, scale_us: float = 1.0) -> dict[int, int]:
    """Move the counts to our latency buckets; a unit is ``scale_us`` microseconds.

    Exact for microseconds at scale 3 and finer, where our bounds are bounds of the histogram; else
    a count goes to the bucket at the geometric middle of its own. Negative durations count as 0.
    """
    moved: dict[int, int] = {}
    finest = downscale(histogram, min(histogram.scale, 3))
    for low, high, count in intervals(finest):
        middle = math.sqrt(low) * math.sqrt(high) if low > 0 else max(high, 0.0) / 2
        bucket = latency_bucket(middle * scale_us)
        moved[bucket] = moved.get(bucket, 0) + count
    return moved


def _coarser(buckets: Buckets, steps: int) -> Buckets:
    if not buckets.counts:
        return buckets
    offset = buckets.offset >> steps
    last = (buckets.offset + len(buckets.counts) - 1) >> steps
    counts = [0] * (last - offset + 1)
    for index, count in enumerate(buckets.counts, buckets.offset):
        counts[(index >> steps) - offset] += count
    return Buckets(offset, tuple(counts))


def _aligned(left: Exponential, right: Exponential) -> tuple[Exponential, Exponential]:
    scale = min(left.scale, right.scale)
    scale -= max(
        _excess(left, right, left.positive, right.positive, scale),
        _excess(left, right, left.negative, right.negative, scale),
    )
    threshold = max(left.zero_threshold, right.zero_threshold)
    return (
        _widened(downscale(left, scale), threshold),
        _widened(downscale(right, scale), threshold),
    )


def _excess(left: Exponential, right: Exponential, a: Buckets, b: Buckets, scale: int) -> int:
    """Return by how many steps the buckets of both are too fine to stand side by side."""
    steps = [
        (one.scale - scale, buckets) for one, buckets in ((left, a), (right, b)) if buckets.counts
    ]
    if not steps:
        return 0
    first = min(buckets.offset >> step for step, buckets in steps)
    last = max((buckets.offset + len(buckets.counts) - 1) >> step for step, buckets in steps)
    excess = 0
    while (last >> excess) - (first >> excess) >= MAX_BUCKETS:
        excess += 1
    return excess


def _widened(histogram: Exponential, threshold: float) -> Exponential:
    """Raise the zero threshold to the end of the bucket it lies in, and take in what is below."""
    if threshold <= 0:
        return histogram
    last = index_of(threshold, histogram.scale)
    positive, low = _above(histogram.positive, last)
    negative, high = _above(histogram.negative, last)
    return replace(
        histogram,
        zero_threshold=max(bound(last + 1, histogram.scale), threshold),
        zero_count=histogram.zero_count + low + high,
        positive=positive,
        negative=negative,
    )


def _above(buckets: Buckets, last: int) -> tuple[Buckets, int]:
    """Return the buckets after ``last``, and how many counts lay in the others."""
    cut = min(max(last + 1 - buckets.offset, 0), len(buckets.counts))
    if not cut:
        return buckets, 0
    return trimmed(buckets.offset + cut, buckets.counts[cut:]), sum(buckets.counts[:cut])


def _combined(left: Buckets, right: Buckets, operation: Callable[[int, int], int]) -> Buckets:
    if not right.counts:
        return left
    filled = [one for one in (left, right) if one.counts]
    offset = min(one.offset for one in filled)
    end = max(one.offset + len(one.counts) for one in filled)
    counts = [0] * (end - offset)
    counts[left.offset - offset : left.offset - offset + len(left.counts)] = left.counts
    for position, count in enumerate(right.counts, right.offset - offset):
        counts[position] = operation(counts[position], count)
    return trimmed(offset, tuple(counts))


def _total(left: Exponential, right: Exponential) -> float | None:
    sums = [0.0 if one.sum is None and not one.count else one.sum for one in (left, right)]
    return None if sums[0] is None or sums[1] is None else sums[0] + sums[1]


def _extreme(
    left: Exponential,
    right: Exponential,
    choose: Callable[[float, float], float],
    a: float | None,
    b: float | None,
) -> float | None:
    if not left.count:
        return b if right.count else None
    if not right.count:
        return a
    return None if a is None or b is None else choose(a, b)
