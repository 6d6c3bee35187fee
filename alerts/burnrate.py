"""Objectives to alerts: one per burn-rate tier, so that its labels say which windows fired.

The arithmetic is that of ``slo.burnrate.judge``: long and short window both above the factor, and
enough bad events in the long one. A tier that no outage can fire gets no rule.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

from alerts import names
from alerts.mesh.alert import runbook_of
from alerts.rules import AlertingRule
from slo.burnrate import MIN_BAD_EVENTS, Tier, factor, is_fireable, tiers_within
from slo.durations import format_duration
from slo.model import Slo, least_bad

RUNBOOK: Final = runbook_of(names.ERROR_BUDGET_BURN)


def burn_alerts(
    slo: Slo, tiers: Sequence[Tier], *, base_url: str, min_bad_events: int = MIN_BAD_EVENTS
) -> tuple[AlertingRule, ...]:
    """Return the alerts of one objective, the fastest first."""
    return tuple(
        _alert(slo, tier, base_url, min_bad_events)
        for tier in tiers_within(tiers, slo.window.seconds)
        if is_fireable(_factor(slo, tier), slo.objective.target)
    )


def not_counted_alert(slo: Slo, *, base_url: str) -> AlertingRule:
    """Return the alert that the server does not count an objective: its other alerts are blind."""
    return AlertingRule(
        names.SLO_NOT_COUNTED,
        f"absent({names.selector(names.SLO_EVENTS, slo=slo.name)})",
        {
            names.SLO: slo.name,
            names.SERVICE: slo.service,
            names.TEAM: _team(slo),
            names.SEVERITY: "ticket",
        },
        {
            "summary": f"Nobody counts {slo.display_name or slo.name}",
            "description": f"There are rules for the objective {slo.name}, and no counter of it: "
            "the server does not know it, or is not scraped. Its alerts cannot fire.",
            "runbook_url": f"{base_url}/runbooks/{runbook_of(names.SLO_NOT_COUNTED)}",
            "dashboard_url": f"{base_url}/slos",
        },
        for_="10m",
    )


def alert_labels(slo: Slo, tier: Tier) -> dict[str, str]:
    """Return the labels of one tier's alert; team is the label of the objective, or its service."""
    return {
        names.SLO: slo.name,
        names.SERVICE: slo.service,
        names.TEAM: _team(slo),
        names.SEVERITY: tier.severity,
        names.LONG: format_duration(tier.long_s),
        names.SHORT: format_duration(tier.short_s),
        names.FACTOR: decimal_text(_factor(slo, tier)),
    }


def runbook_url(slo: Slo, *, base_url: str = "") -> str:
    """Return where it is told what to do about a burn: the objective's own runbook, or ours."""
    return slo.annotations.get("meshscope.dev/runbook-url", f"{base_url}/runbooks/{RUNBOOK}")


def decimal_text(value: Fraction, *, digits: int = 4) -> str:
    """Return a short decimal: 14.4, 6, 0.9333."""
    rounded = round(Decimal(value.numerator) / value.denominator, digits)
    return f"{rounded.normalize():f}"


def _alert(slo: Slo, tier: Tier, base_url: str, min_bad_events: int) -> AlertingRule:
    """Return one tier's alert. Its ratios match without ``window``, and so the alert has none.

    Without events a ratio is NaN, which is above nothing. The short window comes last: our own
    evaluation begins there, and ends there as long as all is well.
    """
    labels = alert_labels(slo, tier)
    limit = _factor(slo, tier) * Fraction(slo.objective.error_budget_ratio)
    long_bad = names.selector(names.BAD_EVENTS, slo=slo.name, window=labels[names.LONG])
    expr = (
        f"{_ratio(slo, labels[names.LONG])} > {decimal_text(limit, digits=12)}\n"
        f"and ignoring (window)\n{long_bad} >= {least_bad(slo.sli, min_bad_events)}\n"
        "and ignoring (window)\n"
        f"{_ratio(slo, labels[names.SHORT])} > {decimal_text(limit, digits=12)}"
    )
    return AlertingRule(names.ERROR_BUDGET_BURN, expr, labels, _annotations(slo, tier, base_url))


def _ratio(slo: Slo, window: str) -> str:
    bad = names.selector(names.BAD_EVENTS, slo=slo.name, window=window)
    total = names.selector(names.TOTAL_EVENTS, slo=slo.name, window=window)
    return f"{bad} / ignoring (window) {total}"


def _annotations(slo: Slo, tier: Tier, base_url: str) -> dict[str, str]:
    labels = alert_labels(slo, tier)
    budget = f"{decimal_text(Fraction(tier.budget_ratio) * 100)} %"
    return {
        "summary": f"{slo.display_name or slo.name}: error budget burns over "
        f"{labels[names.FACTOR]}x too fast",
        "description": f"{{{{ $value | humanizePercentage }}}} of the events of {slo.service} in "
        f"the last {labels[names.LONG]} were bad, and in the last {labels[names.SHORT]} too many "
        f"as well. At this rate {budget} of the {slo.window.duration} budget goes within "
        f"{labels[names.LONG]}.",
        "runbook_url": runbook_url(slo, base_url=base_url),
        "dashboard_url": f"{base_url}/slos/{slo.name}",
    }


def _team(slo: Slo) -> str:
    return slo.labels.get("team", slo.service)


def _factor(slo: Slo, tier: Tier) -> Fraction:
    return factor(tier.budget_ratio, slo.window.seconds, tier.long_s)
