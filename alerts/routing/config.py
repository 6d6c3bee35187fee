"""Contacts and teams to the configuration of Alertmanager: routes, inhibitions, intervals.

Values in, values out. Alerts come grouped by what somebody can act on: one service, one objective,
one region. https://prometheus.io/docs/alerting/latest/configuration/
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from alerts import names
from alerts.routing.contacts import SEVERITIES, Contacts, Hours, Severity, Way, Ways
from alerts.routing.receivers import receiver, smtp_globals

GROUP_BY: Final = ("alertname", "service", "slo", "region")
INCIDENTS: Final = "meshscope"
TICKET_HOURS: Final = "ticket-hours"
_DEFAULT: Final = "default"
_TIMING: Final[Mapping[Severity, Mapping[str, str]]] = {
    "page": {"group_wait": "10s", "repeat_interval": "1h"},
    "ticket": {"group_wait": "1m", "repeat_interval": "12h"},
}

_CAUSES: Final = (
    "MeshRetryAmplification",
    "MeshCircuitBreakerTripped",
    "MeshUpstreamUnreachable",
    "MeshTlsFailures",
    "MeshProxyRestarts",
    names.SERVICE_NO_DATA,
)
_UNDER: Final[tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]] = (
    (names.ERROR_BUDGET_BURN, _CAUSES, (names.SERVICE, "region")),
    (names.SERVICE_SILENT_OUTAGE, (*_CAUSES, "MeshExporterSilent"), (names.SERVICE, "region")),
    (
        "MeshTelemetryAbsent",
        (names.SERVICE_NO_DATA, names.SLO_NOT_COUNTED, "MeshExporterSilent"),
        ("region",),
    ),
    (
        "MeshControlPlaneDown",
        ("MeshConfigDrift", "MeshConfigPushSlow", "MeshConfigRejected"),
        ("region",),
    ),
)
"""A page, the alerts that it makes redundant, and the labels that both must have alike."""


def alertmanager_config(contacts: Contacts, teams: Sequence[str]) -> dict[str, Any]:
    """Return the configuration; ``teams`` have alerts, whether contacts name them or not."""
    every = sorted({*teams, *contacts.teams})
    receivers = dict(_receivers(contacts))
    document: dict[str, Any] = {}
    if contacts.smtp is not None:
        document["global"] = smtp_globals(contacts.smtp)
    document["route"] = _route(contacts, [team for team in every if team in contacts.teams])
    document["inhibit_rules"] = _inhibitions()
    if contacts.ticket_hours is not None:
        document["time_intervals"] = [_interval(contacts.ticket_hours)]
    document["receivers"] = [receiver(name, ways) for name, ways in receivers.items()]
    return document


def unnamed_teams(contacts: Contacts, teams: Sequence[str]) -> list[str]:
    """Return the teams that have alerts and no contacts of their own."""
    return sorted(set(teams) - set(contacts.teams))


def _route(contacts: Contacts, teams: Sequence[str]) -> dict[str, Any]:
    routes: list[dict[str, Any]] = []
    if contacts.incidents is not None:
        # Incidents hear of everything at once, and of nothing twice an hour.
        routes.append({"receiver": INCIDENTS, "group_by": [names.SERVICE], "continue": True,
                       "group_wait": "5s", "group_interval": "30s",
                       "repeat_interval": "1h"})  # fmt: skip
    routes += [_team_route(contacts, team) for team in teams]
    routes += _severities(contacts, _DEFAULT, contacts.default)
    return {
        "receiver": f"{_DEFAULT}-ticket",
        "group_by": list(GROUP_BY),
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "12h",
        "routes": routes,
    }


def _team_route(contacts: Contacts, name: str) -> dict[str, Any]:
    """Return a team's route: its regions first, then wherever else. What it lacks, default has."""
    team = contacts.teams[name]
    regions = [
        {
            "matchers": [_matcher("region", region)],
            "routes": _severities(contacts, f"{name}/{region}", ways, (name, team.ways)),
        }
        for region, ways in team.regions.items()
    ]
    own = _severities(contacts, name, team.ways)
    return {"matchers": [_matcher(names.TEAM, name)], "routes": [*regions, *own]}


def _severities(
    contacts: Contacts,
    name: str,
    ways: Ways,
    *fallback: tuple[str, Ways],
) -> list[dict[str, Any]]:
    """Return a route for each severity: to the first of own and fallbacks that has ways."""
    found = []
    for severity in SEVERITIES:
        named = (own for own, told in ((name, ways), *fallback) if severity in told.by_severity)
        owner = next(named, _DEFAULT)
        route: dict[str, Any] = {
            "matchers": [_matcher(names.SEVERITY, severity)],
            "receiver": f"{owner}-{severity}",
            **_TIMING[severity],
        }
        if severity == "ticket" and contacts.ticket_hours is not None:
            route["active_time_intervals"] = [TICKET_HOURS]
        found.append(route)
    return found


def _receivers(contacts: Contacts) -> Iterator[tuple[str, tuple[Way, ...]]]:
    if contacts.incidents is not None:
        yield INCIDENTS, (contacts.incidents,)
    for severity in SEVERITIES:
        yield f"{_DEFAULT}-{severity}", contacts.default.by_severity.get(severity, ())
    for name, team in sorted(contacts.teams.items()):
        for owner, ways in ((name, team.ways), *((f"{name}/{region}", one)
                            for region, one in team.regions.items())):  # fmt: skip
            for severity, told in ways.by_severity.items():
                yield f"{owner}-{severity}", told


def _inhibitions() -> list[dict[str, Any]]:
    """Return what mutes what: a page its tickets, a symptom its causes.

    Labels that neither side has are alike too; so both sides name an objective, or their alerts.
    """
    page, ticket = (_matcher(names.SEVERITY, severity) for severity in SEVERITIES)
    tickets = {
        "source_matchers": [page, 'slo!=""'],
        "target_matchers": [ticket, 'slo!=""'],
        "equal": [names.SLO, names.SERVICE, "region"],
    }
    certificate = _matcher("alertname", "MeshCertificateExpiring")
    certificates = {
        "source_matchers": [page, certificate],
        "target_matchers": [ticket, certificate],
        "equal": ["job", "instance", "region"],
    }
    causes = [
        {
            "source_matchers": [page, _matcher("alertname", symptom)],
            "target_matchers": [ticket, f'alertname=~"{"|".join(muted)}"'],
            "equal": list(equal),
        }
        for symptom, muted, equal in _UNDER
    ]
    return [tickets, certificates, *causes]


def _interval(hours: Hours) -> dict[str, Any]:
    times = [{"start_time": hours.start, "end_time": hours.end}]
    spans = [{"weekdays": [hours.days], "times": times, "location": hours.time_zone}]
    return {"name": TICKET_HOURS, "time_intervals": spans}


def _matcher(label: str, value: str) -> str:
    return f"{label}={names.quote(value)}"
