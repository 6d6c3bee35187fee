"""Aggregations that look at all series of a group together: topk bottomk quantile count_values.

Never holds more than it must: of topk's series those that cannot win any more are let go.
https://prometheus.io/docs/prometheus/latest/querying/operators/#aggregation-operators
"""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from collector.promql.aggregate import Groups, ignore_histograms
from collector.promql.errors import ExecutionFailed
from collector.promql.evaluation import Evaluation, Numbers, Steps
from collector.promql.expressions import Aggregation, Expression, String
from collector.promql.grids import concatenated, empty, is_histogram, rows, trimmed
from collector.promql.labelsets import changed
from collector.promql.native.text import number, text
from collector.promql.over_time import warn_quantiles
from collector.promql.samples import Grid, Labels

_HELD_AT_ONCE: Final = 4_000_000
"""So many elements of topk's input are gathered before the losers among them are let go."""
_MOST: Final = float(2**63)


def best(evaluation: Evaluation, expression: Aggregation, steps: Steps) -> Grid:
    """Evaluate topk or bottomk: series as they are, NaN last; one instant comes in order."""
    counts = _counts(evaluation.numbers(_parameter(expression), steps))
    kept = [empty(steps)]
    groups, held = Groups(expression), 0
    for block in evaluation.blocks(expression.expression, steps):
        kept.append(ignore_histograms(evaluation, expression.operator, block))
        held += block.values.size
        if held > _HELD_AT_ONCE:
            kept = [_winners(expression, concatenated(kept, steps), counts, groups)]
            evaluation.afford(int(np.count_nonzero(kept[0].present)))
            held = kept[0].values.size
    return _winners(expression, concatenated(kept, steps), counts, groups)


def quantile(evaluation: Evaluation, expression: Aggregation, steps: Steps) -> Grid:
    """Evaluate quantile: interpolated between the ranks of each group's values; NaN is lowest."""
    q = evaluation.numbers(_parameter(expression), steps)
    extremes = (np.fmax.reduce(q), np.fmin.reduce(q))
    warn_quantiles(evaluation, np.array([*q[np.isnan(q)], *extremes]))
    whole = ignore_histograms(
        evaluation, "quantile", evaluation.whole(expression.expression, steps)
    )
    groups = Groups(expression)
    numbers = groups.numbers(whole.labels)
    shape = (len(groups.labels), len(steps))
    values, present = np.full(shape, np.nan), np.zeros(shape, np.bool_)
    for group, members in _members(numbers):
        evaluation.options.check()
        present[group] = whole.present[members].any(axis=0)
        values[group] = _quantiles(whole.values[members], whole.present[members], q)
    return trimmed(Grid(groups.labels, steps, values, present))


def value_counts(evaluation: Evaluation, expression: Aggregation, steps: Steps) -> Grid:
    """Evaluate count_values: how many elements have each value, which becomes a label."""
    parameter = expression.parameter
    if not isinstance(parameter, String) or not parameter.value:
        raise ExecutionFailed('invalid label name ""')
    groups = Groups(expression)
    is_dropped = expression.is_without and parameter.value in expression.labels
    label = "" if is_dropped else parameter.value
    counts: dict[Labels, NDArray[np.float64]] = {}
    for block in evaluation.blocks(expression.expression, steps):
        numbers = groups.numbers(block.labels).tolist()
        named = groups.labels
        for row, shown, places in _shown(block):
            labels = changed(named[numbers[row]], {label: shown} if label else {})
            found = counts.setdefault(labels, np.zeros(len(steps)))
            found[places] += 1
        evaluation.afford(len(counts) * len(steps))
    if not counts:
        return empty(steps)
    values = np.stack(list(counts.values()))
    return Grid(list(counts), steps, values, values > 0)


def _parameter(expression: Aggregation) -> Expression:
    if expression.parameter is None:
        raise TypeError(f"{expression.operator} without its parameter")
    return expression.parameter


