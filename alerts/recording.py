"""Objectives to recording rules: counts of bad and of all events per window.

Counts, never ratios: a ratio of recorded sums weighs every event the same, a mean of recorded
ratios weighs a quiet night like the rush hour. Without traffic the records are 0 and the ratio in
an alert is nothing, not NaN. ``increase`` extrapolates to the window's edges; the exact integers
are those of the server's SLO page.
"""

from collections.abc import Sequence

from alerts import names
from alerts.rules import RecordingRule
from slo.burnrate import Tier
from slo.durations import format_duration
from slo.latency import le_label, threshold_bound_us
from slo.model import AvailabilitySli, EdgeSelector, LatencySli, Slo


def window_records(slo: Slo, tiers: Sequence[Tier]) -> tuple[RecordingRule, ...]:
    """Return the counts of every alert window, shortest first."""
    lengths = sorted({length for tier in tiers for length in (tier.long_s, tier.short_s)})
    return tuple(rule for length in lengths for rule in _counts(slo, format_duration(length)))


def period_records(slo: Slo) -> tuple[RecordingRule, ...]:
    """Return the counts of the whole time window, the objective, and what is left of the budget."""
    window = slo.window.duration
    objective = RecordingRule(names.OBJECTIVE, f"vector({slo.objective.target})", _labels(slo))
    if not slo.window.is_rolling:  # PromQL has no range that begins with the month
        return (objective,)
    bad, total = (
        names.selector(metric, slo=slo.name, window=window)
        for metric in (names.BAD_EVENTS, names.TOTAL_EVENTS)
    )
    remaining = RecordingRule(
        names.BUDGET_REMAINING,
        f"1 - {bad} / ({total} > 0) / {slo.objective.error_budget_ratio}",
        {**_labels(slo), names.WINDOW: window},
    )
    return (objective, *_counts(slo, window), remaining)


def total_expr(slo: Slo, window: str) -> str:
    """Return the events of a window: every request that arrived, or what the server counted."""
    match slo.sli:
        case AvailabilitySli(edges) | LatencySli(edges) if not edges.consumers:
            return f"sum(increase({_requests(edges)}[{window}]))"
        case _:
            return f"sum(increase({names.selector(names.EVENTS, slo=slo.name)}[{window}]))"


def bad_expr(slo: Slo, window: str) -> str:
    """Return the events of a window that were not good; 0 when there is nothing bad to add up."""
    total = total_expr(slo, window)
    match slo.sli:
        case AvailabilitySli(edges) if not edges.consumers:
            failed = _requests(edges).removesuffix("}") + f',code=~"{names.ERROR_CODES}"}}'
            return f"sum(increase({failed}[{window}]))\nor\n{total} * 0"
        case LatencySli() as sli if not sli.edges.consumers:
            good = f"sum(increase({_in_time(sli)}[{window}]))"
            return f"clamp_min(\n  {total}\n  - ({good} or {total} * 0),\n  0\n)"
        case _:
            bad = names.selector(names.EVENTS, slo=slo.name, result="bad")
            return f"sum(increase({bad}[{window}]))"


def _counts(slo: Slo, window: str) -> tuple[RecordingRule, RecordingRule]:
    labels = {**_labels(slo), names.WINDOW: window}
    return (
        RecordingRule(names.BAD_EVENTS, bad_expr(slo, window), labels),
        RecordingRule(names.TOTAL_EVENTS, total_expr(slo, window), labels),
    )


def _labels(slo: Slo) -> dict[str, str]:
    return {names.SLO: slo.name, names.SERVICE: slo.service}


def _requests(edges: EdgeSelector) -> str:
    return names.selector(
        names.REQUESTS,
        destination=edges.destination,
        source=edges.source,
        route=edges.route,
        version=edges.version,
    )


def _in_time(sli: LatencySli) -> str:
    """Select requests within the bound that did not fail; series without a result count too."""
    edges = sli.edges
    chosen = names.selector(
        names.DURATION_BUCKET,
        destination=edges.destination,
        source=edges.source,
        route=edges.route,
        version=edges.version,
        le=le_label(threshold_bound_us(sli.threshold_ms)),
    )
    return chosen.removesuffix("}") + f',{names.RESULT}!="error"}}'
