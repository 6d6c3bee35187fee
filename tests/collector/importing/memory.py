"""A source and a target in memory: the source gives only so much at once, the target may break."""

from dataclasses import dataclass, field

import numpy as np
import orjson

from collector.importing.errors import TooMuch, Unreachable
from collector.importing.raw import Raw
from collector.importing.target import Wrote
from collector.prometheus.remote_write import decode, unsnap
from collector.promql.matchers import selected


@dataclass
class MemorySource:
    """``data`` is {labels: {ms: value}}; ``most`` samples are given in one answer."""

    data: dict
    most: int = 10**9
    url: str = "http://memory"
    largest: int = 0

    def check(self):
        pass

    def meanings(self):
        return {}

    def names(self, matchers, from_ms, to_ms):
        found = self._found(matchers, from_ms, to_ms)
        return sorted({dict(one.labels)["__name__"] for one in found})

    def series(self, matchers, from_ms, to_ms):
        return [dict(one.labels) for one in self._found(matchers, from_ms, to_ms)]

    def count(self, matchers, from_ms, to_ms):
        return sum(len(one.times_ms) for one in self._found(matchers, from_ms, to_ms))

    def samples(self, matchers, from_ms, to_ms):
        size = self.count(matchers, from_ms, to_ms)
        if size > self.most:
            raise TooMuch(f"{size} samples")
        self.largest = max(self.largest, size)
        return self._found(matchers, from_ms, to_ms)

    def _found(self, matchers, from_ms, to_ms):
        fits = selected(matchers)
        found = []
        for labels, samples in self.data.items():
            times = sorted(at for at in samples if from_ms < at <= to_ms)
            if times and fits(labels):
                values = np.array([samples[at] for at in times], np.float64)
                found.append(Raw(labels, np.array(times, np.int64), values))
        return found


@dataclass
class MemoryTarget:
    """Keeps every sample that is written, with how often. ``breaks_after`` writes it is gone."""

    breaks_after: int = 10**9
    kept: dict = field(default_factory=dict)
    keeps_ms: int | None = None
    writes: int = 0

    def write(self, body, samples):
        if self.writes >= self.breaks_after:
            raise Unreachable("the target is gone")
        self.writes += 1
        batch = decode(unsnap(body, 10**9), "2.0").batch
        owners = [(one.name, one.attributes) for one in batch.series]
        for row in batch.points.to_pylist():
            key = owners[row["series"]], row["time_ns"] // 10**6
            self.kept.setdefault(key, []).append(row["value_double"])
        assert len(batch.points) == samples
        return Wrote(samples)

    def names(self, *_):
        return {name for (name, _), _ in self.kept}

    def present(self, matchers, window):
        found = {}
        for (name, attributes), at_ms in self.kept:
            labels = tuple(sorted({"__name__": name, **orjson.loads(attributes)}.items()))
            if window.from_ms < at_ms <= window.to_ms and selected(matchers)(labels):
                found.setdefault(labels, []).append(at_ms)
        return [
            Raw(labels, np.array(sorted(times), np.int64), np.zeros(len(times)))
            for labels, times in found.items()
        ]

    def kept_ms(self):
        return self.keeps_ms
