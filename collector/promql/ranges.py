"""Range vectors: the samples of each series in the windows before each step.

Never computes over them; ``rates`` and ``over_time`` do. Windows are open on the left, stale
markers are left out, floats and native histograms lie apart.
https://prometheus.io/docs/prometheus/latest/querying/basics/#range-vector-selectors
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collector.promql.evaluation import Evaluation, Steps
from collector.promql.expressions import Expression, RangeSelector, Subquery
from collector.promql.kernels.windows import bounds
from collector.promql.samples import Grid, Labels, Samples, is_stale
from collector.promql.selectors import ends_of


@dataclass(frozen=True, slots=True)
class Column:
    """Flat samples of one kind; those in each window lie in [low, high), series x windows."""

    offsets: NDArray[np.int64]
    times_ms: NDArray[np.int64]
    values: NDArray[Any]
    low: NDArray[np.int64]
    high: NDArray[np.int64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many samples lie in each window."""
        return self.high - self.low

    def spread(self, steps: int) -> "Column":
        """Repeat the only window for each step, if there is only one for all."""
        shape = (len(self.low), steps)
        if self.low.shape == shape:
            return self
        low, high = (
            np.ascontiguousarray(np.broadcast_to(edge, shape)) for edge in (self.low, self.high)
        )
        return replace(self, low=low, high=high)


@dataclass(frozen=True, slots=True)
class Windows:
    """Some series; windows (after_ms, until_ms], one for each step, or one for all.

    histograms: None if no sample is one.
    """

    labels: Sequence[Labels]
    after_ms: NDArray[np.int64]
    until_ms: NDArray[np.int64]
    floats: Column
    histograms: Column | None

    @property
    def range_ms(self) -> int:
        """How long each window is."""
        return int(self.until_ms[0] - self.after_ms[0])


def windows(evaluation: Evaluation, expression: Expression, steps: Steps) -> Iterator[Windows]:
    """Evaluate a range vector in blocks of series; those without a sample may be left out."""
    if not len(steps):
        return
    for samples, until, range_ms in _columns(evaluation, expression, steps):
        evaluation.options.check()
        is_closed = evaluation.options.is_left_closed
        if len(samples.times_ms):
            yield _windows(samples, until, range_ms, is_left_closed=is_closed)


def raw(evaluation: Evaluation, expression: Expression, at: Steps) -> Samples:
    """Evaluate a range vector at one time and return its samples as they are."""
    found = list(windows(evaluation, expression, at))
    labels = [labels for block in found for labels in block.labels]
    parts = [_joined(block, row) for block in found for row in range(len(block.labels))]
    kept = [number for number, part in enumerate(parts) if len(part[0])]
    parts = [parts[number] for number in kept]
    histograms = np.concatenate([part[2] for part in parts]) if parts else np.empty(0, object)
    return Samples(
        [labels[number] for number in kept],
        np.cumsum([0, *(len(part[0]) for part in parts)]).astype(np.int64),
        np.concatenate([part[0] for part in parts]) if parts else np.empty(0, np.int64),
        np.concatenate([part[1] for part in parts]) if parts else np.empty(0),
        histograms if histograms.astype(np.bool_).any() else None,
    )


def together(block: Windows, row: int, step: int) -> tuple[NDArray[np.int64], list[Any]]:
    """Return times and values of one window, floats and histograms in the order of time."""
    floats, natives = block.floats, block.histograms
    within = slice(floats.low[row, step], floats.high[row, step])
    times, values = floats.times_ms[within], list(floats.values[within].tolist())
    if natives is None:
        return times, values
    within = slice(natives.low[row, step], natives.high[row, step])
    times = np.concatenate((times, natives.times_ms[within]))
    values += list(natives.values[within])
    order = np.argsort(times, kind="stable")
    return times[order], [values[number] for number in order.tolist()]


def _joined(
    block: Windows, row: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[Any]]:
    if block.histograms is None:
        within = slice(block.floats.low[row, 0], block.floats.high[row, 0])
        found = block.floats.values[within]
        return block.floats.times_ms[within], found, np.full(len(found), None, object)
    times, values = together(block, row, 0)
    numbers = np.full(len(values), np.nan)
    histograms = np.full(len(values), None, object)
    for index, value in enumerate(values):
        if isinstance(value, float):
            numbers[index] = value
        else:
            histograms[index] = value
    return times, numbers, histograms


def _columns(
    evaluation: Evaluation, expression: Expression, steps: Steps
) -> Iterator[tuple[Samples, Steps, int]]:
    closed = int(evaluation.options.is_left_closed)
    match expression:
        case RangeSelector(selector, range_ms):
            until = ends_of(evaluation, selector, steps)
            first = int(until[0]) - range_ms + 1 - closed
            for samples in evaluation.source.select(selector.matchers, first, int(until[-1])):
                evaluation.afford(len(samples.times_ms))
                yield samples, until, range_ms
        case Subquery(inner, range_ms):
            until = ends_of(evaluation, expression, steps)
            step_ms = expression.step_ms or evaluation.options.subquery_step_ms
            for grid in evaluation.blocks(inner, inner_steps(until, range_ms, step_ms, closed)):
                evaluation.afford(int(np.count_nonzero(grid.present)))
                yield _flat(grid), until, range_ms
        case _:
            raise TypeError(f"not a range vector: {expression}")


def inner_steps(until: Steps, range_ms: int, step_ms: int, closed: int) -> Steps:
    """Return the multiples of the step that lie in any window of a subquery."""
    first = (int(until[0]) - range_ms - closed) // step_ms + 1
    return np.arange(first, int(until[-1]) // step_ms + 1, dtype=np.int64) * step_ms


def _flat(grid: Grid) -> Samples:
    present = grid.present
    counts = np.count_nonzero(present, axis=1)
    return Samples(
        grid.labels,
        np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        np.broadcast_to(grid.steps_ms, present.shape)[present],
        grid.values[present],
        None if grid.histograms is None else grid.histograms[present],
    )


def _windows(samples: Samples, until: Steps, range_ms: int, *, is_left_closed: bool) -> Windows:
    after = until - range_ms
    kept = ~is_stale(samples.values)
    edges = after - int(is_left_closed)
    histograms = None
    if samples.histograms is not None:
        is_native = samples.histograms.astype(np.bool_)
        histograms = _column(samples, samples.histograms, kept & is_native, edges, until)
        kept &= ~is_native
    floats = _column(samples, samples.values, kept, edges, until)
    return Windows(samples.labels, after, until, floats, histograms)


def _column(
    samples: Samples,
    values: NDArray[Any],
    kept: NDArray[np.bool_],
    after: Steps,
    until: Steps,
) -> Column:
    offsets, times = samples.offsets, samples.times_ms
    if not kept.all():
        offsets = np.concatenate(([0], np.cumsum(kept)))[offsets]
        times, values = times[kept], values[kept]
    return Column(offsets, times, values, *bounds(offsets, times, after, until))
