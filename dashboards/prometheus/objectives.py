"""The counters of objectives as series: good and bad events of each SLO, and its target.

The same numbers as ``/metrics/mesh``: counted since the first data, by the same source of counts.
Never judges. https://prometheus.io/docs/concepts/metric_types/#counter
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from collector.prometheus.counters import first_buckets
from collector.prometheus.grid import BUCKET_S, Grid, grid, regions
from collector.promql.matchers import selected
from collector.promql.samples import Labels, Matcher, Samples
from collector.store.tiers import TIERS_S
from slo.model import Slo
from slo.sources.counting import Counting

TARGET: Final = "meshscope_slo_objective_ratio"
EVENTS: Final = "meshscope_slo_events_total"


@dataclass(frozen=True, slots=True)
class ObjectiveSource:
    """A Source on one cursor; ``now_ms`` is the time of the query."""

    cursor: duckdb.DuckDBPyConnection
    slos: Sequence[Slo]
    now_ms: int
    counting: Counting = field(default_factory=Counting)

    def select(self, matchers: Sequence[Matcher], from_ms: int, to_ms: int) -> Iterator[Samples]:
        """Give the series that fit, with a sample wherever counters of edges have one."""
        fits = selected(matchers)
        wanted = [(slo, [one for one in series_of(slo) if fits(one)]) for slo in self.slos]
        if not any(found for _, found in wanted):
            return
        end_s = (self.now_ms // 1000 // BUCKET_S + 1) * BUCKET_S
        firsts = first_buckets(self.cursor)
        steps = grid(regions(firsts, end_s), from_ms, to_ms, self.now_ms)
        if not len(steps.ends_s):
            return
        for slo, found in wanted:
            if found:
                yield self._samples(slo, found, steps)

    def _samples(self, slo: Slo, found: Sequence[Labels], steps: Grid) -> Samples:
        counted = None
        columns = []
        for labels in found:
            told = dict(labels)
            if told["__name__"] == TARGET:
                target = float(slo.objective.target)
                columns.append(np.full(len(steps.ends_s), target))
                continue
            if counted is None:
                counted = self._counted(slo, steps.ends_s)
            columns.append(counted[0 if told["result"] == "good" else 1])
        size = len(steps.ends_s)
        return Samples(
            labels=found,
            offsets=np.arange(len(found) + 1, dtype=np.int64) * size,
            times_ms=np.tile(steps.times_ms, len(found)),
            values=np.concatenate(columns),
        )

    def _counted(self, slo: Slo, ends_s: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return good and bad events in [0, end) of each end."""
        first_s, last_s = int(ends_s[0]), int(ends_s[-1])
        source = self.counting.source(self.cursor, last_s)
        ((base,),) = source.counts([slo.sli], [(0, first_s)])
        good, total = (np.full(len(ends_s), int(count), np.int64) for count in base)
        for length in TIERS_S.values():
            runs = _runs(ends_s, length)
            for low, high in runs:
                rows = source.series(slo.sli, int(ends_s[low]), int(ends_s[high]), length)
                good[low + 1 : high + 1] = rows[:, 1]
                total[low + 1 : high + 1] = rows[:, 2]
        good, total = (_accumulated(one) for one in (good, total))
        return np.array([good, total - good], np.float64)


def series_of(slo: Slo) -> list[Labels]:
    """Return the labels of the series of an objective."""
    own = (("service", slo.service), ("slo", slo.name))
    return [
        (("__name__", TARGET), *own),
        (("__name__", EVENTS), ("result", "good"), *own),
        (("__name__", EVENTS), ("result", "bad"), *own),
    ]


def _runs(ends_s: NDArray[np.int64], length: int) -> list[tuple[int, int]]:
    """Return (first, last) positions between which the ends are ``length`` apart."""
    is_apart = np.diff(ends_s) == length
    edges = np.flatnonzero(np.diff(np.concatenate(([False], is_apart, [False])).astype(np.int8)))
    return [(int(low), int(high)) for low, high in zip(edges[::2], edges[1::2], strict=True)]


def _accumulated(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    sums: NDArray[np.int64] = np.cumsum(counts)
    return sums
