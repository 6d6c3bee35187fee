"""What a script has loaded, as a source of samples."""

from collections import defaultdict

from collector.promql import native
from collector.promql.memory import MemorySource
from collector.promql.samples import Labels
from tests.collector.promql.script.grammar import Load
from tests.collector.promql.script.points import Point

Held = dict[Labels, dict[int, Point]]
"""Samples by series and time in ms."""


def loaded(held: Held, load: Load) -> Held:
    """Return the series with those of a load command added."""
    found = {labels: dict(samples) for labels, samples in held.items()}
    new: Held = {}
    for labels, points in load.series:
        timed = {index * load.step_ms: one for index, one in enumerate(points)}
        new[labels] = {time: one for time, one in timed.items() if not one.is_missing}
    if load.is_with_nhcb:
        new |= _with_custom_buckets(new)
    for labels, samples in new.items():
        found[labels] = found.get(labels, {}) | samples
    return found


def source(held: Held, block_size: int = 500) -> MemorySource:
    """Return the series in a source."""
    return MemorySource(
        (
            (
                labels,
                sorted(samples),
                [samples[time].value for time in sorted(samples)],
                [samples[time].histogram for time in sorted(samples)],
            )
            for labels, samples in held.items()
            if samples
        ),
        block_size=block_size,
    )


def _with_custom_buckets(series: Held) -> Held:
    """Return for each classic histogram among the series the same one with custom buckets."""
    buckets: dict[Labels, dict[float, dict[int, Point]]] = defaultdict(dict)
    sums: dict[Labels, dict[int, Point]] = {}
    for labels, samples in series.items():
        named = dict(labels)
        name = named.pop("__name__", "")
        base, _, kind = name.rpartition("_")
        if kind == "bucket":
            bound = float(named.pop("le"))
            buckets[_labels(base, named)][bound] = samples
        elif kind == "sum":
            sums[_labels(base, named)] = samples
    return {
        labels: {time: _custom(ends, sums.get(labels, {}), time) for time in ends[float("inf")]}
        for labels, ends in buckets.items()
    }


def _custom(ends: dict[float, dict[int, Point]], sums: dict[int, Point], time: int) -> Point:
    known = {bound: samples[time].value for bound, samples in ends.items() if time in samples}
    bounds = sorted(known)
    running = [known[bound] for bound in bounds]
    counts = [new - old for new, old in zip(running, [0.0, *running], strict=False)]
    total = sums[time].value if time in sums else 0.0
    return Point(histogram=native.custom(bounds[:-1], counts, total=total, count=running[-1]))


def _labels(name: str, others: dict[str, str]) -> Labels:
    return tuple(sorted({**others, "__name__": name}.items()))
