"""Aggregations that need one number or a few for each group: sum avg min max count group stddev
stdvar.

Series come in blocks and are forgotten once they are added, so that memory depends on the number
of groups alone. ``ranking`` has the aggregations that need all their series.
https://prometheus.io/docs/prometheus/latest/querying/operators/#aggregation-operators
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from collector.promql import native
from collector.promql.evaluation import Evaluation, Steps
from collector.promql.expressions import Aggregation
from collector.promql.grids import floats_only, is_histogram, trimmed
from collector.promql.kernels import groups as kernels
from collector.promql.labelsets import keeper
from collector.promql.reductions import MIXED, tell
from collector.promql.samples import Grid, Labels

SMALL: Final = frozenset({"sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"})
_WITH_NATIVES: Final = frozenset({"sum", "avg"})
_COUNTING: Final = frozenset({"count", "group"})

_Cells = dict[tuple[int, int], list[tuple[Labels, Any]]]
"""The histograms that come together, with their labels, by group and step."""


class Groups:
    """Numbers for the label sets that an aggregation makes, in the order they come."""

    def __init__(self, expression: Aggregation) -> None:
        self._key = keeper(expression.labels, is_on=not expression.is_without)
        self._numbers: dict[Labels, int] = {}

    def numbers(self, labels: Iterable[Labels]) -> NDArray[np.int64]:
        """Return the group of each series."""
        numbers, key = self._numbers, self._key
        return np.array([numbers.setdefault(key(one), len(numbers)) for one in labels], np.int64)

    @property
    def labels(self) -> Sequence[Labels]:
        """What the groups are called so far."""
        return list(self._numbers)


@dataclass(slots=True)
class _Totals:
    """Groups x steps of everything an aggregation keeps; grows with the groups."""

    steps: int
    counts: NDArray[np.int64] = field(init=False)
    first: NDArray[np.float64] = field(init=False)
    second: NDArray[np.float64] = field(init=False)
    is_stepwise: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with room for one group."""
        self.counts = np.zeros((1, self.steps), np.int64)
        self.first = np.zeros((1, self.steps))
        self.second = np.zeros((1, self.steps))
        self.is_stepwise = np.zeros((1, self.steps), np.bool_)

    def grow(self, groups: int) -> None:
        """Make room for so many groups."""
        if groups <= len(self.counts):
            return
        shape = (max(groups, 2 * len(self.counts)) - len(self.counts), self.steps)
        self.counts = np.concatenate((self.counts, np.zeros(shape, np.int64)))
        self.first = np.concatenate((self.first, np.zeros(shape)))
        self.second = np.concatenate((self.second, np.zeros(shape)))
        self.is_stepwise = np.concatenate((self.is_stepwise, np.zeros(shape, np.bool_)))


def aggregated(evaluation: Evaluation, expression: Aggregation, steps: Steps) -> Grid:
    """Evaluate one of SMALL."""
    groups, totals = Groups(expression), _Totals(len(steps))
    histograms: _Cells = {}
    for block in evaluation.blocks(expression.expression, steps):
        numbers = groups.numbers(block.labels)
        totals.grow(len(groups.labels))
        evaluation.afford(int(np.count_nonzero(totals.counts)))
        floats = _split(evaluation, expression.operator, block, numbers, histograms)
        _add(expression.operator, totals, floats, numbers)
    count = len(groups.labels)
    counts = totals.counts[:count]
    values = _finished(expression.operator, totals)[:count]
    found = Grid(groups.labels, steps, values, counts > 0)
    return trimmed(_with_natives(evaluation, expression.operator, found, histograms))


def ignore_histograms(evaluation: Evaluation, operator: str, block: Grid) -> Grid:
    """Leave out histograms, and tell so."""
    if is_histogram(block).any():
        evaluation.notes.inform(f"ignored histogram in {operator} aggregation")
    return floats_only(block)


def _split(
    evaluation: Evaluation,
    operator: str,
    block: Grid,
    numbers: NDArray[np.int64],
    histograms: _Cells,
) -> Grid:
    """Return the floats of a block, having kept its histograms if they are to be added."""
    if block.histograms is None or operator in _COUNTING:
        return block
    if operator not in _WITH_NATIVES:
        return ignore_histograms(evaluation, operator, block)
    for row, step in np.argwhere(is_histogram(block)).tolist():
        place = (int(numbers[row]), step)
        histograms.setdefault(place, []).append((block.labels[row], block.histograms[row, step]))
    return floats_only(block)


def _add(operator: str, totals: _Totals, block: Grid, groups: NDArray[np.int64]) -> None:
    values, present, counts = _fixed(block.values), _fixed(block.present), totals.counts
    match operator:
        case "sum":
            kernels.add_sums(values, present, groups, counts, totals.first, totals.second)
        case "avg":
            is_stepwise = totals.is_stepwise
            kernels.add_means(
                values, present, groups, counts, totals.first, totals.second, is_stepwise
            )
        case "max" | "min":
            sign = 1.0 if operator == "max" else -1.0
            kernels.add_extremes(values, present, groups, counts, totals.first, sign)
        case "stddev" | "stdvar":
            kernels.add_squares(values, present, groups, counts, totals.first, totals.second)
        case _:
            kernels.add_counts(present, groups, counts)


def _fixed(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view that cannot be written, so that loops are compiled for one kind of array."""
    view = array.view()
    view.flags.writeable = False
    return view


def _finished(operator: str, totals: _Totals) -> NDArray[np.float64]:
    counts, first, second = totals.counts, totals.first, totals.second
    match operator:
        case "sum":
            return np.where(np.isinf(first), first, first + second)
        case "avg":
            return np.where(totals.is_stepwise, first + second, first / counts + second / counts)
        case "max" | "min":
            return first
        case "stdvar":
            return second / counts
        case "stddev":
            return np.sqrt(second / counts)
        case "group":
            return np.ones(counts.shape)
        case _:
            return counts.astype(np.float64)


def _with_natives(evaluation: Evaluation, operator: str, floats: Grid, cells: _Cells) -> Grid:
    """Put in the sums or means of histograms; a group that holds floats too has no result."""
    if not cells:
        return floats
    histograms = np.full(floats.present.shape, None, object)
    present = floats.present.copy()
    combine = native.total if operator == "sum" else native.mean
    for place, members in cells.items():
        evaluation.options.check()
        if floats.present[place]:
            evaluation.notes.warn(f"{MIXED} for aggregation")
            present[place] = False
            continue
        try:
            histograms[place], notes = combine([one for _, one in members])
        except native.IncompatibleBuckets:
            notes = frozenset({native.Note.MIXED_SCHEMAS})
        present[place] = histograms[place] is not None
        tell(evaluation, notes, labels=members[-1][0], operation="aggregation")
    return Grid(floats.labels, floats.steps_ms, floats.values, present, histograms)
