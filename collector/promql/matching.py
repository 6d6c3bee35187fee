"""Binary operators between two vectors: elements find each other by labels, then operate.

Never evaluates an operand in part: both lie in memory, but for the left side of ``and`` and
``unless``. Who must be unique is looked at step by step, as series may take turns.
https://prometheus.io/docs/prometheus/latest/querying/operators/#vector-matching
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from collector.promql.errors import ExecutionFailed
from collector.promql.evaluation import Evaluation, Steps
from collector.promql.expressions import Binary, Matching
from collector.promql.grids import concatenated, merged, rows, trimmed
from collector.promql.labelsets import changed, keeper, readable, shown, with_mark
from collector.promql.operators import ARITHMETIC, Operand, operate
from collector.promql.samples import Grid, Labels

SET_OPERATORS: Final = frozenset({"and", "or", "unless"})
_ELEMENTS_AT_ONCE: Final = 4_000_000
"""So many elements are computed between two looks at whether the query shall stop."""


@dataclass(frozen=True, slots=True)
class _Pairs:
    """pairs x 3: a row of the many side, one of the one side, and the number of their labels."""

    rows: NDArray[np.int64]

    @property
    def many(self) -> NDArray[np.int64]:
        """Row numbers of the many side."""
        return self.rows[:, 0]

    @property
    def one(self) -> NDArray[np.int64]:
        """Row numbers of the one side."""
        return self.rows[:, 1]


def combined(evaluation: Evaluation, expression: Binary, steps: Steps) -> Iterator[Grid]:
    """Evaluate ``and``, ``or`` or ``unless``."""
    signature = keeper(expression.matching.labels, is_on=expression.matching.is_on)
    right = evaluation.whole(expression.right, steps)
    if (
        expression.operator == "and"
        and evaluation.options.skips_unneeded
        and not right.present.any()
    ):
        return
    groups, present = _groups(right, signature)
    if expression.operator != "or":
        is_wanted = expression.operator == "and"
        for block in evaluation.blocks(expression.left, steps):
            found = _partners(block, groups, present, signature)
            yield trimmed(replace(block, present=block.present & (found == is_wanted)))
        return
    left = evaluation.whole(expression.left, steps)
    groups, present = _groups(left, signature)
    is_met = _partners(right, groups, present, signature)
    others = replace(right, present=right.present & ~is_met)
    yield merged(concatenated([left, trimmed(others)], steps))


def matched(evaluation: Evaluation, expression: Binary, steps: Steps) -> Grid:
    """Evaluate an arithmetic operator or a comparison."""
    left = evaluation.whole(expression.left, steps)
    right = evaluation.whole(expression.right, steps)
    matching = expression.matching
    is_swapped = matching.cardinality == "one-to-many"
    many, one = (right, left) if is_swapped else (left, right)
    signature = keeper(matching.labels, is_on=matching.is_on)
    keys = [signature(labels) for labels in one.labels]
    active = np.any(left.present, axis=0) & np.any(right.present, axis=0)
    _check_one_side(one, keys, active, side="left" if is_swapped else "right")
    pairs = _pairs([signature(labels) for labels in many.labels], keys)
    found = [
        _operated(evaluation, expression, many, one, part) for part in _parts(pairs, len(steps))
    ]
    result = concatenated(found, steps)
    _check_many_side(result, pairs, matching)
    return trimmed(merged(result))


def _groups(
    grid: Grid, signature: Callable[[Labels], Labels]
) -> tuple[dict[Labels, int], NDArray[np.bool_]]:
    """Number the match labels, and tell at which steps each of them is there."""
    groups: dict[Labels, int] = {}
    numbers = [groups.setdefault(signature(labels), len(groups)) for labels in grid.labels]
    present = np.zeros((len(groups) + 1, len(grid.steps_ms)), np.bool_)
    np.logical_or.at(present, np.array(numbers, np.int64), grid.present)
    return groups, present


def _partners(
    grid: Grid,
    groups: dict[Labels, int],
    present: NDArray[np.bool_],
    signature: Callable[[Labels], Labels],
) -> NDArray[np.bool_]:
    """Tell at which steps each row has a partner; the last row of ``present`` is that of none."""
    numbers = [groups.get(signature(labels), len(groups)) for labels in grid.labels]
    found: NDArray[np.bool_] = present[np.array(numbers, np.int64)]
    return found


def _pairs(many: Sequence[Labels], one: Sequence[Labels]) -> _Pairs:
    groups: dict[Labels, list[int]] = {}
    for number, key in enumerate(one):
        groups.setdefault(key, []).append(number)
    numbers = {key: number for number, key in enumerate(groups)}
    found = [
        (row, other, numbers[key]) for row, key in enumerate(many) for other in groups.get(key, ())
    ]
    return _Pairs(np.array(found, np.int64).reshape(-1, 3))


def _parts(pairs: _Pairs, steps: int) -> Iterator[_Pairs]:
    size = max(1, _ELEMENTS_AT_ONCE // max(steps, 1))
    for start in range(0, len(pairs.rows), size):
        yield _Pairs(pairs.rows[start : start + size])


def _operated(
    evaluation: Evaluation, expression: Binary, many: Grid, one: Grid, pairs: _Pairs
) -> Grid:
    evaluation.options.check()
    first, second = rows(many, pairs.many), rows(one, pairs.one)
    labels = [
        _result_labels(evaluation, expression, *both)
        for both in zip(first.labels, second.labels, strict=True)
    ]
    present = first.present & second.present
    left, right = (
        (second, first) if expression.matching.cardinality == "one-to-many" else (first, second)
    )
    found = operate(
        evaluation,
        expression.operator,
        Operand(left.values, left.histograms),
        Operand(right.values, right.histograms),
        present,
    )
    if not expression.is_bool:
        return Grid(labels, many.steps_ms, found.values, found.kept, found.histograms)
    allowed = present if found.refused is None else present & ~found.refused
    return Grid(labels, many.steps_ms, found.kept.astype(np.float64), allowed)


def _result_labels(evaluation: Evaluation, expression: Binary, many: Labels, one: Labels) -> Labels:
    matching = expression.matching
    found = many
    if expression.operator in ARITHMETIC or expression.is_bool:
        found = evaluation.nameless(found)
    if matching.cardinality == "one-to-one":
        listed = with_mark(matching.labels)
        found = tuple(pair for pair in found if (pair[0] in listed) == matching.is_on)
    if not matching.included:
        return found
    given = readable(one)
    return changed(found, {name: given.get(name, "") for name in matching.included})


def _check_one_side(
    one: Grid, keys: Sequence[Labels], active: NDArray[np.bool_], *, side: str
) -> None:
    if (twins := _twins(keys, one.present & active)) is None:
        return
    key, first, second = twins
    raise ExecutionFailed(
        f"found duplicate series for the match group {shown(key)} on the {side} hand-side of the "
        f"operation: [{shown(one.labels[second])}, {shown(one.labels[first])}];many-to-many "
        "matching not allowed: matching labels must be unique on one side"
    )


def _check_many_side(result: Grid, pairs: _Pairs, matching: Matching) -> None:
    groups = pairs.rows[:, 2].tolist()
    if matching.cardinality == "one-to-one":
        if _twins(groups, result.present) is not None:
            raise ExecutionFailed(
                "multiple matches for labels: many-to-one matching must be explicit "
                "(group_left/group_right)"
            )
    elif _twins(list(zip(groups, result.labels, strict=True)), result.present) is not None:
        raise ExecutionFailed(
            "multiple matches for labels: grouping labels must ensure unique matches"
        )


def _twins(keys: Sequence[Any], present: NDArray[np.bool_]) -> tuple[Any, int, int] | None:
    """Find two rows that have the same key and a step in common."""
    together: dict[Any, list[int]] = {}
    for number, key in enumerate(keys):
        together.setdefault(key, []).append(number)
    for key, numbers in together.items():
        if len(numbers) < 2:
            continue
        crowded = np.count_nonzero(present[numbers], axis=0) > 1
        if crowded.any():
            first, second, *_ = np.flatnonzero(present[numbers, crowded.argmax()]).tolist()
            return key, numbers[first], numbers[second]
    return None
