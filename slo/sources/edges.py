"""Counts of the mesh's own edges, from the rollups that every other page reads too.

One pass over the store answers all indicators and windows: the rows of each disjoint span are
grouped by the columns that some selector names, then matched to indicators in numpy. Never holds
SQL (``collector.store.reader`` does) and never keeps rows between calls.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from collector.store import reader
from collector.store.remembered import Base
from collector.store.tiers import TIERS_S
from slo.model import CodeSli, EdgeSelector, EdgeSli, LatencySli
from slo.sources import Window
from slo.sources.dense import EdgeTable, Steps
from slo.sources.match import (
    CODE,
    Rows,
    latency_rows,
    request_rows,
    steps_within_total,
    tally,
    tally_one,
    within_total,
)
from slo.sources.spans import disjoint_spans, membership, overlap_s

OPTIONAL_COLUMNS: Final = ("source", "route", "version")
BUCKET_S: Final = 10

Chosen = Mapping[str, str]
Members = tuple[tuple[str, ...], int]
"""One value of each column, and the requests that have them."""


class EdgeCountSource:
    """An EdgeSource on one cursor; a cursor belongs to one thread at a time."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, base: Base | None = None) -> None:
        """Read by a cursor; ``base`` of its snapshot spares windows from 0 to be read whole."""
        self._cursor, self._base = cursor, base

    def counts(self, slis: Sequence[EdgeSli], windows: Sequence[Window]) -> NDArray[np.int64]:
        """Return good and total, shaped (len(slis), len(windows), 2)."""
        return within_total(self.tallies(slis, windows))

    def tallies(self, slis: Sequence[EdgeSli], windows: Sequence[Window]) -> NDArray[np.int64]:
        """Return the same as they were counted."""
        spans = disjoint_spans(windows)
        columns = selector_columns(slis)
        by_code = (*columns, CODE) if any(isinstance(sli, CodeSli) for sli in slis) else columns
        requests = Rows.concat(self._requests(span, by_code, i) for i, span in enumerate(spans))
        latencies = Rows.empty()
        if any(isinstance(sli, LatencySli) for sli in slis):
            read = (self._latencies(span, columns, i) for i, span in enumerate(spans))
            latencies = Rows.concat(read)
        tallied = tally(slis, requests, latencies, slots=len(spans))
        sums: NDArray[np.int64] = np.einsum("isk,sw->iwk", tallied, membership(windows, spans))
        return sums

    def series(self, sli: EdgeSli, from_s: int, to_s: int, step_s: int) -> NDArray[np.int64]:
        """Return rows of (bucket_s, good, total), one per step that touches [from_s, to_s)."""
        rows = self.steps(sli, from_s, to_s, step_s)
        rows[:, 1:] = steps_within_total(rows[:, 1:])
        return rows

    def steps(self, sli: EdgeSli, from_s: int, to_s: int, step_s: int) -> NDArray[np.int64]:
        """Return the rows of ``series`` as they were counted.

        The ragged first step is read by itself, so that the rest can come from coarse rollups.
        """
        first = from_s // step_s
        slots = max(-(-to_s // step_s) - first, 0)
        only = selected(sli)
        told = ("source",) if sli.edges.consumers else ()
        by = (*told, CODE) if isinstance(sli, CodeSli) else told
        aligned_s = min(-(-from_s // step_s) * step_s, to_s)
        requests = [
            self._requests((from_s, aligned_s), by, 0, only),
            self._request_steps((aligned_s, to_s), step_s, by, only).in_steps(first, step_s),
        ]
        latencies = (
            [
                self._latencies((from_s, aligned_s), told, 0, only),
                self._latency_steps((aligned_s, to_s), step_s, told, only).in_steps(first, step_s),
            ]
            if isinstance(sli, LatencySli)
            else []
        )
        rows = (
            Rows.concat(part).of_consumers(sli.edges.consumers) for part in (requests, latencies)
        )
        counted = tally_one(sli, *rows, slots=slots)
        buckets = (first + np.arange(slots, dtype=np.int64)) * step_s
        return np.column_stack([buckets, counted])

    def many_steps(
        self, slis: Sequence[EdgeSli], from_s: int, to_s: int, step_s: int
    ) -> NDArray[np.int64]:
        """Return good and total of many indicators at every step, as they were counted.

        Shaped (len(slis), steps, 2). The step is the length of a bucket of the store, and both
        ends are multiples of it.
        """
        tier = next(name for name, length in TIERS_S.items() if length == step_s)
        table = EdgeTable(reader.canonical_edges(self._cursor), slis)
        parts = [np.zeros((len(slis), 0, 2), np.int64)]
        for steps in Steps(from_s, to_s, step_s).cut(max(len(table.ids), len(slis))):
            read = partial(reader.bucket_rows, tier=tier, from_s=steps.from_s, to_s=steps.to_s,
                           edges=table.ids)  # fmt: skip
            latencies = read(self._cursor, "latency") if table.needs_latency else None
            parts.append(table.tally(steps, read(self._cursor, "sli"), latencies))
        return np.concatenate(parts, axis=1)

    def members(self, sli: EdgeSli, columns: Sequence[str], window: Window) -> list[Members]:
        """Return the values that some columns of an indicator's requests have, and how often."""
        table = reader.edge_counts(self._cursor, *window, by=columns, only=selected(sli))
        rows = zip(*(table[name].to_pylist() for name in (*columns, "requests")), strict=True)
        return [(tuple(str(value) for value in row[:-1]), int(row[-1])) for row in rows]

    def kept_from_s(self) -> dict[int, int]:
        """Return since when the store holds buckets of each length."""
        return reader.kept_from_s(self._cursor)

    def covered_s(self, windows: Sequence[Window]) -> NDArray[np.int64]:
        """Return the seconds of each window between the first and the last bucket of the store."""
        first = reader.first_bucket_s(self._cursor)
        last = reader.last_bucket_s(self._cursor)
        measured = None if first is None or last is None else (first, last + BUCKET_S)
        return overlap_s(windows, measured)

    def _requests(
        self, span: Window, columns: Sequence[str], slot: int, only: Chosen | None = None
    ) -> Rows:
        table = reader.edge_counts(self._cursor, *span, by=columns, only=only, base=self._base)
        return request_rows(table, columns).in_slot(slot)

    def _latencies(
        self, span: Window, columns: Sequence[str], slot: int, only: Chosen | None = None
    ) -> Rows:
        by = (*columns, "code")
        table = reader.edge_latency(self._cursor, *span, by=by, only=only, base=self._base)
        return latency_rows(table, columns).in_slot(slot)

    def _request_steps(self, span: Window, step_s: int, by: Sequence[str], only: Chosen) -> Rows:
        table = reader.edge_counts(self._cursor, *span, by=by, step_s=step_s, only=only)
        return request_rows(table, by)

    def _latency_steps(self, span: Window, step_s: int, by: Sequence[str], only: Chosen) -> Rows:
        keys = (*by, "code")
        table = reader.edge_latency(self._cursor, *span, by=keys, step_s=step_s, only=only)
        return latency_rows(table, by)


def selected(sli: EdgeSli) -> Chosen:
    """Return the columns that an indicator narrows, with the value of each."""
    values = {name: getattr(sli.edges, name) for name in ("destination", *OPTIONAL_COLUMNS)}
    return {name: value for name, value in values.items() if value is not None}


def selector_columns(slis: Iterable[EdgeSli]) -> tuple[str, ...]:
    """Return the columns to group by: the destination, and what some selector narrows."""
    selectors: list[EdgeSelector] = [sli.edges for sli in slis]
    narrowed = (
        column
        for column in OPTIONAL_COLUMNS
        if any(
            getattr(selector, column) is not None or (column == "source" and selector.consumers)
            for selector in selectors
        )
    )
    return ("destination", *narrowed)
