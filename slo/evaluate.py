"""The use case: objectives, a source of counts and the time give statuses, worst first.

The clock is passed in, and the source is asked once for everything. Never schedules itself.
"""

from collections.abc import Sequence
from typing import Final

from slo.budget import Counts
from slo.burnrate import MIN_BAD_EVENTS, Tier, judge, tiers_within
from slo.model import Slo
from slo.sources import CountSource
from slo.status import SloStatus, severity_key, status
from slo.windows import google_30d

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
    """Return the status of every objective at one moment, worst first."""
    tiers = google_30d() if tiers is None else tiers
    to_s = window_end_s(now_s)
    lengths = _window_lengths(slos, tiers)
    windows = [(to_s - length, to_s) for length in lengths]
    counts = source.counts([slo.sli for slo in slos], windows).tolist()
    covered = dict(zip(lengths, source.covered_s(windows).tolist(), strict=True))
    statuses = [
        _status(
            slo,
            {length: Counts(*pair) for length, pair in zip(lengths, row, strict=True)},
            covered,
            tiers,
            min_bad_events,
        )
        for slo, row in zip(slos, counts, strict=True)
    ]
    return sorted(statuses, key=severity_key)


def window_end_s(now_s: int) -> int:
    """Return the end of the bucket in progress."""
    return (now_s // BUCKET_S + 1) * BUCKET_S


def _status(
    slo: Slo,
    counts: dict[int, Counts],
    covered: dict[int, int],
    tiers: Sequence[Tier],
    min_bad_events: int,
) -> SloStatus:
    verdicts = [
        judge(
            tier,
            long=counts[tier.long_s],
            short=counts[tier.short_s],
            target=slo.objective.target,
            period_s=slo.window.seconds,
            min_bad_events=min_bad_events,
        )
        for tier in tiers_within(tiers, slo.window.seconds)
    ]
    period_s = slo.window.seconds
    return status(slo, counts[period_s], verdicts, covered_s=covered[period_s])


def _window_lengths(slos: Sequence[Slo], tiers: Sequence[Tier]) -> list[int]:
    """Return every length that some objective or tier needs, once, shortest first."""
    lengths = {slo.window.seconds for slo in slos}
    lengths.update(length for tier in tiers for length in (tier.long_s, tier.short_s))
    return sorted(lengths)
