"""Functions of what there is and when: absent, absent_over_time, scalar, vector, time, timestamp,
sort.

Never looks at histograms as numbers.
https://prometheus.io/docs/prometheus/latest/querying/functions/#absent
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from collector.promql.evaluation import Evaluation, Numbers, Steps
from collector.promql.expressions import Call, Expression, RangeSelector, Selector
from collector.promql.grids import floats_only, rows, single
from collector.promql.labelsets import NAME
from collector.promql.ranges import windows
from collector.promql.samples import Grid, Labels
from collector.promql.selectors import sample_times
from collector.promql.streams import unnamed_blocks

_INEFFECTIVE: Final = (
    "sort is ineffective for range queries since results are always ordered by labels"
)


def absent(evaluation: Evaluation, call: Call, steps: Steps) -> Iterator[Grid]:
    """Give 1 where the vector is empty, with the labels that its selector wanted."""
    (vector,) = call.arguments
    found = np.zeros(len(steps), np.bool_)
    for block in evaluation.blocks(vector, steps):
        found |= block.present.any(axis=0)
    yield _absence(vector, steps, found)


def absent_over_time(evaluation: Evaluation, call: Call, steps: Steps) -> Iterator[Grid]:
    """Give 1 where the range holds no sample at all."""
    (matrix,) = call.arguments
    found = np.zeros(len(steps), np.bool_)
    for block in windows(evaluation, matrix, steps):
        found |= (block.floats.counts > 0).any(axis=0)
        if block.histograms is not None:
            found |= (block.histograms.counts > 0).any(axis=0)
    yield _absence(matrix, steps, found)


def scalar(evaluation: Evaluation, call: Call, steps: Steps) -> Numbers:
    """Return the only float of a vector at each step; NaN if there is none, or more."""
    (vector,) = call.arguments
    counts = np.zeros(len(steps), np.int64)
    values = np.full(len(steps), np.nan)
    for block in map(floats_only, evaluation.blocks(vector, steps)):
        counts += np.count_nonzero(block.present, axis=0)
        row, step = np.nonzero(block.present)
        values[step] = block.values[row, step]
    return np.where(counts == 1, values, np.nan)


def vector(evaluation: Evaluation, call: Call, steps: Steps) -> Iterator[Grid]:
    """Give a scalar as an element without labels."""
    (number,) = call.arguments
    yield single((), steps, evaluation.numbers(number, steps))


def time(_evaluation: Evaluation, _call: Call, steps: Steps) -> Numbers:
    """Return each step's time in seconds."""
    return steps / 1e3


def pi(_evaluation: Evaluation, _call: Call, steps: Steps) -> Numbers:
    """Return pi."""
    return np.full(len(steps), np.pi)


def timestamp(evaluation: Evaluation, call: Call, steps: Steps) -> Iterator[Grid]:
    """Give when samples were taken, in seconds; whatever is computed is of its step."""
    (operand,) = call.arguments
    if isinstance(operand, Selector):
        blocks = sample_times(evaluation, operand, steps)
    else:
        blocks = (
            replace(
                block,
                values=np.broadcast_to(steps / 1e3, block.values.shape),
                histograms=None,
            )
            for block in evaluation.blocks(operand, steps)
        )
    return unnamed_blocks(evaluation, blocks, operand, steps)


def ordered(evaluation: Evaluation, call: Call, steps: Steps) -> Iterator[Grid]:
    """Evaluate sort or sort_desc: an instant's elements in order, NaN last, floats only."""
    (operand,) = call.arguments
    if len(steps) != 1:
        evaluation.notes.warn(_INEFFECTIVE)
        yield from evaluation.blocks(operand, steps)
        return
    whole = floats_only(evaluation.whole(operand, steps))
    sign = -1.0 if call.function == "sort_desc" else 1.0
    yield rows(whole, np.argsort(sign * whole.values[:, 0], kind="stable"))


def _absence(operand: Expression, steps: Steps, found: np.ndarray) -> Grid:
    grid = single(_wanted(operand), steps, np.ones(len(steps)))
    return replace(grid, present=~found[None, :])


def _wanted(operand: Expression) -> Labels:
    """Return the labels that a selector sets equal to something, once."""
    selector = operand.selector if isinstance(operand, RangeSelector) else operand
    if not isinstance(selector, Selector):
        return ()
    wanted: dict[str, str] = {}
    seen: set[str] = set()
    for matcher in selector.matchers:
        if matcher.op == "=" and matcher.name not in seen:
            wanted[matcher.name] = matcher.value
            seen.add(matcher.name)
        else:
            wanted.pop(matcher.name, None)
    return tuple(sorted((name, text) for name, text in wanted.items() if text and name != NAME))
