"""What the routes ask: one moment of the store and its objectives, as a source for the engine.

Holds the indexes of labels between queries. Never writes. A session belongs to the thread of one
query and sees one moment: several selectors, one consistent answer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from collector.edges import latency_bucket
from collector.prometheus.families import (
    istio_families,
    mesh_families,
    service_graph_families,
)
from collector.prometheus.listing import label_sets
from collector.prometheus.points import Window
from collector.prometheus.source import Indexes, StoreSource, indexes
from collector.promql.matchers import selected
from collector.promql.samples import Labels, Matcher, Samples
from collector.store.store import Store
from dashboards.prometheus.execution import Pool, Stop
from dashboards.prometheus.objectives import ObjectiveSource, series_of
from slo.corrections import Correction
from slo.latency import latency_bounds_us
from slo.model import Slo
from slo.sources.counting import Counting


@dataclass(frozen=True, slots=True)
class Session:
    """A Source of everything; counts the samples that it gave."""

    store: StoreSource
    objectives: ObjectiveSource
    given: list[int] = field(default_factory=list)

    def select(self, matchers: Sequence[Matcher], from_ms: int, to_ms: int) -> Iterator[Samples]:
        """Give the series that fit all matchers, with their samples in [from_ms, to_ms]."""
        for source in (self.store, self.objectives):
            for block in source.select(matchers, from_ms, to_ms):
                self.given.append(len(block.values))
                yield block

    def label_sets(self, matchers: Sequence[Matcher], window: Window) -> Iterator[Labels]:
        """Give the labels of the series that fit and exist in the window, each once."""
        yield from label_sets(self.store, matchers, window)
        fits = selected(matchers)
        for slo in self.objectives.slos:
            yield from (one for one in series_of(slo) if fits(one))


@dataclass(frozen=True, slots=True)
class Backend:
    """The store behind the API."""

    store: Store
    slos: Sequence[Slo]
    clock_s: Callable[[], float]
    known: Indexes
    pool: Pool
    started_s: float
    corrections: Callable[[], Sequence[Correction]] = tuple
    kept_s: Mapping[str, int] = field(default_factory=dict)
    """How long objectives are told as finely as they are known; see ``ObjectiveSource``."""
    counting: Counting = field(default_factory=Counting)

    @property
    def now_ms(self) -> int:
        """The time of a query that names none."""
        return int(self.clock_s() * 1000)

    @contextmanager
    def session(self, stop: Stop) -> Iterator[Session]:
        """Give a source of one moment, whose scans ``stop`` can end."""
        now_ms = self.now_ms
        with self.store.snapshot() as cursor, stop.scanning(cursor):
            slos = self.counting.slos(cursor, self.slos, now_ms // 1000)
            yield Session(
                StoreSource(cursor, self.known, now_ms),
                ObjectiveSource(cursor, slos, now_ms, self.counting, self.corrections, self.kept_s),
            )


def make_backend(
    store: Store,
    slos: Sequence[Slo],
    clock_s: Callable[[], float],
    *,
    corrections: Callable[[], Sequence[Correction]] = tuple,
    kept_s: Mapping[str, int] | None = None,
    counting: Counting | None = None,
) -> Backend:
    """Make a backend; thresholds of objectives become bounds of the mesh's histogram.

    ``counting`` shares what it keeps of days that are over.
    """
    thresholds = [latency_bucket(bound) for bound in latency_bounds_us(slos)]
    families = (*mesh_families(thresholds), *istio_families(), *service_graph_families())
    known = indexes(families)
    return Backend(
        store,
        slos,
        clock_s,
        known,
        Pool(),
        clock_s(),
        corrections,
        kept_s or {},
        counting or Counting(),
    )
