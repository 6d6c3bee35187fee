"""Whether a counter started anew between two native histograms.

Never looks at sums: they may fall. The rules are those of Prometheus 3: a count that falls, a
bucket that vanishes, a finer schema, or a smaller zero bucket can only come of a reset.
https://prometheus.io/docs/specs/native_histograms/#counter-resets
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from collector.promql.native.histogram import Histogram, ResetHint, Side
from collector.promql.native.layout import (
    at_schema,
    common_layout,
    has_within_zero,
    is_same_layout,
    upper_bounds,
    zero_bucket_at,
)


def is_reset(later: Histogram, earlier: Histogram) -> bool:
    """Say whether ``later`` cannot continue ``earlier``; a hint of ``later`` decides alone."""
    if later.hint is ResetHint.RESET:
        return True
    if later.hint is ResetHint.NOT_RESET:
        return False
    if later.count < earlier.count:
        return True
    if is_same_layout(later, earlier) and not has_within_zero(later):
        return _has_less(later, earlier)
    if later.is_custom:
        return not earlier.is_custom or _has_custom_fallen(later, earlier)
    if earlier.is_custom or later.schema > earlier.schema:
        return True
    if later.zero_threshold < earlier.zero_threshold:
        return True
    return _has_exponential_fallen(later, earlier)


def resets(histograms: Sequence[Histogram]) -> NDArray[np.bool_]:
    """Say for each whether it starts anew after the one before; the first never does."""
    found = np.zeros(len(histograms), np.bool_)
    for index in range(1, len(histograms)):
        found[index] = is_reset(histograms[index], histograms[index - 1])
    return found


def _has_less(later: Histogram, earlier: Histogram) -> bool:
    return (
        later.zero_count < earlier.zero_count
        or bool((later.positive.counts < earlier.positive.counts).any())
        or bool((later.negative.counts < earlier.negative.counts).any())
    )


def _has_exponential_fallen(later: Histogram, earlier: Histogram) -> bool:
    threshold = later.zero_threshold
    zeros, reached = zero_bucket_at(earlier, threshold)
    if reached != threshold or later.zero_count < zeros:
        return True
    before = at_schema(earlier, later.schema)
    return any(
        _has_fallen(_beyond(new, later.schema, threshold), _beyond(old, later.schema, threshold))
        for new, old in ((later.positive, before.positive), (later.negative, before.negative))
    )


def _has_custom_fallen(later: Histogram, earlier: Histogram) -> bool:
    (new, old), _ = common_layout((later, earlier))
    return _has_fallen(new.positive, old.positive)


def _has_fallen(later: Side, earlier: Side) -> bool:
    """Say whether a bucket holds less than before, or is gone with what it held."""
    if np.array_equal(later.indices, earlier.indices):
        return bool((later.counts < earlier.counts).any())
    known = np.isin(earlier.indices, later.indices)
    if (earlier.counts[~known] != 0).any():
        return True
    places = np.searchsorted(later.indices, earlier.indices[known])
    return bool((later.counts[places] < earlier.counts[known]).any())


def _beyond(side: Side, schema: int, threshold: float) -> Side:
    if threshold <= 0 or not len(side.indices):
        return side
    kept = upper_bounds(side.indices, schema) > threshold
    return side if kept.all() else Side(side.indices[kept], side.counts[kept])
