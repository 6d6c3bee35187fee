"""Explicit-bound histograms: which bounds are bounds, and bucket counts without their zeros.

Never adds counts up. Most of the 162 buckets of an Envoy histogram are empty in every point: a row
keeps the counts from the first to the last filled bucket, and the number of the first.
Spec: https://opentelemetry.io/docs/specs/otel/metrics/data-model/#histogram
"""

import math
from collections.abc import Sequence
from itertools import pairwise

Bounds = tuple[float, ...]


def are_bounds(bounds: Sequence[float]) -> bool:
    """Tell whether bounds grow strictly and none is NaN."""
    if len(bounds) == 1:
        return not math.isnan(bounds[0])
    return all(low < high for low, high in pairwise(bounds))


def trim(counts: Sequence[int]) -> tuple[int, list[int]]:
    """Return the number of the first filled bucket, and the counts from there to the last one."""
    first, last = 0, len(counts)
    while last and not counts[last - 1]:
        last -= 1
    while first < last and not counts[first]:
        first += 1
    return (first, list(counts[first:last])) if last else (0, [])


def dense(bounds: int, first: int, counts: Sequence[int]) -> tuple[int, ...]:
    """Return the counts of all buckets between and beyond that many bounds; () without bounds."""
    if not bounds:
        return ()
    return (*(0,) * first, *counts, *(0,) * (bounds + 1 - first - len(counts)))
