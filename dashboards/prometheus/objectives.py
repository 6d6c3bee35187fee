"""The counters of objectives as series: good and bad events of each SLO, and its target.

The same numbers as ``/metrics/mesh``: counted since the first data, by the same source of counts.
Never judges. https://prometheus.io/docs/concepts/metric_types/#counter
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from collector.prometheus.counters import first_buckets
from collector.prometheus.grid import BUCKET_S, Grid, coarsened, grid, regions
from collector.prometheus.source import cut
from collector.promql.errors import ExecutionFailed
from collector.promql.matchers import selected
from collector.promql.samples import Labels, Matcher, Samples
from collector.store.tiers import TIERS_S
from slo.corrections import Correction, excluded
from slo.errors import OpenSloError
from slo.model import Slo
from slo.sources import CountSource, Window
from slo.sources.counting import Counting

TARGET: Final = "meshscope_slo_objective_ratio"
EVENTS: Final = "meshscope_slo_events_total"
BLOCK_SAMPLES: Final = 4_000_000
"""About as many samples are held at once, 16 bytes each."""


@dataclass(frozen=True, slots=True)
class ObjectiveSource:
    """A Source on one cursor; ``now_ms`` is the time of the query.

    ``kept_s`` says how long tiers are told as finely as they are known: counters never reset, so
    that a rule over days does not need their buckets of ten seconds.
    """

    cursor: duckdb.DuckDBPyConnection
    slos: Sequence[Slo]
    now_ms: int
    counting: Counting = field(default_factory=Counting)
    corrections: Callable[[], Sequence[Correction]] = tuple
    kept_s: Mapping[str, int] = field(default_factory=dict)

    def select(self, matchers: Sequence[Matcher], from_ms: int, to_ms: int) -> Iterator[Samples]:
        """Give the series that fit, with a sample wherever counters of edges have one."""
        fits = selected(matchers)
        named = ((slo, [one for one in series_of(slo) if fits(one)]) for slo in self.slos)
        wanted = [(slo, found) for slo, found in named if found]
        if not wanted:
            return
        end_s = (self.now_ms // 1000 // BUCKET_S + 1) * BUCKET_S
        spans = coarsened(regions(first_buckets(self.cursor), end_s), self.kept_s)
        steps = grid(spans, from_ms, to_ms, self.now_ms)
        if not len(steps.ends_s):
            return
        weighed = ((one, len(one[1]) * len(steps.ends_s)) for one in wanted)
        for block in cut(weighed, BLOCK_SAMPLES):
            yield self._samples(block, steps)

    def _samples(self, block: Sequence[tuple[Slo, list[Labels]]], steps: Grid) -> Samples:
        size = len(steps.ends_s)
        events = [slo for slo, found in block if any(_name(one) == EVENTS for one in found)]
        counted = dict(zip((slo.name for slo in events), self._counted(events, steps.ends_s),
                           strict=True))  # fmt: skip
        labels = [one for _, found in block for one in found]
        columns = [
            np.full(size, float(slo.objective.target))
            if _name(one) == TARGET
            else counted[slo.name][0 if ("result", "good") in one else 1]
            for slo, found in block
            for one in found
        ]
        return Samples(
            labels=labels,
            offsets=np.arange(len(labels) + 1, dtype=np.int64) * size,
            times_ms=np.tile(steps.times_ms, len(labels)),
            values=np.concatenate(columns),
        )

    def _counted(
        self, slos: Sequence[Slo], ends_s: NDArray[np.int64]
    ) -> Sequence[NDArray[np.float64]]:
        """Return good and bad events in [0, end) of each end, for each objective."""
        try:
            corrections = self.corrections()
        except OpenSloError as error:
            raise ExecutionFailed(f"the corrections cannot be read: {error}") from error
        by_spans: dict[tuple[Window, ...], list[int]] = {}
        for place, slo in enumerate(slos):
            by_spans.setdefault(excluded(corrections, *slo.names), []).append(place)
        found = np.empty((len(slos), 2, len(ends_s)))
        last_s = int(ends_s[-1])
        for spans, places in by_spans.items():
            source = self.counting.source(self.cursor, last_s, spans)
            found[places] = _cumulative(source, [slos[place] for place in places], ends_s)
        return list(found)


def series_of(slo: Slo) -> list[Labels]:
    """Return the labels of the series of an objective."""
    own = (("service", slo.service), ("slo", slo.name))
    return [
        (("__name__", TARGET), *own),
        (("__name__", EVENTS), ("result", "good"), *own),
        (("__name__", EVENTS), ("result", "bad"), *own),
    ]


def _cumulative(
    source: CountSource, slos: Sequence[Slo], ends_s: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return good and bad up to each end, shaped (len(slos), 2, len(ends_s)); they never fall.

    A histogram may be an export ahead of its counter, or behind it. Good is at most what there was,
    and what was bad once stays so: a counter that falls would look like one that began anew.
    """
    slis = [slo.sli for slo in slos]
    counts = np.zeros((len(slis), len(ends_s), 2), np.int64)
    counts[:, 0] = source.tallies(slis, [(0, int(ends_s[0]))])[:, 0]
    for length in TIERS_S.values():
        for low, high in _runs(ends_s, length):
            span = int(ends_s[low]), int(ends_s[high])
            counts[:, low + 1 : high + 1] = _steps(source, slos, span, length)
    running = np.cumsum(counts, axis=1)
    total = running[..., 1]
    bad = np.maximum.accumulate(total - np.minimum(running[..., 0], total), axis=1)
    return np.stack((total - bad, bad), axis=1)


def _steps(
    source: CountSource, slos: Sequence[Slo], span: Window, length: int
) -> NDArray[np.int64]:
    """Return good and total at each step: of one objective by its own rows, else of all at once."""
    if len(slos) == 1:
        return source.steps(slos[0].sli, *span, length)[None, :, 1:]
    return source.many_steps([slo.sli for slo in slos], *span, length)


def _runs(ends_s: NDArray[np.int64], length: int) -> list[tuple[int, int]]:
    """Return (first, last) positions between which the ends are ``length`` apart."""
    is_apart = np.diff(ends_s) == length
    edges = np.flatnonzero(np.diff(np.concatenate(([False], is_apart, [False])).astype(np.int8)))
    return [(int(low), int(high)) for low, high in zip(edges[::2], edges[1::2], strict=True)]


def _name(labels: Labels) -> str:
    return next(value for name, value in labels if name == "__name__")
