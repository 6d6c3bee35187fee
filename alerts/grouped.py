"""Rules for the members of grouped objectives, whoever they are: one alert for each that burns.

Members come and go; a rule names their whole, and the series of the server say which there are.
Otherwise the rules are those of the whole (``recording``, ``burnrate``).
"""

from collections.abc import Sequence
from dataclasses import replace

from alerts import names
from alerts.burnrate import burn_alerts
from alerts.rules import AlertingRule, RecordingRule, Rule
from slo.burnrate import Tier
from slo.durations import format_duration
from slo.groups import AT
from slo.model import Slo


def member_rules(
    slo: Slo, tiers: Sequence[Tier], *, base_url: str, min_bad_events: int
) -> tuple[Rule, ...]:
    """Return the counts of each member in every alert window, and the alerts on them."""
    alerts = burn_alerts(slo, tiers, base_url=base_url, min_bad_events=min_bad_events)
    return (*_records(slo, tiers), *(_for_members(slo, alert) for alert in alerts))


def _records(slo: Slo, tiers: Sequence[Tier]) -> list[RecordingRule]:
    lengths = sorted({length for tier in tiers for length in (tier.long_s, tier.short_s)})
    return [
        RecordingRule(
            record,
            f"sum by (slo, service) (increase({names.EVENTS}{{{_members(slo)}{only}}}[{window}]))",
            {names.WINDOW: window},
        )
        for window in map(format_duration, lengths)
        for record, only in ((names.BAD_EVENTS, ',result="bad"'), (names.TOTAL_EVENTS, ""))
    ]


def _for_members(slo: Slo, alert: AlertingRule) -> AlertingRule:
    """Let an alert look at every member, and say which: the label is that of the series."""
    labels = {name: value for name, value in alert.labels.items() if name != names.SLO}
    own = f"{names.SLO}={names.quote(slo.name)}"
    whole = slo.display_name or slo.name
    summary = alert.annotations["summary"].replace(whole, "{{ $labels.slo }}")
    dashboard = f"{alert.annotations['dashboard_url']}{AT}".removesuffix(f"{slo.name}{AT}")
    return replace(
        alert,
        expr=alert.expr.replace(own, _members(slo)),
        labels=labels,
        annotations={
            **alert.annotations,
            "summary": summary,
            "dashboard_url": f"{dashboard}{{{{ $labels.slo }}}}",
        },
    )


def _members(slo: Slo) -> str:
    escaped = slo.name.replace(".", "[.]")
    return f"{names.SLO}=~{names.quote(escaped + AT + '.*')}"
