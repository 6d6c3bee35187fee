"""Burn rates: how many times faster than allowed the budget goes, and who must hear of it.

A tier watches a long window, for weight, and a short one, so that it ends soon after the trouble.
It fires only when both burn faster than its factor. Method: The Site Reliability Workbook,
chapter 5 (https://sre.google/workbook/alerting-on-slos/). Never does I/O, never sees a float.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final, Literal

from slo.budget import Counts, error_budget
from slo.durations import format_duration

Severity = Literal["page", "ticket"]

MIN_BAD_EVENTS: Final = 10
"""Fewer bad events than this in the long window wake nobody: one failure at night is no outage."""


@dataclass(frozen=True, slots=True)
class Tier:
    """One pair of windows and the part of the budget that may go within the long one."""

    severity: Severity
    long_s: int
    short_s: int
    budget_ratio: Decimal | Fraction

    @property
    def name(self) -> str:
        """How messages call this tier, e.g. ``page-1h``."""
        return f"{self.severity}-{format_duration(self.long_s)}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one tier says about one pair of counts. Burn rates are None without events."""

    tier: Tier
    factor: Fraction
    long_burn: Fraction | None
    short_burn: Fraction | None
    is_fireable: bool
    is_firing: bool


def burn_rate(counts: Counts, target: Decimal) -> Fraction | None:
    """Return the error ratio over the allowed one: 1 spends exactly the budget; None: no events."""
    if not counts.total:
        return None
    allowed = error_budget(target)
    return Fraction(counts.bad * allowed.denominator, counts.total * allowed.numerator)


@lru_cache
def factor(budget_ratio: Decimal | Fraction, period_s: int, long_s: int) -> Fraction:
    """Return the burn rate that spends this part of the period's budget within the long window."""
    return Fraction(budget_ratio) * period_s / long_s


@lru_cache
def is_fireable(tier_factor: Fraction, target: Decimal) -> bool:
    """Return False when even a full outage, which burns 1 / (1 - target), stays within the factor.

    At 14.4 that is every target up to 93.05 %.
    """
    return tier_factor * error_budget(target) < 1


def tiers_within(tiers: Iterable[Tier], period_s: int) -> tuple[Tier, ...]:
    """Return the tiers that make sense for a period: those whose long window is shorter."""
    return tuple(tier for tier in tiers if tier.long_s < period_s)


def unfireable(tiers: Iterable[Tier], target: Decimal, period_s: int) -> tuple[str, ...]:
    """Name the tiers that can never fire for a target."""
    return tuple(
        tier.name
        for tier in tiers_within(tiers, period_s)
        if not is_fireable(factor(tier.budget_ratio, period_s, tier.long_s), target)
    )


def detection_s(tier_factor: Fraction, target: Decimal, long_s: int) -> Fraction:
    """Return how long a full outage under steady traffic lasts before its long window exceeds."""
    return tier_factor * error_budget(target) * long_s


def judge(
    tier: Tier,
    *,
    long: Counts,
    short: Counts,
    target: Decimal,
    period_s: int,
    min_bad_events: int = MIN_BAD_EVENTS,
) -> Verdict:
    """Return the verdict of one tier: firing when long and short exceed, with enough bad events."""
    limit = factor(tier.budget_ratio, period_s, tier.long_s)
    burns = (burn_rate(long, target), burn_rate(short, target))
    return Verdict(
        tier=tier,
        factor=limit,
        long_burn=burns[0],
        short_burn=burns[1],
        is_fireable=is_fireable(limit, target),
        is_firing=all(burn is not None and burn > limit for burn in burns)
        and long.bad >= min_bad_events,
    )
