"""What is odd about an objective and its alerts, by name: for ``validate``, what-if and reports.

A target of 100 % is refused where files are read (``slo.openslo``), because it leaves no budget;
what is only odd is told and works. Never reads counts. Source: ``slo.burnrate.is_fireable``.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from slo.burnrate import Tier, factor, is_fireable, tiers_within
from slo.durations import format_duration
from slo.evaluate import BUCKET_S
from slo.gate import policy
from slo.model import MINUTE_S, Slices, Slo, unit
from slo.windows import tiers_of


def alert_problems(slo: Slo, tiers: Sequence[Tier]) -> tuple[str, ...]:
    """Say which tiers cannot fire, cannot be measured or do not fit into the time window."""
    period_s = slo.window.seconds
    used = tiers_within(tiers, period_s)
    return (
        *_resolution(slo),
        *_sliced(slo, used),
        *(_unfireable(slo, tier) for tier in used if not _can_fire(slo, tier)),
        *(
            f"{tier.name} cannot be measured: its short window, "
            f"{format_duration(tier.short_s)}, is no multiple of the {BUCKET_S} s of the data"
            for tier in used
            if tier.short_s % BUCKET_S or tier.short_s < BUCKET_S
        ),
        *(
            f"{tier.name} is left out: its long window is not shorter than {slo.window.duration}"
            for tier in tiers
            if tier not in used
        ),
    )


def objective_problems(
    slos: Iterable[Slo], tiers: Sequence[Tier] | None = None
) -> list[tuple[str, tuple[str, ...]]]:
    """Return the objectives with something odd, and what it is; each with its own alerts."""
    found = [
        (slo.name, (*alert_problems(slo, tiers or tiers_of(slo)), *_gate_problems(slo)))
        for slo in slos
    ]
    return [(name, problems) for name, problems in found if problems]


def _gate_problems(slo: Slo) -> tuple[str, ...]:
    try:
        policy(slo.annotations)
    except ValueError as error:
        return (str(error),)
    return ()


def _can_fire(slo: Slo, tier: Tier) -> bool:
    return is_fireable(_factor(slo, tier), slo.objective.target)


def _unfireable(slo: Slo, tier: Tier) -> str:
    limit = _factor(slo, tier)
    least = max(1 - 1 / limit, Fraction(0))
    return (
        f"{tier.name} cannot fire: a full outage burns "
        f"{float(1 / Fraction(slo.objective.error_budget_ratio)):.4g}x, its factor is "
        f"{float(limit):.4g}; the target must be above {float(least) * 100:.4g} %"
    )


def _resolution(slo: Slo) -> tuple[str, ...]:
    if slo.window.seconds % BUCKET_S == 0:
        return ()
    return (f"the window of {slo.window.duration} is no multiple of the {BUCKET_S} s of the data",)


def _sliced(slo: Slo, used: Sequence[Tier]) -> tuple[str, ...]:
    """Say which windows are no longer than what they are counted in."""
    length = slo.sli.seconds if isinstance(slo.sli, Slices) else MINUTE_S
    if unit(slo.sli) == "events" or slo.window.seconds <= length:
        return (
            ()
            if unit(slo.sli) == "events"
            else (f"the window of {slo.window.duration} has at most one slice",)
        )
    return tuple(
        f"{tier.name} may see nothing: its short window, {format_duration(tier.short_s)}, is "
        f"shorter than a slice of {format_duration(length)}"
        for tier in used
        if tier.short_s < length
    )


def _factor(slo: Slo, tier: Tier) -> Fraction:
    return factor(tier.budget_ratio, slo.window.seconds, tier.long_s)
