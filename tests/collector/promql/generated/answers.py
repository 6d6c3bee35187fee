"""Answers of three kinds of engines in one form, and whether two of them are the same."""

import math
from dataclasses import dataclass

from collector.promql import engine
from collector.promql.errors import ExecutionFailed
from collector.promql.options import Options
from collector.promql.samples import Labels, Scalar, Source
from tests.collector.promql.naive import Impossible, Naive

Table = dict[Labels, dict[int, float]]
"""Values by series and time in ms; a scalar is a series without labels."""


@dataclass(frozen=True)
class Failure:
    """The data did not allow an answer."""

    text: str


def of_engine(
    source: Source, query: str, start_ms: int, end_ms: int, step_ms: int, options: Options
) -> Table | Failure:
    """Ask the engine."""
    try:
        answer = engine.over_range(source, query, start_ms, end_ms, step_ms, options)
    except ExecutionFailed as error:
        return Failure(str(error))
    value = answer.value
    if isinstance(value, Scalar):
        return {(): dict(zip(value.steps_ms.tolist(), value.values.tolist(), strict=True))}
    table: Table = {}
    for row, labels in enumerate(value.labels):
        columns = value.present[row].nonzero()[0].tolist()
        if columns:
            assert labels not in table, f"series twice: {labels}"
            table[labels] = {
                int(value.steps_ms[column]): float(value.values[row, column]) for column in columns
            }
    return table


def of_naive(naive: Naive, query: str, start_ms: int, end_ms: int, step_ms: int) -> Table | Failure:
    """Ask the naive evaluator."""
    table: Table = {}
    try:
        for time, found in naive.steps(query, start_ms, end_ms, step_ms).items():
            for labels, value in [((), found)] if isinstance(found, float) else found:
                table.setdefault(labels, {})[time] = value
    except Impossible as error:
        return Failure(str(error))
    return table


def difference(left: Table | Failure, right: Table | Failure) -> str:
    """Say how two answers differ; nothing when they do not."""
    if isinstance(left, Failure) or isinstance(right, Failure):
        if isinstance(left, Failure) and isinstance(right, Failure):
            return ""
        return f"only one failed: {left if isinstance(left, Failure) else right}"
    for labels in left.keys() | right.keys():
        one, other = left.get(labels, {}), right.get(labels, {})
        for time in sorted(one.keys() | other.keys()):
            if time not in one or time not in other:
                return f"{labels} at {time}: {one.get(time)} and {other.get(time)}"
            if not is_near(one[time], other[time]):
                return f"{labels} at {time}: {one[time]} and {other[time]}"
    return ""


def is_near(left: float, right: float) -> bool:
    """Compare two floats that were summed in another order."""
    if math.isnan(left) or math.isnan(right):
        return math.isnan(left) and math.isnan(right)
    return left == right or math.isclose(left, right, rel_tol=1e-7, abs_tol=1e-7)
