"""Points of many streams, as columns -> by how much each grew: the rules of ``Counters``, in bulk.

Pure arithmetic on arrays, no table is read. Rows are sorted by stream and time; a stream is a
series and a start time, and of histograms the bounds too. The first row of a stream counts in full
when it is news and is a baseline otherwise; a later one counts what it is above the one before, or
in full when any of its values fell: a reset. Delta rows count as they are.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from collector.otlp.batch import CUMULATIVE
from collector.otlp.exponential import EMPTY, Buckets, Exponential, trimmed

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MAX_WIDTH: Final = 4096
"""Exponential rows that are wider apart than this are not laid side by side."""


@dataclass(frozen=True, slots=True)
class Streams:
    """How rows follow each other: where a stream begins, and whether its first value is news."""

    begins: Flags
    is_news: Flags
    is_cumulative: Flags

    def part(self, rows: slice) -> "Streams":
        """Return those of consecutive rows, the first of which begins a stream."""
        return Streams(self.begins[rows], self.is_news[rows], self.is_cumulative[rows])


def streams(rows: pa.Table, keys: tuple[str, ...]) -> Streams:
    """Return how the rows of a table follow each other; ``keys`` tell streams apart."""
    begins = np.zeros(len(rows), np.bool_)
    begins[:1] = True
    for key in keys:
        column = rows[key].to_numpy()
        begins[1:] |= column[1:] != column[:-1]
    return Streams(
        begins,
        rows["is_news"].to_numpy().astype(np.bool_),
        rows["temporality"].to_numpy() == CUMULATIVE,
    )


def grown(values: Ints, sums: Floats, how: Streams) -> tuple[Ints, Floats, Flags]:
    """Return what each row counts, its sum, and whether it counts in full.

    ``values`` are rows of counts that can only grow together; ``sums`` NaN where unknown.
    """
    steps, sum_steps = values.copy(), sums.copy()
    steps[1:] -= values[:-1]
    sum_steps[1:] -= sums[:-1]
    fell = (steps < 0).any(axis=1)
    is_full = np.where(how.begins, how.is_news, fell) | ~how.is_cumulative
    is_baseline = how.begins & ~is_full
    steps[is_full], sum_steps[is_full] = values[is_full], sums[is_full]
    steps[is_baseline], sum_steps[is_baseline] = 0, 0.0
    return steps, sum_steps, is_full


def dense_counts(first: Ints, counts: pa.ListArray, width: int) -> Ints:
    """Return rows of ``width`` counts, out of the filled ones from bucket ``first`` on."""
    lengths = np.diff(counts.offsets.to_numpy())
    flat = counts.flatten().to_numpy().astype(np.int64)
    row = np.repeat(np.arange(len(counts)), lengths)
    within = np.arange(len(flat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    matrix = np.zeros((len(counts), width), np.int64)
    matrix[row, np.repeat(first, lengths) + within] = flat
    return matrix


def summed(groups: Ints, values: Ints, sums: Floats) -> tuple[Ints, Ints, Floats]:
    """Return each group once, sorted, with the sums of its rows."""
    found, place = np.unique(groups, return_inverse=True)
    totals = np.zeros((len(found), values.shape[1]), np.int64)
    np.add.at(totals, place, values)
    return found, totals, np.bincount(place, sums, len(found)).astype(np.float64)


def exponential_grown(rows: pa.Table, how: Streams) -> list[Exponential] | None:
    """Return what each row of one stream counts; None when the rows must be compared one by one.

    They must when their scales or zero thresholds differ, or their buckets lie too far apart.
    """
    scales, thresholds = rows["scale"].to_numpy(), rows["zero_threshold"].to_numpy()
    sides = [_side(rows, name) for name in ("positive", "negative")]
    if (scales != scales[0]).any() or (thresholds != thresholds[0]).any() or None in sides:
        return None
    (low, positive), (below, negative) = (side for side in sides if side is not None)
    zeros = rows["zero_count"].to_numpy().astype(np.int64)
    counts = rows["count"].to_numpy().astype(np.int64)
    sums = rows["sum"].to_numpy().astype(np.float64)
    heads = np.column_stack([counts, zeros])
    values, sum_steps, is_full = grown(np.hstack([heads, positive, negative]), sums, how)
    is_baseline, split = how.begins & ~is_full, 2 + positive.shape[1]
    extremes = [rows[name].to_pylist() for name in ("min", "max")]
    return [
        EMPTY
        if is_baseline[number]
        else Exponential(
            count=int(row[0]),
            scale=int(scales[0]),
            zero_count=int(row[1]),
            zero_threshold=float(thresholds[0]),
            positive=_buckets(low, row[2:split]),
            negative=_buckets(below, row[split:]),
            sum=None if np.isnan(total) else float(total),
            min=extremes[0][number] if is_full[number] else None,
            max=extremes[1][number] if is_full[number] else None,
        )
        for number, (row, total) in enumerate(zip(values, sum_steps, strict=True))
    ]


def _side(rows: pa.Table, name: str) -> tuple[int, Ints] | None:
    offsets = rows[f"{name}_offset"].to_numpy().astype(np.int64)
    counts = rows[f"{name}_counts"].combine_chunks()
    lengths = np.diff(counts.offsets.to_numpy())
    filled = lengths > 0
    if not filled.any():
        return 0, np.zeros((len(rows), 0), np.int64)
    low = int(offsets[filled].min())
    width = int((offsets + lengths)[filled].max()) - low
    if width > MAX_WIDTH:
        return None
    return low, dense_counts(np.where(filled, offsets - low, 0), counts, width)


def _buckets(offset: int, counts: Ints) -> Buckets:
    filled = np.flatnonzero(counts)
    if not len(filled):
        return Buckets()
    first, last = int(filled[0]), int(filled[-1])
    return trimmed(offset + first, tuple(counts[first : last + 1].tolist()))
