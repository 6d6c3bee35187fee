"""Which calls got worse before an alert, and since when. Counts by minute in, edges out. Pure.

Worse is: failures that were not there in the hour before, or a p95 that doubled. Each edge is held
against its own hour before, so that what always fails a little hides nothing and blames nobody.
The thresholds are chosen to be silent about noise.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from collector.edges import quantile_us

Kind = Literal["errors", "latency"]
Pair = tuple[str, str]
Histogram = Mapping[int, int]
"""Requests by latency bucket."""

MINUTE_S: Final = 60
BASE_S: Final = 3600
"""What "before" is: this long until it began."""
RECENT_S: Final = 900
"""What failed last longer ago than this before the alert is another story."""
MIN_ERRORS: Final = 5
MIN_RATIO: Final = 0.01
GROWTH: Final = 2.0
MIN_REQUESTS: Final = 20
MIN_MINUTE: Final = 5
"""Fewer requests in a minute tell nothing of its p95."""
MIN_SLOWER_MS: Final = 10.0
GAP_STEPS: Final = 2
"""So many calm minutes do not end a run of bad ones."""


class Point(NamedTuple):
    """The requests of an edge in one step of time."""

    at_s: int
    requests: int
    errors: int


@dataclass(frozen=True, slots=True)
class WorseEdge:
    """An edge that got worse, when that began (None: not known), and until when it was looked at.

    ``before_...`` is of the hour before. ``codes`` and ``flags`` are those of the failed requests.
    """

    source: str
    destination: str
    kind: Kind
    began_s: int | None
    until_s: int
    requests: int
    errors: int
    error_ratio: float | None
    before_error_ratio: float | None
    p95_ms: float | None = None
    before_p95_ms: float | None = None
    codes: Mapping[str, int] = field(default_factory=dict)
    flags: Mapping[str, int] = field(default_factory=dict)

    @property
    def pair(self) -> Pair:
        """Its two ends."""
        return self.source, self.destination


def failing(
    pair: Pair, points: Sequence[Point], first_s: int, *, from_s: int, until_s: int
) -> WorseEdge | None:
    """Return the edge if its failures grew around the alert of ``first_s``; None if they did not.

    The points are the minutes of [from_s, until_s); what failed at first already has no beginning.
    """
    bad = [one.at_s for one in points if one.errors and one.errors >= one.requests * MIN_RATIO]
    began_s = onset(bad, first_s)
    if began_s is None or began_s <= from_s + GAP_STEPS * MINUTE_S:
        return None
    before = [one for one in points if began_s - BASE_S <= one.at_s < began_s]
    since = [one for one in points if one.at_s >= began_s]
    was, now = ratio(before), ratio(since)
    errors = sum(one.errors for one in since)
    if errors < MIN_ERRORS or now is None or now < MIN_RATIO:
        return None
    if now < (was or 0.0) * GROWTH + MIN_RATIO / 2:
        return None
    requests = sum(one.requests for one in since)
    return WorseEdge(*pair, "errors", began_s, until_s, requests, errors, now, was)


def slower(
    pair: Pair, minutes: Mapping[int, Histogram], first_s: int, *, until_s: int
) -> WorseEdge | None:
    """Return the edge if its p95 doubled around the alert of ``first_s``; None if it did not.

    Usual is what a quarter of the minutes keep: a mesh may have been slow for most of them.
    """
    p95s = {
        at_s: found
        for at_s, counts in minutes.items()
        if sum(counts.values()) >= MIN_MINUTE and (found := p95_ms(counts)) is not None
    }
    if not p95s:
        return None
    usual_ms = sorted(p95s.values())[(len(p95s) - 1) // 4]
    limit_ms = max(usual_ms * GROWTH, usual_ms + MIN_SLOWER_MS)
    began_s = onset([at_s for at_s, found in p95s.items() if found >= limit_ms], first_s)
    if began_s is None:
        return None
    before = summed(minutes[at_s] for at_s in minutes if began_s - BASE_S <= at_s < began_s)
    since = summed(minutes[at_s] for at_s in minutes if at_s >= began_s)
    was_ms, now_ms = p95_ms(before), p95_ms(since)
    if was_ms is None or now_ms is None or now_ms < max(was_ms * GROWTH, was_ms + MIN_SLOWER_MS):
        return None
    requests = sum(since.values())
    if min(sum(before.values()), requests) < MIN_REQUESTS:
        return None
    return WorseEdge(*pair, "latency", began_s, until_s, requests, 0, None, None, now_ms, was_ms)


def slow_from(steps: Mapping[int, Histogram], edge: WorseEdge) -> int | None:
    """Return the first step in which a slow edge was slow; None when it was in none."""
    limit_ms = (edge.before_p95_ms or 0.0) * GROWTH
    slow = (at_s for at_s, counts in steps.items() if (p95_ms(counts) or 0.0) >= limit_ms)
    return min(slow, default=None)


def onset(bad: Sequence[int], first_s: int) -> int | None:
    """Return when that began which was bad around ``first_s``; None when nothing was.

    That is the run that goes on at that time or ended not long before; else the first after it.
    """
    until = [at_s for at_s in bad if at_s <= first_s]
    if until and max(until) >= first_s - RECENT_S:
        return run_start(bad, first_s)
    return min((at_s for at_s in bad if at_s > first_s), default=None)


def run_start(bad: Iterable[int], until_s: int) -> int | None:
    """Return where the last run of bad minutes begins that had begun by ``until_s``.

    A run may have calm gaps of ``GAP_STEPS``. None when there is none by then.
    """
    start: int | None = None
    for at_s in sorted(set(bad), reverse=True):
        is_same = start is not None and start - at_s <= MINUTE_S * (GAP_STEPS + 1)
        if start is None or is_same or start > until_s:
            start = at_s
        else:
            break
    return start if start is not None and start <= until_s else None


def in_order(edges: Iterable[WorseEdge]) -> tuple[WorseEdge, ...]:
    """Sort failures before slowness, then what began first, then the most errors."""
    return tuple(sorted(edges, key=_order))


def ratio(points: Iterable[Point]) -> float | None:
    """Return errors over requests; None without requests."""
    counted = list(points)
    requests = sum(one.requests for one in counted)
    return sum(one.errors for one in counted) / requests if requests else None


def summed(histograms: Iterable[Histogram]) -> Counter[int]:
    """Return one histogram of several."""
    total: Counter[int] = Counter()
    for counts in histograms:
        total.update(counts)
    return total


def p95_ms(counts: Histogram) -> float | None:
    """Return the p95 of a histogram of latency buckets; None when it is empty."""
    found = quantile_us(counts, 0.95)
    return None if found is None else found / 1000


def _order(edge: WorseEdge) -> tuple[bool, int, int, Pair]:
    began = 2**62 if edge.began_s is None else edge.began_s
    return edge.kind != "errors", began, -edge.errors, edge.pair
