"""Instant vectors of stored series: the latest sample of each, if it is young enough.

Never looks past a stale marker: that ends a series at once.
https://prometheus.io/docs/prometheus/latest/querying/basics/#staleness
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from collector.promql.evaluation import Evaluation, Steps
from collector.promql.expressions import Selector, Subquery
from collector.promql.kernels.windows import bounds
from collector.promql.samples import Grid, Samples, is_stale


def instants(evaluation: Evaluation, selector: Selector, steps: Steps) -> Iterator[Grid]:
    """Evaluate a selector at each step."""
    for grid, _ in _latest(evaluation, selector, steps):
        yield grid


def sample_times(evaluation: Evaluation, selector: Selector, steps: Steps) -> Iterator[Grid]:
    """Evaluate ``timestamp()`` of a selector: when its samples were taken, in seconds."""
    for grid, times in _latest(evaluation, selector, steps):
        yield Grid(grid.labels, steps, times / 1e3, grid.present)


def ends_of(evaluation: Evaluation, expression: Selector | Subquery, steps: Steps) -> Steps:
    """Return when the windows of a selector end: one time for all steps if it has an @."""
    match expression.at:
        case None:
            ends = steps
        case "start":
            ends = np.array([evaluation.start_ms], np.int64)
        case "end":
            ends = np.array([evaluation.end_ms], np.int64)
        case at_ms:
            ends = np.array([at_ms], np.int64)
    return ends - expression.offset_ms


def _latest(
    evaluation: Evaluation, selector: Selector, steps: Steps
) -> Iterator[tuple[Grid, NDArray[np.int64]]]:
    until = ends_of(evaluation, selector, steps)
    after = until - evaluation.options.lookback_ms - int(evaluation.options.is_left_closed)
    if not len(steps):
        return
    found = evaluation.source.select(selector.matchers, int(after[0]) + 1, int(until[-1]))
    for samples in found:
        evaluation.afford(len(samples.times_ms))
        if len(samples.times_ms):
            yield _looked_up(samples, after, until, steps)


def _looked_up(
    samples: Samples, after: Steps, until: Steps, steps: Steps
) -> tuple[Grid, NDArray[np.int64]]:
    low, high = bounds(samples.offsets, samples.times_ms, after, until)
    index = np.maximum(high - 1, 0)
    values = samples.values[index]
    present = (high > low) & ~is_stale(values)
    shape = (len(samples.labels), len(steps))
    histograms = None
    if samples.histograms is not None:
        histograms = np.broadcast_to(np.where(present, samples.histograms[index], None), shape)
    grid = Grid(
        samples.labels,
        steps,
        np.broadcast_to(values, shape),
        np.broadcast_to(present, shape),
        histograms,
    )
    return grid, np.broadcast_to(samples.times_ms[index], shape)
