"""A source of samples for PromQL over one moment of the store.

All that Prometheus could see: exported metrics by their Prometheus names, what is known of who
exports, and the counters derived from edges. Blocks are bounded by their samples. Never writes,
never computes an expression. A family that Istio or Tempo exports itself hides ours of that name;
our own ``mesh_*`` names are never taken from an export.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, TypeVar

import duckdb

from collector.prometheus.counters import first_buckets, read_counters
from collector.prometheus.distributions import (
    read_buckets,
    read_customs,
    read_natives,
    read_quantiles,
)
from collector.prometheus.edges import EdgeIndex, EdgeSeries
from collector.prometheus.families import Family
from collector.prometheus.grid import BUCKET_S, Grid, Region, grid, regions
from collector.prometheus.names import METRIC_NAME
from collector.prometheus.points import Window, merged, owners, read_numbers
from collector.prometheus.presence import count_all, counts_in
from collector.prometheus.streams import LAST_SEEN, Series, Streams, weigh
from collector.prometheus.targets import read_last_seen, read_targets
from collector.promql.matchers import predicate
from collector.promql.samples import Matcher, Samples

BLOCK_SAMPLES: Final = 4_000_000
"""About 100 MB while a block is sorted."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Indexes:
    """What is kept between queries: the labels of all series."""

    streams: Streams
    edges: EdgeIndex

    def refresh(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Take in what is new in the store."""
        self.streams.refresh(cursor)
        self.edges.refresh(cursor)


def indexes(families: Sequence[Family], streams: Streams | None = None) -> Indexes:
    """Make empty indexes, with these families derived from edges."""
    return Indexes(Streams() if streams is None else streams, EdgeIndex(families))


@dataclass(slots=True)
class StoreSource:
    """A Source on one cursor, which belongs to one thread; ``now_ms`` is the time of the query."""

    cursor: duckdb.DuckDBPyConnection
    known: Indexes
    now_ms: int
    block_samples: int = BLOCK_SAMPLES
    _own_names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        derived = (one.name for one in self.known.edges.families if not one.yields)
        self._own_names = frozenset([*derived, LAST_SEEN])
        self.known.refresh(self.cursor)

    def select(self, matchers: Sequence[Matcher], from_ms: int, to_ms: int) -> Iterator[Samples]:
        """Give the series that fit all matchers, with their samples in [from_ms, to_ms]."""
        window = Window(from_ms, to_ms)
        found = self.streams(matchers)
        for series in self._parts(one for one in found if not one.others):
            yield from self._read(series, matchers, window)
        for one in found:
            if one.others:
                kinds = ([kind] for kind in (one, *one.others))
                parts = [block for kind in kinds for block in self._read(kind, matchers, window)]
                yield from _filled(merged(one.labels, parts))
        yield from self._derived(self.edges(matchers), matchers, window)

    def streams(self, matchers: Sequence[Matcher]) -> list[Series]:
        """Return the exported series that fit, but for their open label."""
        found = self.known.streams.find(matchers)
        return [one for one in found if one.part == "seen" or _name(one) not in self._own_names]

    def edges(self, matchers: Sequence[Matcher]) -> list[EdgeSeries]:
        """Return the series derived from edges that fit, but for their ``le``."""
        return [
            one
            for one in self.known.edges.find(matchers)
            if not (one.family.yields and self.known.streams.has_name(one.family.name))
        ]

    def _parts(self, found: Iterable[Series]) -> Iterator[list[Series]]:
        """Put together what is read by one kind of scan."""

        def kind(one: Series) -> tuple[str, str]:
            return one.table, one.part

        for _, members in groupby(sorted(found, key=kind), key=kind):
            yield list(members)

    def _read(
        self, series: list[Series], matchers: Sequence[Matcher], window: Window
    ) -> Iterator[Samples]:
        part = series[0].part
        if part == "info":
            yield from _filled(read_targets(self.cursor, series, window))
            return
        if part == "seen":
            _, steps = self._grid(window)
            yield from _filled(read_last_seen(self.cursor, series, steps))
            return
        fits = fits_open(series[0].open_label, matchers)
        for block in self._blocks(series, window):
            match part:
                case "bucket":
                    found = read_buckets(self.cursor, block, window, fits)
                case "quantile":
                    found = read_quantiles(self.cursor, block, window, fits)
                case "native":
                    found = read_natives(self.cursor, block, window)
                case "custom":
                    found = read_customs(self.cursor, block, window)
                case _:
                    found = read_numbers(self.cursor, block, window)
            yield from _filled(found)

    def _blocks(self, series: list[Series], window: Window) -> Iterator[list[Series]]:
        """Cut series into blocks by the samples that they have; a small table is one."""
        window_ns = owners(series).window_ns(window)
        heaviest = max(weigh(one) for one in series)
        if count_all(self.cursor, series[0].table, window_ns) * heaviest <= self.block_samples:
            return iter([series])
        counts = counts_in(self.cursor, series, window)
        weights = [weigh(one) * count for one, count in zip(series, counts, strict=True)]
        filled = [(one, weight) for one, weight in zip(series, weights, strict=True) if weight]
        return cut(filled, self.block_samples)

    def _grid(self, window: Window) -> tuple[list[Region], Grid]:
        """Return the tiers, and the times of derived samples in the window."""
        end_s = (self.now_ms // 1000 // BUCKET_S + 1) * BUCKET_S
        spans = regions(first_buckets(self.cursor), end_s)
        return spans, grid(spans, window.from_ms, window.to_ms, self.now_ms)

    def _derived(
        self, found: list[EdgeSeries], matchers: Sequence[Matcher], window: Window
    ) -> Iterator[Samples]:
        if not found:
            return
        spans, steps = self._grid(window)
        if not len(steps.ends_s):
            return
        fits = fits_open("le", matchers)

        def name(one: EdgeSeries) -> str:
            return one.family.name

        for _, members in groupby(sorted(found, key=name), key=name):
            series = list(members)
            family = series[0].family
            les = [at for at, le in enumerate(bounds_of(family)) if fits(le)]
            weight = len(steps.ends_s) * (len(les) if family.measure == "buckets" else 1)
            for block in cut([(one, weight) for one in series], self.block_samples):
                yield from _filled(read_counters(self.cursor, block, steps, spans, les))


def fits_open(name: str | None, matchers: Sequence[Matcher]) -> Callable[[str], bool]:
    """Return the test that values of an open label must stand."""
    tests = [predicate(one) for one in matchers if one.name == name]
    return lambda value: all(test(value) for test in tests)


def bounds_of(family: Family) -> list[str]:
    """Return the values of ``le`` in a family of buckets; [] in another."""
    if family.measure != "buckets":
        return []
    return [*(le for _, le in family.bounds), "+Inf"]


def cut(items: Iterable[tuple[Item, int]], limit: int) -> Iterator[list[Item]]:
    """Cut (item, weight) into runs of at most ``limit``, of one item at least."""
    block: list[Item] = []
    total = 0
    for item, weight in items:
        if block and total + weight > limit:
            yield block
            block, total = [], 0
        block.append(item)
        total += weight
    if block:
        yield block


def _filled(found: Samples) -> Iterator[Samples]:
    if len(found.labels):
        yield found


def _name(series: Series) -> str:
    return dict(series.labels).get(METRIC_NAME, "")
