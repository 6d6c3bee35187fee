"""Binary operators with a scalar on one side or both, and unary minus.

Never holds more than a block of series. ``matching`` has the operators between two vectors.
https://prometheus.io/docs/prometheus/latest/querying/operators/
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from collector.promql import native
from collector.promql.evaluation import Evaluation, Numbers, Steps
from collector.promql.expressions import Binary, Expression, kind
from collector.promql.operators import ARITHMETIC, Operand, operate, scalars
from collector.promql.samples import Grid
from collector.promql.streams import unnamed_blocks


def both_scalars(evaluation: Evaluation, expression: Binary, steps: Steps) -> Numbers:
    """Evaluate an operator between scalars."""
    left = evaluation.numbers(expression.left, steps)
    right = evaluation.numbers(expression.right, steps)
    return scalars(expression.operator, left, right)


def with_scalar(evaluation: Evaluation, expression: Binary, steps: Steps) -> Iterator[Grid]:
    """Evaluate an operator between a vector and a scalar; a comparison keeps vector's values."""
    is_left = kind(expression.left) == "vector"
    vector, scalar = (
        (expression.left, expression.right) if is_left else (expression.right, expression.left)
    )
    number = Operand(evaluation.numbers(scalar, steps)[None, :])
    blocks = (
        _operated(evaluation, expression, block, number, is_left=is_left)
        for block in evaluation.blocks(vector, steps)
    )
    if expression.operator in ARITHMETIC or expression.is_bool:
        return unnamed_blocks(evaluation, blocks, vector, steps)
    return blocks


def negated(evaluation: Evaluation, operand: Expression, steps: Steps) -> Iterator[Grid]:
    """Evaluate unary minus of a vector."""
    blocks = (_negative(block) for block in evaluation.blocks(operand, steps))
    return unnamed_blocks(evaluation, blocks, operand, steps)


def _operated(
    evaluation: Evaluation, expression: Binary, block: Grid, number: Operand, *, is_left: bool
) -> Grid:
    own = Operand(block.values, block.histograms)
    left, right = (own, number) if is_left else (number, own)
    found = operate(evaluation, expression.operator, left, right, block.present)
    if expression.is_bool:
        present = block.present if found.refused is None else block.present & ~found.refused
        return Grid(block.labels, block.steps_ms, found.kept.astype(np.float64), present)
    if expression.operator in ARITHMETIC:
        return Grid(block.labels, block.steps_ms, found.values, found.kept, found.histograms)
    return replace(block, present=found.kept)


def _negative(block: Grid) -> Grid:
    histograms = block.histograms
    if histograms is not None:
        flat = [None if one is None else native.negate(one) for one in histograms.flat]
        histograms = np.empty(len(flat), object)
        histograms[:] = flat
        histograms = histograms.reshape(block.values.shape)
    return replace(block, values=-block.values, histograms=histograms)
