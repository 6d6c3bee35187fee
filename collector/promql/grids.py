"""Grids put together and taken apart: blocks joined, names dropped, twins merged.

Never computes values. Two rows may bear the same labels only while names are being dropped; they
become one where no step has both, and fail the query otherwise, as in Prometheus.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from collector.promql.errors import ExecutionFailed
from collector.promql.labelsets import unnamed
from collector.promql.samples import Grid, Labels

SAME_LABELS: Final = "vector cannot contain metrics with the same labelset"


def empty(steps: NDArray[np.int64]) -> Grid:
    """Return a vector without elements."""
    shape = (0, len(steps))
    return Grid((), steps, np.empty(shape), np.empty(shape, np.bool_))


def single(labels: Labels, steps: NDArray[np.int64], values: NDArray[np.float64]) -> Grid:
    """Return a vector with one element at each step."""
    return Grid([labels], steps, values[None, :], np.ones((1, len(steps)), np.bool_))


def concatenated(blocks: Sequence[Grid], steps: NDArray[np.int64]) -> Grid:
    """Join blocks one below the other."""
    if not blocks:
        return empty(steps)
    if len(blocks) == 1:
        return blocks[0]
    histograms = None
    if any(block.histograms is not None for block in blocks):
        histograms = np.concatenate([natives(block) for block in blocks])
    return Grid(
        [labels for block in blocks for labels in block.labels],
        steps,
        np.concatenate([block.values for block in blocks]),
        np.concatenate([block.present for block in blocks]),
        histograms,
    )


def natives(grid: Grid) -> NDArray[Any]:
    """Return the histograms, also where there are none."""
    if grid.histograms is not None:
        return grid.histograms
    return np.full(grid.values.shape, None, object)


def rows(grid: Grid, chosen: NDArray[Any]) -> Grid:
    """Return some rows, by number or by flag."""
    numbers = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
    return Grid(
        [grid.labels[number] for number in numbers.tolist()],
        grid.steps_ms,
        grid.values[chosen],
        grid.present[chosen],
        None if grid.histograms is None else grid.histograms[chosen],
    )


def trimmed(grid: Grid) -> Grid:
    """Drop the rows that no step has."""
    used = np.any(grid.present, axis=1)
    return grid if used.all() else rows(grid, used)


def floats_only(grid: Grid) -> Grid:
    """Drop the elements that are histograms."""
    if grid.histograms is None:
        return grid
    is_float = ~grid.histograms.astype(np.bool_)
    return replace(grid, present=grid.present & is_float, histograms=None)


def is_histogram(grid: Grid) -> NDArray[np.bool_]:
    """Tell which elements are native histograms."""
    if grid.histograms is None:
        return np.zeros(grid.present.shape, np.bool_)
    found: NDArray[np.bool_] = grid.present & grid.histograms.astype(np.bool_)
    return found


def relabelled(grid: Grid, labels: Iterable[Labels]) -> Grid:
    """Name the rows anew and merge those that now are the same."""
    return merged(replace(grid, labels=list(labels)))


def without_names(grid: Grid) -> Grid:
    """Drop the metric's name of each row."""
    return relabelled(grid, map(unnamed, grid.labels))


def merged(grid: Grid) -> Grid:
    """Make one row of rows with the same labels; fails if a step has two of them."""
    numbers: dict[Labels, int] = {}
    target = np.array([numbers.setdefault(one, len(numbers)) for one in grid.labels], np.int64)
    if len(numbers) == len(grid.labels):
        return grid
    shape = (len(numbers), len(grid.steps_ms))
    counts = np.zeros(shape, np.int64)
    np.add.at(counts, target, grid.present)
    if (counts > 1).any():
        raise ExecutionFailed(SAME_LABELS)
    row, column = np.nonzero(grid.present)
    values = np.full(shape, np.nan)
    values[target[row], column] = grid.values[row, column]
    histograms = None
    if grid.histograms is not None:
        histograms = np.full(shape, None, object)
        histograms[target[row], column] = grid.histograms[row, column]
    return Grid(list(numbers), grid.steps_ms, values, counts > 0, histograms)