def _counts(wanted: Numbers) -> Numbers:
    """Check how many are wanted at each step."""
    if np.nanmax(wanted, initial=0.0) < 1 and not np.isnan(wanted).any():
        return np.zeros(wanted.shape)
    if np.isnan(wanted).any():
        raise ExecutionFailed("Parameter value is NaN")
    if wanted.min() <= -_MOST:
        raise ExecutionFailed(f"Scalar value {number(float(wanted.min()))} underflows int64")
    if wanted.max() >= _MOST:
        raise ExecutionFailed(f"Scalar value {number(float(wanted.max()))} overflows int64")
    return np.trunc(wanted)


def _members(numbers: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    for members in np.split(order, starts[1:]) if len(order) else ():
        yield int(numbers[members[0]]), members


def _winners(expression: Aggregation, grid: Grid, counts: Numbers, groups: Groups) -> Grid:
    sign = -1.0 if expression.operator == "topk" else 1.0
    numbers = groups.numbers(grid.labels)
    kept = np.zeros(grid.present.shape, np.bool_)
    for _, members in _members(numbers):
        keys = np.where(grid.present[members], sign * grid.values[members], np.nan).T
        present = grid.present[members].T
        kept[members] = _lowest(np.ascontiguousarray(keys), present, counts[:, None]).T
    found = Grid(grid.labels, grid.steps_ms, grid.values, kept)
    if len(grid.steps_ms) == 1:
        found = rows(found, np.lexsort((sign * found.values[:, 0], numbers)))
    return trimmed(found)


def _lowest(keys: Numbers, present: NDArray[np.bool_], wanted: Numbers) -> NDArray[np.bool_]:
    """Choose the lowest at each step, first come first served; NaN only for want of numbers.

    keys, present: steps x members. wanted: steps x 1, how many.
    """
    limits = np.full(wanted.shape, -np.inf)
    for count in np.unique(wanted[wanted >= 1]).tolist():
        steps = np.flatnonzero(wanted[:, 0] == count)
        place = min(int(count), keys.shape[1]) - 1
        limits[steps, 0] = np.partition(keys[steps], place, axis=1)[:, place]
    below = (keys < limits) | (np.isnan(limits) & ~np.isnan(keys))
    kept: NDArray[np.bool_] = below & (wanted >= 1)
    for tied in (keys == limits, present & np.isnan(keys)):
        room = wanted - np.count_nonzero(kept, axis=1)[:, None]
        kept |= tied & (np.cumsum(tied, axis=1) <= room)
    return kept


def _quantiles(values: Numbers, present: NDArray[np.bool_], q: Numbers) -> Numbers:
    order = np.lexsort((values, ~np.isnan(values), ~present), axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    count = np.count_nonzero(present, axis=0)
    rank = np.nan_to_num(np.clip(q, 0, 1)) * np.maximum(count - 1, 0)
    lower = np.floor(rank).astype(np.int64)
    upper = np.minimum(lower + 1, np.maximum(count - 1, 0))
    weight, steps = rank - lower, np.arange(len(q))
    found = ordered[lower, steps] * (1 - weight) + ordered[upper, steps] * weight
    limits = np.where(q < 0, -np.inf, np.where(q > 1, np.inf, np.nan))
    return np.where((q >= 0) & (q <= 1), found, limits)


def _shown(block: Grid) -> Iterator[tuple[int, str, NDArray[np.int64]]]:
    """Give for each series each of its values as text, and at which steps it has it."""
    natives = is_histogram(block)
    for row in range(len(block.labels)):
        places = np.flatnonzero(block.present[row] & ~natives[row])
        held = block.values[row, places]
        held[np.isnan(held)] = np.nan  # one NaN, but 0 and -0 are two values
        found, numbers = np.unique(held.view(np.int64), return_inverse=True)
        for index, value in enumerate(found.view(np.float64).tolist()):
            yield row, _plain(value), places[numbers == index]
        if block.histograms is not None:
            for place in np.flatnonzero(natives[row]).tolist():
                shown = text(block.histograms[row, place])
                yield row, shown, np.array([place])


def _plain(value: float) -> str:
    if math.isfinite(value):
        return np.format_float_positional(value, trim="-")
    return number(value)
