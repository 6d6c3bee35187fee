"""Alerts on the members of grouped objectives, whoever they are: one for each that burns.

Members come and go; an alert names their whole, and the series of the server say which there are.
Otherwise it is that of the whole (``burnrate``). Their counts are recorded with all others.
"""

from dataclasses import replace

from alerts import names
from alerts.rules import AlertingRule
from slo.groups import AT
from slo.model import Slo


def for_members(slo: Slo, alert: AlertingRule) -> AlertingRule:
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
