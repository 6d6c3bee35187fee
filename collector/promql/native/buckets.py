"""The buckets of a native histogram in the order of the number line, and as the HTTP API shows it.

Never interpolates. https://prometheus.io/docs/prometheus/latest/querying/api/#native-histograms
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from collector.promql.native.histogram import Histogram
from collector.promql.native.layout import custom_bounds, upper_bounds

OPEN_LEFT: Final = 0
OPEN_RIGHT: Final = 1
OPEN: Final = 2
CLOSED: Final = 3


@dataclass(frozen=True, slots=True)
class Spans:
    """lower, upper, counts: float64, ascending. rules: the API's number for which ends belong."""

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    counts: NDArray[np.float64]
    rules: NDArray[np.int64]


def spans(histogram: Histogram) -> Spans:
    """Return all buckets, named empty ones too, the zero bucket only if it is filled.

    What lies next to the zero bucket starts where that ends.
    """
    positive = histogram.positive
    if histogram.is_custom:
        lower, upper = custom_bounds(positive.indices, histogram.custom_values)
        return Spans(lower, upper, positive.counts, np.where(positive.indices == 0, CLOSED, 0))
    threshold, schema = histogram.zero_threshold, histogram.schema
    mirrored = histogram.negative.indices[::-1]
    zeros = [histogram.zero_count] if histogram.zero_count > 0 else []
    lowers = (
        -upper_bounds(mirrored, schema),
        [-threshold] * len(zeros),
        np.maximum(upper_bounds(positive.indices - 1, schema), threshold),
    )
    uppers = (
        np.minimum(-upper_bounds(mirrored - 1, schema), -threshold),
        [threshold] * len(zeros),
        upper_bounds(positive.indices, schema),
    )
    counts = (histogram.negative.counts[::-1], zeros, positive.counts)
    rules = [OPEN_RIGHT] * len(mirrored) + [CLOSED] * len(zeros)
    return Spans(
        np.concatenate(lowers),
        np.concatenate(uppers),
        np.concatenate(counts),
        np.array(rules + [OPEN_LEFT] * len(positive.indices), np.int64),
    )


def rows(histogram: Histogram) -> list[tuple[int, float, float, float]]:
    """Return [boundary rule, lower, upper, count] of the filled buckets, as the HTTP API does.

    Rules: 0 open left, 1 open right, 2 open both, 3 closed both.
    """
    found = spans(histogram)
    columns = (found.rules, found.lower, found.upper, found.counts)
    return [row for row in zip(*(one.tolist() for one in columns), strict=True) if row[3] != 0]
