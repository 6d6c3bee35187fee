"""Rows of the store matched to indicators: columns in, integer counts out.

Rows are sorted by destination, so that each indicator looks at its own slice only. Never reads the
store, never divides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from collector.edges import is_error
from slo.latency import threshold_bucket
from slo.model import CodeSli, EdgeSli, LatencySli

Ints = NDArray[np.int64]
Texts = NDArray[np.object_]

CODE: Final = "code"
"""The label of rows that are grouped by response code."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Grouped rows as columns: their labels, time slot, events, good events, latency bucket.

    ``good`` holds the events that did not fail; ``bucket`` is 0 in rows of requests.
    """

    labels: dict[str, Texts]
    slot: Ints
    total: Ints
    good: Ints
    bucket: Ints

    @classmethod
    def empty(cls) -> Self:
        """Return no rows."""
        none = np.empty(0, dtype=np.int64)
        return cls({"destination": np.empty(0, dtype=object)}, none, none, none, none)

    @classmethod
    def concat(cls, parts: Iterable[Self]) -> Self:
        """Join rows that have the same labels."""
        rows = list(parts)
        if not rows:
            return cls.empty()
        return cls(
            {name: np.concatenate([part.labels[name] for part in rows]) for name in rows[0].labels},
            np.concatenate([part.slot for part in rows]),
            np.concatenate([part.total for part in rows]),
            np.concatenate([part.good for part in rows]),
            np.concatenate([part.bucket for part in rows]),
        )

    def of_consumers(self, consumers: Sequence[str]) -> Self:
        """Return the rows of some sources; without any, all rows."""
        if not consumers or not len(self.slot):
            return self
        kept = np.isin(self.labels["source"].astype(str), list(consumers))
        return replace(
            self,
            labels={name: values[kept] for name, values in self.labels.items()},
            slot=self.slot[kept],
            total=self.total[kept],
            good=self.good[kept],
            bucket=self.bucket[kept],
        )

    def in_slot(self, slot: int) -> Self:
        """Return the rows in one time slot."""
        return replace(self, slot=np.full(len(self.slot), slot, dtype=np.int64))

    def in_steps(self, first: int, step_s: int) -> Self:
        """Return the rows with slots counted from the ``first`` step, from times in seconds."""
        return replace(self, slot=self.slot // step_s - first)


def request_rows(table: pa.Table, columns: Sequence[str]) -> Rows:
    """Read the answer of ``edge_counts``; slots are its times, or 0 without steps."""
    total = _ints(table, "requests")
    return Rows(
        labels=_labels(table, columns),
        slot=_times(table),
        total=total,
        good=total - _ints(table, "errors"),
        bucket=np.zeros(len(total), dtype=np.int64),
    )


def latency_rows(table: pa.Table, columns: Sequence[str]) -> Rows:
    """Read the answer of ``edge_latency`` grouped by code too: a failed request is never good."""
    total = _ints(table, "count")
    codes, index = np.unique(_ints(table, "code"), return_inverse=True)
    failed = np.array([is_error(int(code)) for code in codes], dtype=bool)
    return Rows(
        labels=_labels(table, columns),
        slot=_times(table),
        total=total,
        good=np.where(failed[index], 0, total) if len(total) else total,
        bucket=_ints(table, "latency_bucket"),
    )


def tally(slis: Sequence[EdgeSli], requests: Rows, latencies: Rows, *, slots: int) -> Ints:
    """Return good and total per indicator and slot, shaped (len(slis), slots, 2).

    They add up over slots; ``within_total`` ends a sum.
    """
    result = np.zeros((len(slis), slots, 2), dtype=np.int64)
    all_requests, all_latencies = _Index(requests), _Index(latencies)
    for row, sli in zip(result, slis, strict=True):
        found = all_requests.find(sli)
        if isinstance(sli, CodeSli):
            row[:] = _by_code(sli, requests, found, slots)
            continue
        row[:, 1] = _sum(requests.slot[found], requests.total[found], slots)
        if isinstance(sli, LatencySli):
            near = all_latencies.find(sli)
            near = near[latencies.bucket[near] <= threshold_bucket(sli.threshold_ms)]
            good = _sum(latencies.slot[near], latencies.good[near], slots)
        else:
            good = _sum(requests.slot[found], requests.good[found], slots)
        row[:, 0] = good
    return result


def tally_one(sli: EdgeSli, requests: Rows, latencies: Rows, *, slots: int) -> Ints:
    """Return good and total per slot, shaped (slots, 2), of rows that all are the indicator's."""
    if isinstance(sli, CodeSli):
        return _by_code(sli, requests, np.arange(len(requests.slot)), slots)
    total = _sum(requests.slot, requests.total, slots)
    if not isinstance(sli, LatencySli):
        return np.column_stack([_sum(requests.slot, requests.good, slots), total])
    near = latencies.bucket <= threshold_bucket(sli.threshold_ms)
    return np.column_stack([_sum(latencies.slot[near], latencies.good[near], slots), total])


