"""The status of one objective, as pages, the CLI and notebooks show it: numbers ready to print.

A value object: floats and strings only, so that ``dataclasses.asdict`` is JSON. Never holds NaN or
Inf; None means "no data". Exact arithmetic happened before (``slo.budget``, ``slo.burnrate``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, Literal

from slo.budget import Budget, Counts, budget
from slo.burnrate import Severity, Verdict
from slo.durations import format_duration
from slo.forecast import time_to_exhaustion_s
from slo.latency import effective_threshold_ms
from slo.model import LatencySli, Method, SliKind, Slo, Unit, leaf, sli_kind, unit

State = Literal["ok", "burning", "exhausted", "no_data"]

WORST_FIRST: Final[tuple[State, ...]] = ("exhausted", "burning", "no_data", "ok")


@dataclass(frozen=True, slots=True)
class BurnRate:
    """What one tier sees. ``fireable`` is False when not even a full outage can exceed it."""

    severity: Severity
    factor: float
    long: str
    short: str
    long_burn: float | None
    short_burn: float | None
    firing: bool
    fireable: bool


@dataclass(frozen=True, slots=True)
class SloStatus:
    """One objective now: its counts over the time window, its budget, and how fast that burns.

    Counts are of ``unit``, each in ``parts_per_event`` parts. The window is [from_s, now); of a
    calendar the period goes on until ``end_s``. ``group`` are the values that a member is about.
    """

    name: str
    service: str
    display_name: str
    sli: SliKind
    target: float
    window: str
    good: int
    total: int
    bad: int
    sli_ratio: float | None
    error_budget_ratio: float
    budget_events_allowed: float
    budget_remaining_ratio: float | None
    coverage_ratio: float
    state: State
    threshold_ms: float | None
    effective_threshold_ms: float | None
    burn_rates: tuple[BurnRate, ...]
    time_to_exhaustion_s: float | None
    labels: dict[str, str]
    method: Method
    unit: Unit
    parts_per_event: int
    is_rolling: bool
    from_s: int
    end_s: int
    belongs_to: str = ""
    group: dict[str, str] = field(default_factory=dict)
    corrected_s: int = 0
    """How much of the time window does not count, by corrections."""


def status(
    slo: Slo, counts: Counts, verdicts: Sequence[Verdict], *, covered_s: int, to_s: int
) -> SloStatus:
    """Assemble the status from counts of the window until ``to_s`` and the tiers' verdicts."""
    from_s, end_s = slo.window.from_s(to_s), slo.window.end_s(to_s)
    left_s = slo.window.seconds if slo.window.is_rolling else end_s - to_s
    counted = leaf(slo.sli)
    left = budget(counts, slo.objective.target)
    current = verdicts[0].long_burn if verdicts else None
    threshold_ms = counted.threshold_ms if isinstance(counted, LatencySli) else None
    return SloStatus(
        name=slo.name,
        service=slo.service,
        display_name=slo.display_name or slo.name,
        sli=sli_kind(slo.sli),
        target=float(slo.objective.target),
        window=slo.window.duration,
        good=counts.good,
        total=counts.total,
        bad=counts.bad,
        sli_ratio=_float(counts.sli_ratio),
        error_budget_ratio=float(slo.objective.error_budget_ratio),
        budget_events_allowed=float(left.allowed),
        budget_remaining_ratio=_float(left.remaining_ratio),
        coverage_ratio=min(max(covered_s / (to_s - from_s), 0.0), 1.0),
        state=_state(counts, left, verdicts),
        threshold_ms=threshold_ms,
        effective_threshold_ms=effective_threshold_ms(threshold_ms) if threshold_ms else None,
        burn_rates=tuple(_burn_rate(verdict) for verdict in verdicts),
        time_to_exhaustion_s=_float(
            time_to_exhaustion_s(left, current, covered_s=covered_s, period_s=left_s)
        ),
        labels=dict(slo.labels),
        method=slo.budgeting_method,
        unit=unit(slo.sli),
        parts_per_event=slo.parts_per_event,
        is_rolling=slo.window.is_rolling,
        from_s=from_s,
        end_s=end_s,
        belongs_to=slo.belongs_to,
        group=dict(slo.group),
    )


def severity_key(item: SloStatus) -> tuple[int, float, str]:
    """Sort the worst first: by state, then by what is left of the budget, then by name."""
    left = item.budget_remaining_ratio
    return WORST_FIRST.index(item.state), 1.0 if left is None else left, item.name


def _state(counts: Counts, left: Budget, verdicts: Sequence[Verdict]) -> State:
    if not counts.total:
        return "no_data"
    if left.is_exhausted:
        return "exhausted"
    return "burning" if any(verdict.is_firing for verdict in verdicts) else "ok"


def _burn_rate(verdict: Verdict) -> BurnRate:
    return BurnRate(
        severity=verdict.tier.severity,
        factor=float(verdict.factor),
        long=format_duration(verdict.tier.long_s),
        short=format_duration(verdict.tier.short_s),
        long_burn=_float(verdict.long_burn),
        short_burn=_float(verdict.short_burn),
        firing=verdict.is_firing,
        fireable=verdict.is_fireable,
    )


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
