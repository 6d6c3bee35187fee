"""Functions over ranges: what each makes of one block of windows, and how blocks become a vector.

Never knows a function by name; ``rates`` and ``over_time`` do. A reduction gives one value, or one
native histogram, or nothing for each window.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from collector.promql.annotations import quoted
from collector.promql.errors import ExecutionFailed
from collector.promql.evaluation import Evaluation, Steps
from collector.promql.expressions import Call, kind
from collector.promql.grids import SAME_LABELS, trimmed
from collector.promql.labelsets import metric_name
from collector.promql.native import Note
from collector.promql.ranges import Column, Windows, windows
from collector.promql.samples import Grid, Labels

MIXED: Final = "encountered a mix of histograms and floats"
IGNORED: Final = "ignored histograms in a range containing both floats and histograms"
_MOST_AT_ONCE: Final = 50_000_000
"""So many samples are visited between two looks at whether the query shall stop."""

_OF_KINDS: Final = frozenset({Note.NOT_A_COUNTER, Note.NOT_A_GAUGE})
_OF_OPERATIONS: Final = frozenset({Note.COLLIDING_RESETS, Note.RECONCILED_BOUNDS})


@dataclass(frozen=True, slots=True)
class Reduced:
    """values, present: series x windows. histograms: None, or objects where the value is one."""

    values: NDArray[np.float64]
    present: NDArray[np.bool_]
    histograms: NDArray[Any] | None = None


Reduction = Callable[[Evaluation, Windows], Reduced]


def reduced(
    evaluation: Evaluation, call: Call, steps: Steps, reduce: Reduction, *, keeps_name: bool = False
) -> Iterator[Grid]:
    """Apply a reduction to the call's range; series that become the same fail the query."""
    (expression,) = (one for one in call.arguments if kind(one) == "matrix")
    seen: set[Labels] = set()
    for block in windows(evaluation, expression, steps):
        found = reduce(evaluation, block)
        labels = block.labels if keeps_name else [evaluation.nameless(one) for one in block.labels]
        grid = trimmed(_spread(found, labels, steps))
        before = len(seen)
        seen.update(grid.labels)
        if len(seen) < before + len(grid.labels):
            raise ExecutionFailed(SAME_LABELS)
        yield grid


def in_parts(
    evaluation: Evaluation,
    column: Column,
    visit: Callable[[NDArray[np.int64], NDArray[np.int64], slice], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Let a compiled loop visit the windows, some steps at a time if there is much to visit."""
    work = int(column.counts.sum())
    if work <= _MOST_AT_ONCE:
        return visit(column.low, column.high, slice(None))
    steps = column.low.shape[1]
    width = max(1, steps * _MOST_AT_ONCE // work)
    parts = []
    for start in range(0, steps, width):
        evaluation.options.check()
        part = slice(start, start + width)
        low, high = (np.ascontiguousarray(edge[:, part]) for edge in (column.low, column.high))
        parts.append(visit(low, high, part))
    return np.concatenate(parts, axis=1)


def warn_mixed(
    evaluation: Evaluation, block: Windows, *, text: str = MIXED, is_warning: bool = True
) -> NDArray[np.bool_]:
    """Return which windows hold floats and histograms, and tell so."""
    if block.histograms is None:
        return np.zeros(block.floats.low.shape, np.bool_)
    mixed = (block.floats.counts > 0) & (block.histograms.counts > 0)
    say = evaluation.notes.warn if is_warning else evaluation.notes.inform
    for row in np.flatnonzero(mixed.any(axis=1)).tolist():
        say(f"{text} for metric name {quoted(metric_name(block.labels[row]))}")
    return mixed


def tell(
    evaluation: Evaluation, notes: frozenset[Note], *, labels: Labels = (), operation: str
) -> None:
    """Put notes of native histograms into words; sums are named by what was done."""
    for note in notes:
        say = evaluation.notes.warn if note.is_warning else evaluation.notes.inform
        name = quoted(metric_name(labels))
        if note in _OF_OPERATIONS:
            say(f"{note.value} {operation}")
        elif note in _OF_KINDS:
            say(f"{note.value}: {name}")
        elif note is Note.MIXED_SCHEMAS:
            say(f"{note.value} for metric name {name}")
        else:
            say(note.value, metric=metric_name(labels))


def _spread(found: Reduced, labels: Sequence[Labels], steps: Steps) -> Grid:
    shape = (len(labels), len(steps))
    histograms = found.histograms
    return Grid(
        labels,
        steps,
        np.broadcast_to(found.values, shape),
        np.broadcast_to(found.present, shape),
        None if histograms is None else np.broadcast_to(histograms, shape),
    )
