"""What if: an objective, or another target, window or alert table, over what was stored.

The backtest answers which tiers would have fired, when, how long, and how much of the budget was
gone by then. It reads the counts once for all targets and judges them by ``slo.replay``; values in,
values out, ready to print as in ``slo.status``. Never holds NaN; None means "no data".
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import gcd
from typing import Final

import numpy as np

from slo.budget import budget
from slo.burnrate import MIN_BAD_EVENTS, Severity, Tier, factor, is_fireable, tiers_within
from slo.durations import format_duration
from slo.evaluate import BUCKET_S
from slo.lint import alert_problems
from slo.model import Objective, Slo, TimeWindow
from slo.replay import Replay, Stretch, begins_s, replay
from slo.sources import CountSource
from slo.tape import Ints, Tape, read_tape
from slo.windows import DEFAULT

EVERY_S: Final = 60
"""Instants are as far apart as Prometheus evaluates rules by default."""
MAX_POINTS: Final = 1_000
OWN: Final = "own"
"""The profile of an objective that is judged by its own alerts."""


@dataclass(frozen=True, slots=True)
class Firing:
    """One alert that would have been: since the first instant, until the first without it."""

    tier: str
    severity: Severity
    from_s: int
    to_s: int
    seconds: int
    is_open: bool
    budget_spent_ratio: float | None
    budget_spent_at_end_ratio: float | None
    worst_burn: float


@dataclass(frozen=True, slots=True)
class TierBacktest:
    """What one tier would have done. ``judged_from_s`` is None when it could not be judged."""

    tier: str
    severity: Severity
    factor: float
    long: str
    short: str
    fireable: bool
    judged_from_s: int | None
    firings: int
    firing_s: int


@dataclass(frozen=True, slots=True)
class BudgetCurve:
    """Columns of one length: the rolling budget left at some of the instants, the last included."""

    at_s: tuple[int, ...]
    budget_remaining: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One objective with one target over [from_s, to_s]; the counts are of its window at the end.

    They are counted in ``parts_per_event``. ``exhausted_s`` is how long nothing was left,
    ``lowest_budget_ratio`` the least that was.
    """

    name: str
    service: str
    target: float
    window: str
    profile: str
    from_s: int
    to_s: int
    every_s: int
    instants: int
    good: int
    total: int
    bad: int
    sli_ratio: float | None
    budget_remaining_ratio: float | None
    lowest_budget_ratio: float | None
    exhausted_s: int
    tiers: tuple[TierBacktest, ...]
    firings: tuple[Firing, ...]
    notes: tuple[str, ...]
    curve: BudgetCurve
    parts_per_event: int


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of an objective: [from_s, to_s] in instants, other targets, another window."""

    from_s: int
    to_s: int
    targets: tuple[Decimal, ...] = ()
    window_s: int | None = None
    profile: str = OWN
    every_s: int = EVERY_S
    min_bad_events: int = MIN_BAD_EVENTS


def whatif(
    slo: Slo, source: CountSource, asked: Question, tiers: Sequence[Tier]
) -> tuple[WhatIf, ...]:
    """Return the backtest for every target asked for, or for the objective's own."""
    window = TimeWindow(asked.window_s) if asked.window_s else slo.window
    at_s = instants(asked.from_s, asked.to_s, asked.every_s)
    tape = tape_for(replace(slo, window=window), source, at_s, tiers, asked.every_s)
    targets = asked.targets or (slo.objective.target,)
    return tuple(
        _answer(
            replay(
                replace(slo, window=window, objective=Objective(target)),
                tape,
                at_s,
                tiers,
                min_bad_events=asked.min_bad_events,
            ),
            asked,
        )
        for target in targets
    )


def tape_for(
    slo: Slo,
    source: CountSource,
    at_s: Ints,
    tiers: Sequence[Tier],
    every_s: int,
    *,
    since_s: int | None = None,
) -> Tape:
    """Read all that an objective is judged by at some instants, or more of the past."""
    lengths = window_lengths(slo.window.seconds, tiers)[1:]
    begins = begins_s(slo.window, at_s)
    first_s = min(int(begins[0]), int(at_s[0]) - max(lengths, default=0))
    span = (first_s if since_s is None else min(first_s, since_s), int(at_s[-1]))
    marks = int(np.gcd.reduce(begins))
    return read_tape(source, slo.sli, span, bucket_s(every_s, (*lengths, marks)))


def target_of_percent(text: str) -> Decimal:
    """Read ``99.95`` as 0.9995, exactly; anything else is a ValueError that says what is wrong."""
    try:
        percent = Decimal(text.strip().removesuffix("%").strip())
    except InvalidOperation:
        raise ValueError(f"a target must be a percent such as 99.95, got {text!r}") from None
    if percent.is_nan():
        raise ValueError(f"a target must be in percent, got {text!r}")
    if percent == 100:
        raise ValueError("a target of 100 % leaves no error budget to spend")
    if not 1 <= percent < 100:
        raise ValueError(f"a target must be in percent, from 1 to below 100, got {text!r}")
    return percent / 100


