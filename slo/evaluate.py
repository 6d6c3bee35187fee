"""The use case: objectives, a source of counts and the time give statuses, worst first.

The clock is passed in, and the source is asked once for everything. Never schedules itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from slo.budget import Counts
from slo.burnrate import MIN_BAD_EVENTS, Tier, Verdict, judge, tiers_within
from slo.model import Slo, least_bad
from slo.sources import CountSource
from slo.status import SloStatus, severity_key, status
from slo.windows import tiers_of

BUCKET_S: Final = 10
"""Windows end with the store's bucket in progress, so that a request counts once it is stored."""


def evaluate(
    slos: Sequence[Slo],
    source: CountSource,
    now_s: int,
    *,
    tiers: Sequence[Tier] | None = None,
    min_bad_events: int = MIN_BAD_EVENTS,
) -> list[SloStatus]:
    """Return the status of every objective at one moment, worst first.

    Without ``tiers`` each has its own alerts, or those of the default table.
    """
    to_s = window_end_s(now_s)
    used = [tiers_of(slo) if tiers is None else tiers for slo in slos]
    begins = {window: window.from_s(to_s) for window in {slo.window for slo in slos}}
    windows = _windows(begins.values(), used, to_s)
    counts = source.counts([slo.sli for slo in slos], windows).tolist()
    covered = dict(zip(windows, source.covered_s(windows).tolist(), strict=True))
    places = {from_s: place for place, (from_s, _) in enumerate(windows)}
    statuses = []
    for slo, row, mine in zip(slos, counts, used, strict=True):
        whole = begins[slo.window]
        verdicts = _verdicts(slo, row, places, mine, to_s, min_bad_events)
        counted = Counts(*row[places[whole]])
        statuses.append(status(slo, counted, verdicts, covered_s=covered[whole, to_s], to_s=to_s))
    return sorted(statuses, key=severity_key)


def window_end_s(now_s: int) -> int:
    """Return the end of the bucket in progress."""
    return (now_s // BUCKET_S + 1) * BUCKET_S


def _verdicts(
    slo: Slo,
    row: Sequence[tuple[int, int]],
    places: Mapping[int, int],
    tiers: Sequence[Tier],
    to_s: int,
    min_bad_events: int,
) -> list[Verdict]:
    return [
        judge(
            tier,
            long=Counts(*row[places[to_s - tier.long_s]]),
            short=Counts(*row[places[to_s - tier.short_s]]),
            target=slo.objective.target,
            period_s=slo.window.seconds,
            min_bad_events=least_bad(slo.sli, min_bad_events),
        )
        for tier in tiers_within(tiers, slo.window.seconds)
    ]


def _windows(
    begins: Iterable[int], used: Iterable[Sequence[Tier]], to_s: int
) -> list[tuple[int, int]]:
    """Return every window that some objective or tier needs, once, shortest first."""
    found = set(begins)
    for tiers in set(map(tuple, used)):
        found.update(to_s - length for tier in tiers for length in (tier.long_s, tier.short_s))
    return [(from_s, to_s) for from_s in sorted(found, reverse=True)]