def within_total(counts: Ints) -> Ints:
    """Return good and total with good at most total; for whole windows, after their last sum.

    Counters and histograms are separate series, and one may be an export ahead of the other: at
    the rim of a window more requests can be quick than are counted. Inside it evens out.
    """
    counts[..., 0] = np.minimum(counts[..., 0], counts[..., 1])
    return counts


def steps_within_total(steps: Ints) -> Ints:
    """Return steps whose running good is at most the running total, so that they sum as a window.

    A single step may have more good than total, where the histogram makes good what it owed.
    """
    running = np.cumsum(steps, axis=0)
    steps[:, 0] = np.diff(np.minimum(running[:, 0], running[:, 1]), prepend=0)
    return steps


def _by_code(sli: CodeSli, requests: Rows, found: NDArray[np.intp], slots: int) -> Ints:
    """Count rows that are grouped by code too."""
    codes, index = np.unique(requests.labels[CODE][found].astype(np.int64), return_inverse=True)
    counted = np.array([sli.counted.hold(int(code)) for code in codes], dtype=bool)
    bad = np.array([sli.bad.hold(int(code)) for code in codes], dtype=bool)
    inside = found[counted[index]] if len(found) else found
    good = found[(counted & ~bad)[index]] if len(found) else found
    return np.column_stack(
        [_sum(requests.slot[rows], requests.total[rows], slots) for rows in (good, inside)]
    )


class _Index:
    """Rows by destination: the positions of one destination are a slice."""

    def __init__(self, rows: Rows) -> None:
        self._labels = rows.labels
        names, codes = np.unique(rows.labels["destination"].astype(str), return_inverse=True)
        self._codes = {str(name): code for code, name in enumerate(names)}
        self._order = np.argsort(codes, kind="stable")
        self._starts = np.searchsorted(codes[self._order], np.arange(len(names) + 1))

    def find(self, sli: EdgeSli) -> NDArray[np.intp]:
        code = self._codes.get(sli.edges.destination)
        if code is None:
            return self._order[:0]
        found = self._order[self._starts[code] : self._starts[code + 1]]
        for name in ("source", "route", "version"):
            wanted = getattr(sli.edges, name)
            if wanted is not None:
                found = found[self._labels[name][found] == wanted]
        if sli.edges.consumers:
            found = found[np.isin(self._labels["source"][found].astype(str), sli.edges.consumers)]
        return found


def _sum(slots_of_rows: Ints, values: Ints, slots: int) -> Ints:
    """Sum integers per slot; np.bincount would go through floats."""
    sums = np.zeros(slots, dtype=np.int64)
    np.add.at(sums, slots_of_rows, values)
    return sums


def _ints(table: pa.Table, name: str) -> Ints:
    return np.asarray(table.column(name).to_numpy(), dtype=np.int64)


def _times(table: pa.Table) -> Ints:
    if "bucket_s" in table.column_names:
        return _ints(table, "bucket_s")
    return np.zeros(table.num_rows, dtype=np.int64)


def _labels(table: pa.Table, columns: Sequence[str]) -> dict[str, Texts]:
    return {name: np.asarray(table.column(name).to_pylist(), dtype=object) for name in columns}