def instants(from_s: int, to_s: int, every_s: int) -> Ints:
    """Return the multiples of ``every_s`` in [from_s, to_s]; at least the last at or before to_s.

    Windows end at them, exclusive.
    """
    if every_s <= 0 or every_s % BUCKET_S:
        raise ValueError(f"instants must be a multiple of {BUCKET_S} s apart, got {every_s}")
    last = to_s // every_s
    first = min(-(-from_s // every_s), last)
    return np.arange(first, last + 1, dtype=np.int64) * every_s


def window_lengths(period_s: int, tiers: Sequence[Tier]) -> tuple[int, ...]:
    """Return the lengths of all windows that an objective of this period is judged by."""
    used = tiers_within(tiers, period_s)
    return (period_s, *(length for tier in used for length in (tier.long_s, tier.short_s)))


def bucket_s(every_s: int, lengths: Sequence[int]) -> int:
    """Return the longest bucket at whose bounds all windows of all instants begin and end."""
    return gcd(every_s, *lengths)


def _answer(found: Replay, asked: Question) -> WhatIf:
    slo, last = found.slo, len(found.at_s) - 1
    counts = found.counts(last)
    firings = [
        _firing(found, tier, stretch)
        for tier, column in zip(found.tiers, found.firing, strict=True)
        for stretch in found.stretches(column)
    ]
    return WhatIf(
        name=slo.name,
        service=slo.service,
        target=float(slo.objective.target),
        window=slo.window.duration,
        profile=DEFAULT if asked.profile == OWN and slo.tiers is None else asked.profile,
        from_s=int(found.at_s[0]),
        to_s=int(found.at_s[-1]),
        every_s=asked.every_s,
        instants=len(found.at_s),
        good=counts.good,
        total=counts.total,
        bad=counts.bad,
        sli_ratio=_float(counts.sli_ratio),
        budget_remaining_ratio=_float(budget(counts, slo.objective.target).remaining_ratio),
        lowest_budget_ratio=_lowest(found),
        exhausted_s=sum(stretch.seconds for stretch in found.stretches(found.exhausted())),
        tiers=tuple(
            _tier(found, place, [firing for firing in firings if firing.tier == tier.name])
            for place, tier in enumerate(found.tiers)
        ),
        firings=tuple(sorted(firings, key=lambda firing: (firing.from_s, firing.severity))),
        notes=(*alert_problems(slo, found.tiers), *_unjudged(found)),
        curve=_curve(found),
        parts_per_event=slo.parts_per_event,
    )


def _firing(found: Replay, tier: Tier, stretch: Stretch) -> Firing:
    return Firing(
        tier=tier.name,
        severity=tier.severity,
        from_s=stretch.from_s,
        to_s=stretch.to_s,
        seconds=stretch.seconds,
        is_open=stretch.is_open,
        budget_spent_ratio=_float(found.spent_ratio(stretch.first)),
        budget_spent_at_end_ratio=_float(found.spent_ratio(stretch.last)),
        worst_burn=_worst_burn(found, tier, stretch),
    )


def _worst_burn(found: Replay, tier: Tier, stretch: Stretch) -> float:
    """Return the highest burn rate of the long window; it has events, else nothing fired."""
    part = slice(stretch.first, stretch.last + 1)
    total = found.total[tier.long_s][part]
    errors = (total - found.good[tier.long_s][part]) / total
    worst = found.verdict(stretch.first + int(errors.argmax()), tier).long_burn
    return float(worst or 0)


def _tier(found: Replay, place: int, firings: Sequence[Firing]) -> TierBacktest:
    tier, slo = found.tiers[place], found.slo
    limit = factor(tier.budget_ratio, slo.window.seconds, tier.long_s)
    since = found.judged_from_s[place]
    return TierBacktest(
        tier=tier.name,
        severity=tier.severity,
        factor=float(limit),
        long=format_duration(tier.long_s),
        short=format_duration(tier.short_s),
        fireable=is_fireable(limit, slo.objective.target),
        judged_from_s=None if since is None else max(since, int(found.at_s[0])),
        firings=len(firings),
        firing_s=sum(firing.seconds for firing in firings),
    )


def _unjudged(found: Replay) -> list[str]:
    """Name the tiers whose windows are shorter than what the store still knows of old times."""
    notes = []
    for tier, since in zip(found.tiers, found.judged_from_s, strict=True):
        windows = f"its short window is {format_duration(tier.short_s)}"
        if since is None or since > found.at_s[-1]:
            notes.append(f"{tier.name} cannot be judged: {windows}, and buckets are longer")
        elif since > found.at_s[0]:
            at = np.datetime_as_string(np.datetime64(since, "s"))
            notes.append(
                f"{tier.name} is judged from {at}Z on: {windows}, older buckets are longer"
            )
    return notes


def _lowest(found: Replay) -> float | None:
    """Return the least budget left: where the share of good events was least."""
    period_s = found.slo.window.seconds
    good, total = found.good[period_s], found.total[period_s]
    some = np.flatnonzero(total)
    if not len(some):
        return None
    spent = found.spent_ratio(int(some[(good[some] / total[some]).argmin()]))
    return _float(None if spent is None else 1 - spent)


def _curve(found: Replay) -> BudgetCurve:
    count = len(found.at_s)
    stride = -(-count // MAX_POINTS)
    places = range((count - 1) % stride, count, stride)
    spent = [found.spent_ratio(place) for place in places]
    return BudgetCurve(
        at_s=tuple(found.at_s[list(places)].tolist()),
        budget_remaining=tuple(None if one is None else float(1 - one) for one in spent),
    )


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
