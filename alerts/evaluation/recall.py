"""The samples that rules read again and again, kept in memory between their evaluations.

A window of three days moves by seconds: only its end is read from the source. The last minutes are
read anew each time, so that what comes a little late is seen; what comes later than ``OVERLAP_MS``
is seen by windows that begin after it. Metrics of histograms, and of more samples than may be
kept, are read from the source. One thread.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from collector.prometheus.source import cut
from collector.promql.matchers import selected
from collector.promql.samples import Labels, Matcher, Samples, Source

OVERLAP_MS: Final = 600_000
BLOCK_SAMPLES: Final = 2_000_000
_WORTH: Final = 500
"""Fewer samples of a series than this are not thinned out yet."""
MOST_SAMPLES: Final = 64_000_000
"""8 bytes each: series of one exporter share their times."""
_NAME: Final = "__name__"

Times = NDArray[np.int64]
Values = NDArray[np.float64]
Thinning = tuple[tuple[int, int], ...]
"""(age, step) in milliseconds: samples older than the age are kept at multiples of the step."""


class NotKept(Exception):
    """A metric cannot be kept in memory."""


@dataclass(slots=True)
class _Series:
    """One series, ascending by time; ``times`` may be shared."""

    labels: Labels
    times: Times
    values: Values
    has_histograms: bool = False


@dataclass(slots=True)
class _Metric:
    """All series of one name in [from_ms, to_ms], and which have a label."""

    from_ms: int
    to_ms: int
    series: dict[Labels, _Series] = field(default_factory=dict)
    postings: dict[tuple[str, str], list[_Series]] = field(default_factory=dict)
    found: dict[tuple[Matcher, ...], list[_Series]] = field(default_factory=dict)
    """What was found by matchers, until there is a new series."""

    @property
    def samples(self) -> int:
        """How many samples are kept of it."""
        return sum(len(one.values) for one in self.series.values())

    def add(self, one: _Series) -> None:
        """Take a series that is new."""
        self.series[one.labels] = one
        self.found.clear()
        for pair in one.labels:
            self.postings.setdefault(pair, []).append(one)

    def find(self, matchers: Sequence[Matcher]) -> list[_Series]:
        """Return the series that fit; who asks again asks for the same."""
        key = tuple(matchers)
        known = self.found.get(key)
        if known is not None:
            return known
        equal = {(one.name, one.value) for one in matchers if one.op == "=" and one.value}
        candidates = min((self.postings.get(pair, []) for pair in equal), key=len)
        fits = selected(matchers)
        found = self.found[key] = [
            one for one in candidates if equal.issubset(one.labels) and fits(one.labels)
        ]
        return found


@dataclass(slots=True)
class Recall:
    """What is kept; ``over`` gives a source for one moment.

    ``thinned`` names counters that never reset, and how they are kept as they grow old.
    """

    most_samples: int = MOST_SAMPLES
    overlap_ms: int = OVERLAP_MS
    thinned: Mapping[str, Thinning] = field(default_factory=dict)
    _revision: object = None
    _metrics: dict[str, _Metric] = field(default_factory=dict)
    _too_long_ms: dict[str, int] = field(default_factory=dict)

    def over(self, source: Source, now_ms: int, revision: object = None) -> "Recalled":
        """Return a source that reads from this one what is not kept.

        Nothing is kept of another ``revision``: the past is told otherwise since.
        """
        if revision != self._revision:
            self._metrics.clear()
            self._too_long_ms.clear()
            self._revision = revision
        return Recalled(self, source, now_ms)

    def metric(self, name: str, source: Source, from_ms: int, now_ms: int) -> _Metric:
        """Return all series of a name from a time on; raise NotKept."""
        if now_ms - from_ms >= self._too_long_ms.get(name, now_ms + 1):
            raise NotKept
        known = self._metrics.get(name)
        if known is not None and known.from_ms <= from_ms and known.to_ms <= now_ms:
            if known.to_ms == now_ms or self._refreshed(known, name, source, now_ms):
                return known
            from_ms = min(from_ms, known.from_ms + self.overlap_ms)
        return self._loaded(name, source, from_ms, now_ms)

    def _loaded(self, name: str, source: Source, from_ms: int, now_ms: int) -> _Metric:
        self._metrics.pop(name, None)
        others = sum(one.samples for one in self._metrics.values())
        found = _Metric(from_ms - self.overlap_ms, now_ms)
        room = self.most_samples - others
        for one in _series(source, name, found.from_ms, now_ms):
            room -= len(one.values)
            if one.has_histograms or room < 0:
                self._too_long_ms[name] = now_ms - from_ms
                raise NotKept
            found.add(one)
        self._metrics[name] = found
        return found

    def _refreshed(self, known: _Metric, name: str, source: Source, now_ms: int) -> bool:
        """Read the end anew; tell whether it goes on from what is kept.

        A little more than was asked for is kept: an evaluation may come a little late.
        """
        span_ms = known.to_ms - known.from_ms
        overlap_ms = min(self.overlap_ms, span_ms)
        from_ms = now_ms - span_ms
        ends = _Ends(from_ms)
        for one in _series(source, name, known.to_ms - overlap_ms, now_ms):
            before = known.series.get(one.labels)
            if one.has_histograms:
                return False
            if before is None:
                known.add(one)
            elif not ends.joined(before, one):
                return False
        known.from_ms, known.to_ms = from_ms, now_ms
        _thin_out(known, self.thinned.get(name, ()), now_ms)
        return True


@dataclass(slots=True)
class _Ends:
    """Joins ends to series; times that were shared are shared again."""

    from_ms: int
    _shared: dict[tuple[int, int], tuple[Times, Times, Times, slice]] = field(default_factory=dict)

    def joined(self, before: _Series, end: _Series) -> bool:
        """Put the end in the place of what it repeats; False if it lies below that.

        A counter that falls when it is read again has lost its oldest counts, and must be read
        from its beginning, else it would look like a reset.
        """
        key = id(before.times), id(end.times)
        shared = self._shared.get(key)
        if shared is None:
            cut = int(np.searchsorted(before.times, end.times[0]))
            kept = slice(int(np.searchsorted(before.times, self.from_ms)), cut)
            times = np.concatenate((before.times[kept], end.times))
            shared = self._shared[key] = (before.times, end.times, times, kept)
        kept, times = shared[3], shared[2]
        repeats = kept.stop < len(before.times) and before.times[kept.stop] == end.times[0]
        if repeats and end.values[0] < before.values[kept.stop]:
            return False
        before.values = np.concatenate((before.values[kept], end.values))
        before.times = times
        return True


@dataclass(frozen=True, slots=True)
class Recalled:
    """A Source of one moment."""

    kept: Recall
    source: Source
    now_ms: int

    def select(self, matchers: Sequence[Matcher], from_ms: int, to_ms: int) -> Iterator[Samples]:
        """Give the series that fit all matchers, with their samples in [from_ms, to_ms]."""
        names = [one.value for one in matchers if one.name == _NAME and one.op == "="]
        if not names or not names[0] or to_ms > self.now_ms:
            yield from self.source.select(matchers, from_ms, to_ms)
            return
        try:
            metric = self.kept.metric(names[0], self.source, from_ms, self.now_ms)
        except NotKept:
            yield from self.source.select(matchers, from_ms, to_ms)
            return
        for block in cut(_weighed(metric.find(matchers), from_ms, to_ms), BLOCK_SAMPLES):
            yield _block(block)


def _series(source: Source, name: str, from_ms: int, to_ms: int) -> Iterator[_Series]:
    """Read all series of a name; those of a block with the same times share them."""
    last = np.empty(0, np.int64)
    for block in source.select((Matcher(_NAME, "=", name),), from_ms, to_ms):
        for row, labels in enumerate(block.labels):
            within = slice(int(block.offsets[row]), int(block.offsets[row + 1]))
            times = block.times_ms[within]
            if not len(times):
                continue
            if not np.array_equal(times, last):
                last = times.copy()
            has_histograms = block.histograms is not None
            yield _Series(labels, last, block.values[within].copy(), has_histograms)


def _weighed(
    found: Iterable[_Series], from_ms: int, to_ms: int
) -> Iterator[tuple[tuple[_Series, slice], int]]:
    """Yield each series with where its samples in [from_ms, to_ms] lie, and how many they are."""
    known: dict[int, slice] = {}
    for one in found:
        within = known.get(id(one.times))
        if within is None:
            low, high = np.searchsorted(one.times, (from_ms, to_ms + 1)).tolist()
            within = known[id(one.times)] = slice(low, high)
        yield (one, within), within.stop - within.start


def _block(found: Sequence[tuple[_Series, slice]]) -> Samples:
    sizes = [within.stop - within.start for _, within in found]
    return Samples(
        [one.labels for one, _ in found],
        np.cumsum([0, *sizes]).astype(np.int64),
        np.concatenate([one.times[within] for one, within in found]),
        np.concatenate([one.values[within] for one, within in found]),
    )


def _thin_out(metric: _Metric, thinning: Thinning, now_ms: int) -> None:
    """Leave out samples that are old and lie between the steps of their age."""
    shared: dict[int, tuple[Times, Times, NDArray[np.bool_]]] = {}
    for one in metric.series.values() if thinning else ():
        key = id(one.times)
        if key not in shared:
            kept = np.ones(len(one.times), bool)
            for age_ms, step_ms in thinning:
                kept &= (one.times >= now_ms - age_ms) | (one.times % step_ms == 0)
            shared[key] = one.times, one.times[kept], kept
        _, times, kept = shared[key]
        if len(kept) - len(times) >= _WORTH:
            one.times, one.values = times, one.values[kept]
