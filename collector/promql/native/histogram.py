"""Native histograms as Prometheus means them: the value, and where it comes from.

Never computes; ``arithmetic``, ``statistics`` and ``windows`` do. Bucket i of schema s holds
(2^((i-1) / 2^s), 2^(i / 2^s)], its mirror image below zero; of the custom schema bucket i ends at
the i-th custom value, the last one at +Inf. Counts are floats, for PromQL divides histograms.
https://prometheus.io/docs/specs/native_histograms/
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

import numpy as np
from numpy.typing import NDArray

from collector.otlp.exponential import Buckets, Exponential

CUSTOM_SCHEMA: Final = -53
MIN_SCHEMA: Final = -4
MAX_SCHEMA: Final = 8
DEFAULT_ZERO_THRESHOLD: Final = 1e-128
"""What Prometheus puts where an OTLP point names none."""


class IncompatibleBuckets(ValueError):
    """Exponential and custom buckets meet, and nothing can be made of them."""


@unique
class ResetHint(Enum):
    """What is known of a counter reset between this sample and the one before."""

    UNKNOWN = "unknown"
    RESET = "reset"
    NOT_RESET = "not_reset"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """Buckets on one side of zero. indices: int64, ascending, unique. counts: float64, as many.

    Empty buckets may be named; whether they are is part of what makes two histograms equal.
    """

    indices: NDArray[np.int64]
    counts: NDArray[np.float64]


NO_BUCKETS: Final = Side(np.empty(0, np.int64), np.empty(0, np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """One sample. ``count`` may exceed the buckets' sum: NaN observations lie in no bucket.

    custom_values: ascending finite upper bounds, only with CUSTOM_SCHEMA; such a histogram has
    only a positive side and no zero bucket. The arrays are never written to.
    """

    count: float = 0.0
    sum: float = 0.0
    schema: int = 0
    zero_threshold: float = 0.0
    zero_count: float = 0.0
    positive: Side = NO_BUCKETS
    negative: Side = NO_BUCKETS
    custom_values: tuple[float, ...] = ()
    hint: ResetHint = ResetHint.UNKNOWN

    @property
    def is_custom(self) -> bool:
        """Say whether the bounds are named one by one (NHCB)."""
        return self.schema == CUSTOM_SCHEMA

    def __eq__(self, other: object) -> bool:
        """Compare as PromQL's ``==``: same buckets named, same counts, NaN like NaN; no hints."""
        if not isinstance(other, Histogram):
            return NotImplemented
        return (
            self.schema == other.schema
            and self.custom_values == other.custom_values
            and np.array_equal(_numbers(self), _numbers(other), equal_nan=True)
            and _is_same(self.positive, other.positive)
            and _is_same(self.negative, other.negative)
        )

    __hash__ = None  # type: ignore[assignment]


def side(first: int, counts: Sequence[float]) -> Side:
    """Return the buckets first, first + 1, ..."""
    filled = np.asarray(counts, np.float64)
    return Side(np.arange(first, first + len(filled), dtype=np.int64), filled)


def custom(
    bounds: Sequence[float], counts: Sequence[float], *, total: float, count: float | None = None
) -> Histogram:
    """Return a histogram with custom buckets; counts: one more than bounds, not cumulative.

    ``total`` is the sum of the observations; without ``count`` it is that of the buckets.
    """
    filled = [(index, number) for index, number in enumerate(counts) if number]
    return Histogram(
        count=float(sum(counts)) if count is None else count,
        sum=total,
        schema=CUSTOM_SCHEMA,
        positive=Side(
            np.array([index for index, _ in filled], np.int64),
            np.array([number for _, number in filled], np.float64),
        ),
        custom_values=tuple(bounds),
    )


def from_exponential(point: Exponential, hint: ResetHint = ResetHint.UNKNOWN) -> Histogram:
    """Return an OTLP histogram as Prometheus stores it: scale 8 at most, indices one higher.

    A scale below -4 is refused with ValueError. A missing sum counts as 0, as in Prometheus.
    """
    if point.scale < MIN_SCHEMA:
        raise ValueError(f"a scale of {point.scale} is coarser than {MIN_SCHEMA}")
    steps = max(point.scale - MAX_SCHEMA, 0)
    return Histogram(
        count=float(point.count),
        sum=point.sum or 0.0,
        schema=point.scale - steps,
        zero_threshold=point.zero_threshold or DEFAULT_ZERO_THRESHOLD,
        zero_count=float(point.zero_count),
        positive=_moved(point.positive, steps),
        negative=_moved(point.negative, steps),
        hint=hint,
    )


def merged(indices: NDArray[np.int64], counts: NDArray[np.float64]) -> Side:
    """Return ascending buckets, those of the same index summed."""
    if not len(indices):
        return NO_BUCKETS
    starts = np.concatenate(([0], np.flatnonzero(np.diff(indices)) + 1))
    return Side(indices[starts], np.add.reduceat(counts, starts))


def _moved(buckets: Buckets, steps: int) -> Side:
    counts = np.array(buckets.counts, np.float64)
    filled = np.flatnonzero(counts)
    indices = ((filled + buckets.offset) >> steps) + 1
    return merged(indices.astype(np.int64), counts[filled])


def _numbers(one: Histogram) -> list[float]:
    return [one.count, one.sum, one.zero_count, one.zero_threshold]


def _is_same(left: Side, right: Side) -> bool:
    return np.array_equal(left.indices, right.indices) and np.array_equal(
        left.counts, right.counts, equal_nan=True
    )
