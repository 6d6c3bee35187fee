"""Made-up series of every kind: counters with resets, gauges, histograms, gaps, stale markers.

Never on a whole second, so that no sample lies on the boundary of a window: there Prometheus 2 and
3 differ. Values are whole numbers, for sums of them are exact in any order; but ``ratio`` is not,
and holds NaN and Inf too.
"""

import math
from random import Random

from collector.promql.memory import MemorySource
from collector.promql.samples import STALE, Labels
from tests.collector.promql.naive import Series

BASE_MS = 1_700_006_400_000
"""A whole hour, for subqueries are aligned to absolute times."""
SPAN_MS = 3_000_000
INTERVAL_MS = 15_000

JOBS = ("api", "web")
INSTANCES = ("a:1", "b:1", "c:2")
CODES = ("200", "404", "500")
BOUNDS = ("0.1", "0.5", "1", "2.5", "+Inf")


def series(random: Random, *, span_ms: int = SPAN_MS) -> Series:
    """Make about forty series of six metrics."""
    found = []
    for job in JOBS:
        for instance in INSTANCES:
            place = {"job": job, "instance": instance}
            found += [
                (labels("requests_total", **place, code=code), _counter(random, span_ms))
                for code in CODES
                if random.random() < 0.8
            ]
            found.append((labels("queue_length", **place), _gauge(random, span_ms, 0, 9)))
            found.append((labels("memory_bytes", **place), _gauge(random, span_ms, -999, 99_999)))
            if random.random() < 0.7:
                found.append((labels("ratio", **place), _ratio(random, span_ms)))
        found.append((labels("build_info", job=job, version="v1"), _constant(random, span_ms)))
        found += _histogram(random, span_ms, job)
    return [(names, samples) for names, samples in found if samples]


def source(held: Series, block_size: int = 7) -> MemorySource:
    """Return the series in a source that gives them in small blocks."""
    return MemorySource(
        (
            (names, [time for time, _ in samples], [value for _, value in samples])
            for names, samples in held
        ),
        block_size=block_size,
    )


def labels(name: str, **others: str) -> Labels:
    return tuple(sorted({"__name__": name, **others}.items()))


def _times(random: Random, span_ms: int) -> list[int]:
    """Return the times of one series, with gaps, a late start, an early end."""
    phase = random.randrange(1, INTERVAL_MS)
    start = random.choice((0, 0, 0, random.randrange(span_ms // 2)))
    end = random.choice((span_ms, span_ms, random.randrange(span_ms // 2, span_ms)))
    times, gap = [], 0
    for time in range(start + phase, end, INTERVAL_MS):
        if gap:
            gap -= 1
        elif random.random() < 0.02:
            gap = random.choice((1, 1, 3, 10, 30))
        else:
            moved = BASE_MS + time + random.randrange(-4, 5)
            times.append(moved + (5 if moved % 1000 == 0 else 0))
    return times


def _with_stale(random: Random, samples: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Put a stale marker where the series ends, and perhaps one in its midst."""
    if samples and random.random() < 0.5:
        samples = [*samples, (samples[-1][0] + INTERVAL_MS, float(STALE))]
    if len(samples) > 3 and random.random() < 0.4:
        place = random.randrange(1, len(samples) - 1)
        samples[place] = (samples[place][0], float(STALE))
    return [(time + (7 if time % 1000 == 0 else 0), value) for time, value in samples]


def _counter(random: Random, span_ms: int) -> list[tuple[int, float]]:
    value, samples = float(random.choice((0, 0, 5, 1000))), []
    pace = random.choice((0, 1, 20, 3000))
    for time in _times(random, span_ms):
        value = float(random.randrange(5)) if random.random() < 0.02 else value
        samples.append((time, value))
        value += random.randrange(pace + 1)
    return _with_stale(random, samples)


def _gauge(random: Random, span_ms: int, low: int, high: int) -> list[tuple[int, float]]:
    times = _times(random, span_ms)
    return _with_stale(random, [(time, float(random.randrange(low, high))) for time in times])


def _ratio(random: Random, span_ms: int) -> list[tuple[int, float]]:
    odd = (math.nan, math.inf, -math.inf)
    is_odd = random.random() < 0.3
    return [
        (time, random.choice(odd) if is_odd and random.random() < 0.1 else random.random())
        for time in _times(random, span_ms)
    ]


def _constant(random: Random, span_ms: int) -> list[tuple[int, float]]:
    return [(time, 1.0) for time in _times(random, span_ms)]


def _histogram(random: Random, span_ms: int, job: str) -> Series:
    times = _times(random, span_ms)
    is_broken = random.random() < 0.5
    columns: list[list[tuple[int, float]]] = [[] for _ in BOUNDS]
    totals = [0] * len(BOUNDS)
    for time in times:
        running = 0
        for index in range(len(BOUNDS)):
            totals[index] = 0 if is_broken and random.random() < 0.02 else totals[index]
            totals[index] += random.randrange(6)
            running += totals[index]
            if not (is_broken and random.random() < 0.02):
                columns[index].append((time, float(running)))
    return [
        (labels("latency_bucket", job=job, le=bound), column)
        for bound, column in zip(BOUNDS, columns, strict=True)
    ]
