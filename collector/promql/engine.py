"""PromQL evaluated: a text and a source in, an answer out.

Pure: whatever it needs to know of the world is in its arguments. Vectors flow through it as blocks
of series x steps; only what must look at all series at once (binary operators between vectors,
topk, quantile) holds them. Semantics are those of Prometheus 3.
https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

from collections.abc import Iterator
from typing import Final, assert_never

import numpy as np

from collector.promql import aggregate, binary, functions, matching, ranges, ranking, selectors
from collector.promql.annotations import Annotations
from collector.promql.errors import BadQuery, ExecutionFailed
from collector.promql.evaluation import Evaluation, Numbers, Steps
from collector.promql.expressions import (
    Aggregation,
    Binary,
    Call,
    Expression,
    Negation,
    Number,
    RangeSelector,
    Selector,
    String,
    Subquery,
    kind,
)
from collector.promql.grids import relabelled, rows, trimmed
from collector.promql.labelsets import released
from collector.promql.options import Options
from collector.promql.parser import parse
from collector.promql.samples import Answer, Grid, Samples, Scalar, Source, Text

_DEFAULTS: Final = Options()
_SHOWN_KINDS: Final = {"matrix": "range vector", "string": "string"}


def instant(
    source: Source, query: str | Expression, at_ms: int, options: Options = _DEFAULTS
) -> Answer:
    """Evaluate a query at one instant: a Grid with one step, a Scalar, a Text or Samples.

    Who asks the same again and again may parse it once.
    """
    expression = parse(query) if isinstance(query, str) else query
    steps = np.array([at_ms], np.int64)
    evaluation = _evaluation(source, steps, options)
    value = _guarded(evaluation, expression, steps)
    return Answer(value, evaluation.notes.warnings, evaluation.notes.infos)


def over_range(
    source: Source,
    query: str | Expression,
    start_ms: int,
    end_ms: int,
    step_ms: int,
    options: Options = _DEFAULTS,
) -> Answer:
    """Evaluate a query at start, start + step, ... up to end: a Grid sorted by labels, or a Scalar.

    BadQuery if the expression is a range vector or a string. ``step_ms`` must be positive.
    """
    expression = parse(query) if isinstance(query, str) else query
    if (shown := _SHOWN_KINDS.get(kind(expression))) is not None:
        raise BadQuery(
            f'invalid expression type "{shown}" for range query, must be Scalar or instant Vector'
        )
    steps = np.arange(start_ms, end_ms + 1, step_ms, dtype=np.int64)
    evaluation = _evaluation(source, steps, options)
    value = _guarded(evaluation, expression, steps)
    if isinstance(value, Grid):
        order = sorted(range(len(value.labels)), key=value.labels.__getitem__)
        value = rows(value, np.array(order, np.int64))
    return Answer(value, evaluation.notes.warnings, evaluation.notes.infos)


def _evaluation(source: Source, steps: Steps, options: Options) -> Evaluation:
    start_ms, end_ms = (int(steps[0]), int(steps[-1])) if len(steps) else (0, 0)
    return Evaluation(source, options, start_ms, end_ms, Annotations(), _vectors, _scalars)


def _guarded(
    evaluation: Evaluation, expression: Expression, steps: Steps
) -> Grid | Scalar | Text | Samples:
    evaluation.options.check()
    try:
        with np.errstate(all="ignore"):
            return _answer(evaluation, expression, steps)
    except RecursionError as error:
        raise ExecutionFailed("the expression is nested too deeply") from error


def _answer(
    evaluation: Evaluation, expression: Expression, steps: Steps
) -> Grid | Scalar | Text | Samples:
    if isinstance(expression, String):
        return Text(int(steps[0]), expression.value)
    match kind(expression):
        case "scalar":
            return Scalar(steps, evaluation.numbers(expression, steps))
        case "vector":
            found = trimmed(evaluation.whole(expression, steps))
            if not evaluation.options.is_name_removal_delayed:
                return found
            return relabelled(found, map(released, found.labels))
        case _:
            return ranges.raw(evaluation, expression, steps)


def _vectors(evaluation: Evaluation, expression: Expression, steps: Steps) -> Iterator[Grid]:
    if not len(steps):
        return
    match expression:
        case Selector():
            yield from selectors.instants(evaluation, expression, steps)
        case Negation(operand):
            yield from binary.negated(evaluation, operand, steps)
        case Binary(operator) if operator in matching.SET_OPERATORS:
            yield from matching.combined(evaluation, expression, steps)
        case Binary(left=left, right=right) if kind(left) == kind(right) == "vector":
            yield matching.matched(evaluation, expression, steps)
        case Binary():
            yield from binary.with_scalar(evaluation, expression, steps)
        case Aggregation():
            yield _aggregated(evaluation, expression, steps)
        case Call():
            yield from functions.vectors(evaluation, expression, steps)
        case Number() | String() | RangeSelector() | Subquery():
            raise TypeError(f"not a vector: {expression}")
        case _:
            assert_never(expression)


def _scalars(evaluation: Evaluation, expression: Expression, steps: Steps) -> Numbers:
    match expression:
        case Number(value):
            return np.full(len(steps), value)
        case Negation(operand):
            return -evaluation.numbers(operand, steps)
        case Binary():
            return binary.both_scalars(evaluation, expression, steps)
        case Call():
            return functions.scalars(evaluation, expression, steps)
        case _:
            raise TypeError(f"not a scalar: {expression}")


def _aggregated(evaluation: Evaluation, expression: Aggregation, steps: Steps) -> Grid:
    match expression.operator:
        case "topk" | "bottomk":
            return ranking.best(evaluation, expression, steps)
        case "quantile":
            return ranking.quantile(evaluation, expression, steps)
        case "count_values":
            return ranking.value_counts(evaluation, expression, steps)
        case operator if operator in aggregate.SMALL:
            return aggregate.aggregated(evaluation, expression, steps)
        case operator:
            raise BadQuery(f"aggregation {operator!r} is experimental and not enabled")
