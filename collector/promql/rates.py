"""How fast series change: rate, increase, delta, irate, idelta, deriv, predict_linear, and counts
of changes and resets.

Rates are extrapolated to the ends of their window as in Prometheus 3: up to 1.1 average intervals
fully, else by half an interval, and never beyond a counter's zero.
https://prometheus.io/docs/prometheus/latest/querying/functions/#rate
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from collector.promql import native
from collector.promql.annotations import quoted
from collector.promql.evaluation import Evaluation
from collector.promql.kernels import windows as kernels
from collector.promql.labelsets import metric_name
from collector.promql.ranges import Column, Windows, together
from collector.promql.reductions import IGNORED, MIXED, Reduced, in_parts, tell, warn_mixed

_COUNTER_ENDINGS: Final = ("_total", "_sum", "_count", "_bucket")
_FIRST_SAMPLE: Final = np.iinfo(np.int64).min


def extrapolated(
    evaluation: Evaluation, block: Windows, *, is_counter: bool, is_rate: bool
) -> Reduced:
    """Reduce to rate (is_counter, is_rate), increase (is_counter) or delta."""
    column, is_old = block.floats, evaluation.options.is_left_closed

    def visit(low: Any, high: Any, part: slice) -> NDArray[np.float64]:
        after, until = block.after_ms[part], block.until_ms[part]
        times = column.times_ms
        return kernels.increases(  # type: ignore[no-any-return]
            column.values, times, low, high, after, until, is_counter, is_old
        )

    values = in_parts(evaluation, column, visit)
    if is_rate:
        values /= block.range_ms / 1e3
    mixed = warn_mixed(evaluation, block)
    present = (column.counts >= 2) & ~mixed
    if is_counter:
        _doubt_counters(evaluation, block, present)
    if block.histograms is None:
        return Reduced(values, present)
    rate = partial(native.extrapolated, is_counter=is_counter, is_rate=is_rate)
    histograms = _native_rates(evaluation, block, block.histograms, ~mixed, rate, is_counter)
    return _with_natives(values, present, histograms)


def last_two(evaluation: Evaluation, block: Windows, *, is_rate: bool) -> Reduced:
    """Reduce to irate (is_rate) or idelta."""
    column = block.floats
    present = column.counts >= 2
    last = np.where(present, column.high - 1, 1 if len(column.values) > 1 else 0)
    if not len(column.values):
        values = np.full(last.shape, np.nan)
    else:
        new, old = column.values[last], column.values[np.maximum(last - 1, 0)]
        values = np.where(is_rate & (new < old), new, new - old)
        if is_rate:
            gap = column.times_ms[last] - column.times_ms[np.maximum(last - 1, 0)]
            values = values / (gap / 1e3)
    if block.histograms is None:
        return Reduced(values, present)
    found = Reduced(values, present)
    return _mixed_last_two(evaluation, block, block.histograms, found, is_rate=is_rate)


def derivative(evaluation: Evaluation, block: Windows) -> Reduced:
    """Reduce to deriv: the slope of a fitted line; needs two samples."""
    column = block.floats
    at = np.full(block.until_ms.shape, _FIRST_SAMPLE)

    def visit(low: Any, high: Any, part: slice) -> NDArray[np.float64]:
        slopes, _ = kernels.lines(column.values, column.times_ms, low, high, at[part])
        return cast("NDArray[np.float64]", slopes)

    warn_mixed(evaluation, block, text=IGNORED, is_warning=False)
    return Reduced(in_parts(evaluation, column, visit), column.counts >= 2)


def prediction(
    evaluation: Evaluation,
    block: Windows,
    *,
    steps: NDArray[np.int64],
    ahead_s: NDArray[np.float64],
) -> Reduced:
    """Reduce to predict_linear: the fitted line some seconds after each step."""
    column = block.floats.spread(len(steps))

    def visit(low: Any, high: Any, part: slice) -> NDArray[np.float64]:
        lines = kernels.lines(column.values, column.times_ms, low, high, steps[part])
        return cast("NDArray[np.float64]", lines[0] * ahead_s[part] + lines[1])

    warn_mixed(evaluation, block, text=IGNORED, is_warning=False)
    return Reduced(in_parts(evaluation, column, visit), column.counts >= 2)


def changes(evaluation: Evaluation, block: Windows) -> Reduced:
    """Count changes of value; a float and a histogram differ."""
    return _counted(evaluation, block, kernels.changes, _differs)


def resets(evaluation: Evaluation, block: Windows) -> Reduced:
    """Count counter resets; from a float to a histogram or back is one."""
    return _counted(evaluation, block, kernels.resets, _restarts)


def _counted(evaluation: Evaluation, block: Windows, kernel: Any, is_one: Any) -> Reduced:
    column = block.floats
    values = in_parts(evaluation, column, lambda low, high, _part: kernel(column.values, low, high))
    present = column.counts > 0
    if block.histograms is None:
        return Reduced(values, present)
    for row, step in np.argwhere(block.histograms.counts > 0).tolist():
        _, found = together(block, row, step)
        values[row, step] = sum(is_one(new, old) for old, new in pairwise(found))
    return Reduced(values, present | (block.histograms.counts > 0))


def _differs(new: Any, old: Any) -> bool:
    if isinstance(new, float) and isinstance(old, float):
        return new != old and not (np.isnan(new) and np.isnan(old))
    return isinstance(new, float) != isinstance(old, float) or not new == old  # noqa: SIM201


def _restarts(new: Any, old: Any) -> bool:
    if isinstance(new, float) and isinstance(old, float):
        return new < old
    return isinstance(new, float) or isinstance(old, float) or native.is_reset(new, old)


def _doubt_counters(evaluation: Evaluation, block: Windows, present: NDArray[np.bool_]) -> None:
    doubtful = {name for name in set(map(metric_name, block.labels)) if not _is_counter(name)}
    if not doubtful:
        return
    for row in np.flatnonzero(present.any(axis=1)).tolist():
        if (name := metric_name(block.labels[row])) in doubtful:
            evaluation.notes.inform(
                "metric might not be a counter, name does not end in "
                f"_total/_sum/_count/_bucket: {quoted(name)}"
            )


def _is_counter(name: str) -> bool:
    return not name or name.endswith(_COUNTER_ENDINGS)


def _native_rates(
    evaluation: Evaluation,
    block: Windows,
    column: Column,
    usable: NDArray[np.bool_],
    rate: Callable[..., Any],
    is_counter: bool,  # noqa: FBT001 - one of many
) -> NDArray[Any]:
    found = np.full(column.low.shape, None, object)
    resets_by_row: dict[int, NDArray[np.bool_]] = {}
    for row, step in np.argwhere((column.counts > 1) & usable).tolist():
        start, end = column.low[row, step], column.high[row, step]
        first, last = column.offsets[row], column.offsets[row + 1]
        if is_counter and row not in resets_by_row:
            resets_by_row[row] = native.resets(list(column.values[first:last]))
        known = resets_by_row[row][start - first : end - first] if is_counter else None
        found[row, step], notes = rate(
            column.times_ms[start:end],
            list(column.values[start:end]),
            int(block.after_ms[step]),
            int(block.until_ms[step]),
            resets=known,
        )
        tell(evaluation, notes, labels=block.labels[row], operation="subtraction")
    return found


def _mixed_last_two(
    evaluation: Evaluation, block: Windows, column: Column, found: Reduced, *, is_rate: bool
) -> Reduced:
    histograms = np.full(found.present.shape, None, object)
    present = found.present.copy()
    for row, step in np.argwhere(column.counts > 0).tolist():
        times, values = together(block, row, step)
        pair = values[-2:]
        floats = sum(isinstance(one, float) for one in pair)
        present[row, step] = floats == 2
        if len(pair) < 2 or floats == 2:
            continue
        if floats == 1:
            name = quoted(metric_name(block.labels[row]))
            evaluation.notes.warn(f"{MIXED} for metric name {name}")
            continue
        histograms[row, step], notes = native.between_last(
            times[-2:].tolist(), pair, is_rate=is_rate
        )
        tell(evaluation, notes, labels=block.labels[row], operation="subtraction")
    return _with_natives(found.values, present, histograms)


def _with_natives(
    values: NDArray[np.float64], present: NDArray[np.bool_], histograms: NDArray[Any]
) -> Reduced:
    is_native = histograms.astype(np.bool_)
    return Reduced(values, present | is_native, histograms)
