"""Native histograms of remote write -> rows: spans and deltas become dense counts.

Exponential buckets are one lower here than there: OTLP's bucket i is Prometheus's i + 1. Custom
buckets (schema -53) become explicit bounds. Never rounds: counts that are no whole numbers are
refused, since the store counts in integers.
Spec: https://prometheus.io/docs/specs/native_histograms/
"""

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final

import numpy as np

from collector.otlp.batch import MAX_TIME_NS
from collector.otlp.exponential import Buckets, trimmed
from collector.otlp.histograms import Bounds, are_bounds, trim
from collector.promql.native import CUSTOM_SCHEMA
from collector.promql.samples import STALE_BITS

NS_PER_MS: Final = 10**6
MAX_MS: Final = MAX_TIME_NS // NS_PER_MS
GAUGE: Final = 3
"""ResetHint: the counts may fall."""
_MIN_SCHEMA: Final = -4
_MAX_SCHEMA: Final = 8
_MAX_COUNT: Final = 2**53
_MAX_WIDTH: Final = 2**16
"""From the first to the last bucket of one side: at schema 8 a range of 77 decimal powers."""

Row = tuple[Any, ...]


class BadHistogram(ValueError):
    """A histogram that cannot be; the reason is one of few."""


def is_stale(value: float) -> bool:
    """Tell whether a value ends its series."""
    return math.isnan(value) and int(np.float64(value).view(np.uint64)) == STALE_BITS


def is_custom(histogram: Any) -> bool:
    """Tell whether the bounds are named one by one."""
    return int(histogram.schema) == CUSTOM_SCHEMA


def exponential_row(histogram: Any) -> Row:
    """Return the columns of EXPONENTIALS after ``start_ns``; raise BadHistogram."""
    if not _MIN_SCHEMA <= histogram.schema <= _MAX_SCHEMA:
        raise BadHistogram("histogram with an unknown schema")
    if not 0 <= histogram.zero_threshold < math.inf:
        raise BadHistogram("histogram with a zero threshold that is none")
    if is_stale(histogram.sum):
        return (None, None, None, None, histogram.schema, 0, 0.0, 0, [], 0, [])
    positive = _side(histogram, "positive")
    negative = _side(histogram, "negative")
    zeros = _count(histogram, "zero_count")
    count = _count(histogram, "count")
    if count < zeros + sum(positive.counts) + sum(negative.counts):
        raise BadHistogram("histogram whose count is less than its buckets")
    return (
        *(count, histogram.sum, None, None, histogram.schema, zeros, histogram.zero_threshold),
        *(positive.offset, list(positive.counts), negative.offset, list(negative.counts)),
    )


def custom_row(histogram: Any) -> tuple[Bounds, Row]:
    """Return bounds, and count, sum, min, max, first bucket, counts; raise BadHistogram."""
    bounds = tuple(histogram.custom_values)
    if not are_bounds(bounds) or any(math.isinf(one) for one in bounds):
        raise BadHistogram("histogram whose bounds do not grow, or are infinite")
    if is_stale(histogram.sum):
        return bounds, (None, None, None, None, 0, [])
    if histogram.negative_spans or _count(histogram, "zero_count"):
        raise BadHistogram("histogram with custom buckets and others")
    filled = _side(histogram, "positive", shift=0)
    if filled.offset < 0 or filled.offset + len(filled.counts) > len(bounds) + 1:
        raise BadHistogram("histogram with a bucket beyond its bounds")
    first, counts = trim([0] * filled.offset + list(filled.counts))
    count = _count(histogram, "count")
    if count < sum(counts):
        raise BadHistogram("histogram whose count is less than its buckets")
    return bounds, (count, histogram.sum, None, None, first, counts)


def _count(histogram: Any, name: str) -> int:
    """Return an integer or float count."""
    kind = histogram.WhichOneof(name)
    return 0 if kind is None else _whole(getattr(histogram, kind))


def _side(histogram: Any, name: str, *, shift: int = 1) -> Buckets:
    spans = getattr(histogram, f"{name}_spans")
    counts = [_whole(one) for one in getattr(histogram, f"{name}_counts")]
    deltas = getattr(histogram, f"{name}_deltas")
    if counts and deltas:
        raise BadHistogram("histogram with integer and float buckets")
    filled = counts or [_whole(one) for one in accumulate(deltas)]
    if sum(span.length for span in spans) != len(filled):
        raise BadHistogram("histogram whose spans do not fit its buckets")
    return _dense(spans, filled, shift)


def _dense(spans: Sequence[Any], filled: Sequence[int], shift: int) -> Buckets:
    """Return the buckets with zeros between the spans."""
    if not spans:
        return Buckets()
    gaps = [span.offset for span in spans[1:]]
    if any(gap < 0 for gap in gaps):
        raise BadHistogram("histogram whose spans overlap")
    if sum(gaps) + len(filled) > _MAX_WIDTH:
        raise BadHistogram(f"histogram that is wider than {_MAX_WIDTH} buckets")
    counts: list[int] = []
    place = 0
    for gap, span in zip([0, *gaps], spans, strict=True):
        counts += [0] * gap
        counts += filled[place : place + span.length]
        place += span.length
    return trimmed(spans[0].offset - shift, tuple(counts))


def _whole(number: float) -> int:
    """Return a count as integer; sums of such stay exact."""
    if not 0 <= number <= _MAX_COUNT or number != int(number):
        raise BadHistogram("histogram with a count that is negative, above 2^53 or no whole number")
    return int(number)
