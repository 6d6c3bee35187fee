"""A source with samples beside it that it does not have yet: what was recorded a moment ago.

Never changes the source under it. Where both have a series its samples are put together.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.evaluation.series import Sample
from collector.promql.matchers import selected
from collector.promql.samples import Labels, Matcher, Samples, Source


@dataclass(slots=True)
class Overlay:
    """A Source; ``add`` takes samples that are later than those under it."""

    under: Source
    _fresh: dict[Labels, list[tuple[int, float]]] = field(default_factory=dict)
    _postings: dict[tuple[str, str], list[Labels]] = field(default_factory=dict)

    def add(self, samples: Iterable[Sample]) -> None:
        """Let later expressions see these."""
        for one in samples:
            if one.labels not in self._fresh:
                self._fresh[one.labels] = []
                for pair in one.labels:
                    self._postings.setdefault(pair, []).append(one.labels)
            self._fresh[one.labels].append((one.at_ms, one.value))

    def select(self, matchers: Sequence[Matcher], from_ms: int, to_ms: int) -> Iterator[Samples]:
        """Give the series that fit, of both."""
        fresh = self._fitting(matchers, from_ms, to_ms)
        for block in self.under.select(matchers, from_ms, to_ms):
            yield _extended(block, fresh) if fresh else block
        if fresh:
            yield _block(list(fresh.items()))

    def _fitting(
        self, matchers: Sequence[Matcher], from_ms: int, to_ms: int
    ) -> dict[Labels, list[tuple[int, float]]]:
        found = {}
        for labels in self._candidates(matchers):
            within = [one for one in self._fresh[labels] if from_ms <= one[0] <= to_ms]
            if within:
                found[labels] = within
        return found

    def _candidates(self, matchers: Sequence[Matcher]) -> list[Labels]:
        """Return the series that fit, looking only at those of the rarest label."""
        pairs = [(one.name, one.value) for one in matchers if one.op == "=" and one.value]
        found: Sequence[Labels] = list(self._fresh) if not pairs else ()
        if pairs:
            postings = [self._postings.get(pair, ()) for pair in pairs]
            wanted = set(pairs)
            found = [labels for labels in min(postings, key=len) if wanted.issubset(labels)]
        if not found or len(pairs) == len(matchers):
            return list(found)
        fits = selected(matchers)
        return [labels for labels in found if fits(labels)]


def _extended(block: Samples, fresh: dict[Labels, list[tuple[int, float]]]) -> Samples:
    """Return a block with the fresh samples of its series, which are taken out of ``fresh``."""
    if not any(labels in fresh for labels in block.labels):
        return block
    times: list[NDArray[np.int64]] = []
    values: list[NDArray[np.float64]] = []
    histograms: list[NDArray[Any]] = []
    sizes: list[int] = []
    for row, labels in enumerate(block.labels):
        within = slice(int(block.offsets[row]), int(block.offsets[row + 1]))
        more = fresh.pop(labels, [])
        known = set(block.times_ms[within].tolist()) if more else set()
        more = [one for one in more if one[0] not in known]
        times += block.times_ms[within], np.array([at for at, _ in more], np.int64)
        values += block.values[within], np.array([value for _, value in more], np.float64)
        sizes.append(within.stop - within.start + len(more))
        if block.histograms is not None:
            histograms += block.histograms[within], np.full(len(more), None, object)
    return Samples(
        block.labels,
        np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
        np.concatenate(times),
        np.concatenate(values),
        np.concatenate(histograms) if histograms else None,
    )


def _block(series: list[tuple[Labels, list[tuple[int, float]]]]) -> Samples:
    flat = [one for _, samples in series for one in samples]
    return Samples(
        [labels for labels, _ in series],
        np.cumsum([0, *(len(samples) for _, samples in series)]).astype(np.int64),
        np.array([at for at, _ in flat], np.int64),
        np.array([value for _, value in flat], np.float64),
    )
