"""What series were over a range: the ``*_over_time`` functions.

Functions that need floats pass over native histograms, and say so where a window holds both.
https://prometheus.io/docs/prometheus/latest/querying/functions/#aggregation_over_time
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collector.promql import native
from collector.promql.evaluation import Evaluation
from collector.promql.kernels import windows as kernels
from collector.promql.native.text import number
from collector.promql.ranges import Column, Windows
from collector.promql.reductions import IGNORED, Reduced, in_parts, tell, warn_mixed

Kernel = Callable[[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]], Any]


def sums(evaluation: Evaluation, block: Windows) -> Reduced:
    """Sum floats, or histograms."""
    return _combined(evaluation, block, kernels.sums, native.total)


def means(evaluation: Evaluation, block: Windows) -> Reduced:
    """Average floats, or histograms."""
    return _combined(evaluation, block, kernels.means, native.mean)


def floats(evaluation: Evaluation, block: Windows, *, kernel: Kernel) -> Reduced:
    """Reduce the floats of each window by a compiled loop."""
    warn_mixed(evaluation, block, text=IGNORED, is_warning=False)
    return Reduced(_visited(evaluation, block.floats, kernel), block.floats.counts > 0)


def largest(values: Any, low: Any, high: Any) -> Any:
    """Visit for the maximum."""
    return kernels.extremes(values, low, high, 1.0)


def smallest(values: Any, low: Any, high: Any) -> Any:
    """Visit for the minimum."""
    return kernels.extremes(values, low, high, -1.0)


def deviations(values: Any, low: Any, high: Any) -> Any:
    """Visit for the population standard deviation."""
    return np.sqrt(kernels.variances(values, low, high))


def quantiles(evaluation: Evaluation, block: Windows, *, q: NDArray[np.float64]) -> Reduced:
    """Reduce to quantiles; ``q`` may differ from step to step, also over one window."""
    column = block.floats.spread(len(q))
    warn_mixed(evaluation, block, text=IGNORED, is_warning=False)
    if (column.counts > 0).any():
        warn_quantiles(evaluation, q)

    def visit(low: Any, high: Any, part: slice) -> Any:
        return kernels.quantiles(column.values, low, high, q[part])

    return Reduced(in_parts(evaluation, column, visit), column.counts > 0)


def warn_quantiles(evaluation: Evaluation, q: NDArray[np.float64]) -> None:
    """Warn of quantiles that are none."""
    for wrong in np.unique(q[~((q >= 0) & (q <= 1))]).tolist():
        shown = number(wrong)
        evaluation.notes.warn(f"quantile value should be between 0 and 1, got {shown}")


def counts(_evaluation: Evaluation, block: Windows) -> Reduced:
    """Count the samples."""
    found = block.floats.counts
    if block.histograms is not None:
        found = found + block.histograms.counts
    return Reduced(found.astype(np.float64), found > 0)


def presences(evaluation: Evaluation, block: Windows) -> Reduced:
    """Give 1 where there is any sample."""
    found = counts(evaluation, block)
    return Reduced(np.ones(found.present.shape), found.present)


def latest(_evaluation: Evaluation, block: Windows) -> Reduced:
    """Give the last sample."""
    return _ends(block, lambda column: column.high - 1, lambda new, old: new > old)


def _ends(
    block: Windows,
    place: Callable[[Column], NDArray[np.int64]],
    is_better: Callable[[Any, Any], Any],
) -> Reduced:
    column, natives = block.floats, block.histograms
    present = column.counts > 0
    values = _picked(column, column.values, place, present, np.nan)
    if natives is None:
        return Reduced(values, present)
    is_native = natives.counts > 0
    times = _picked(column, column.times_ms, place, present, 0)
    native_times = _picked(natives, natives.times_ms, place, is_native, 0)
    is_native &= ~present | is_better(native_times, times)
    histograms = _picked(natives, natives.values, place, is_native, None)
    return Reduced(values, present | is_native, histograms)


def _picked(
    column: Column,
    values: NDArray[Any],
    place: Callable[[Column], NDArray[np.int64]],
    present: NDArray[np.bool_],
    missing: Any,
) -> NDArray[Any]:
    if not len(values):
        return np.full(present.shape, missing, values.dtype)
    return np.where(present, values[np.where(present, place(column), 0)], missing)


def _combined(
    evaluation: Evaluation,
    block: Windows,
    kernel: Kernel,
    combine: Callable[[Sequence[Any]], tuple[Any, frozenset[native.Note]]],
) -> Reduced:
    values = _visited(evaluation, block.floats, kernel)
    present, natives = block.floats.counts > 0, block.histograms
    if natives is None:
        return Reduced(values, present)
    mixed = warn_mixed(evaluation, block)
    found = np.full(present.shape, None, object)
    for row, step in np.argwhere((natives.counts > 0) & ~mixed).tolist():
        within = slice(natives.low[row, step], natives.high[row, step])
        try:
            found[row, step], notes = combine(list(natives.values[within]))
        except native.IncompatibleBuckets:
            notes = frozenset({native.Note.MIXED_SCHEMAS})
        tell(evaluation, notes, labels=block.labels[row], operation="aggregation")
    present = (present & ~mixed) | found.astype(np.bool_)
    return Reduced(values, present, found)


def _visited(evaluation: Evaluation, column: Column, kernel: Kernel) -> NDArray[np.float64]:
    return in_parts(evaluation, column, lambda low, high, _part: kernel(column.values, low, high))
