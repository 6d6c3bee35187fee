"""Alerts on the mesh itself, which hold without any objective.

Sources of the choices: the service mesh guide's metrics M1 (no data), M4 (retries hide failures),
M6 (identity) and M8 (telemetry is the eye of everything else). Rates are sums of counts.
"""

from collections.abc import Iterable
from typing import Final

from alerts import names
from alerts.rules import AlertingRule, RuleGroup
from slo.model import Service

SILENT_S: Final = 30
"""Within this long after its last export a silent proxy is told of: it sends every 5 s and is
silent after 15 s (``collector.receiver.rhythm``), and scrape and evaluation take 5 s each."""
EXPORTERS_INTERVAL: Final = "5s"
RETRY_RATIO: Final = 0.2
RETRY_MIN: Final = 20
EDGE: Final = "{{ $labels.source }}%3E{{ $labels.destination }}"
"""How a page names the edge of an alert: ``source>destination``, escaped for a URL."""


def exporters_group(*, base_url: str) -> RuleGroup:
    """Return the alert on silent exporters, which is evaluated often: it guards all others."""
    return RuleGroup("mesh-exporters", EXPORTERS_INTERVAL, (_exporter_silent(base_url),))


def mesh_group(services: Iterable[Service], *, base_url: str) -> RuleGroup:
    """Return the alerts on encryption, retries and missing data."""
    rules = (
        _telemetry_absent(base_url),
        _plaintext(base_url),
        _retry_amplification(base_url),
        *(_service_without_data(service, base_url) for service in services),
    )
    return RuleGroup("mesh", "30s", rules)


def _telemetry_absent(base_url: str) -> AlertingRule:
    return AlertingRule(
        names.TELEMETRY_ABSENT,
        f"absent({names.REQUESTS})",
        {names.SEVERITY: "page", names.TEAM: "platform"},
        {
            "summary": "No mesh metrics at all",
            "description": "Prometheus sees no request counter of any service. Every other alert "
            "is blind until it does: is meshscope up, and is it scraped?",
            "runbook_url": f"{base_url}/runbooks/telemetry-absent",
            "dashboard_url": f"{base_url}/",
        },
        for_="2m",
    )


def _exporter_silent(base_url: str) -> AlertingRule:
    return AlertingRule(
        names.EXPORTER_SILENT,
        f"time() - {names.LAST_SEEN}\nand on (service, instance)\n{names.SILENT} == 1",
        {names.SEVERITY: "ticket", names.TEAM: "platform"},
        {
            "summary": "The proxy of {{ $labels.service }} is silent",
            "description": "Instance {{ $labels.instance }} was last heard "
            "{{ $value | humanizeDuration }} ago. What it saw since is not measured.",
            "runbook_url": f"{base_url}/runbooks/exporter-silent",
            "dashboard_url": f"{base_url}/services",
        },
    )


def _plaintext(base_url: str) -> AlertingRule:
    plain = f'{names.TLS_REQUESTS}{{mtls="plaintext",source!="external"}}'
    return AlertingRule(
        names.PLAINTEXT,
        f"sum by (source, destination) (increase({plain}[5m])) > 0",
        {names.SEVERITY: "ticket", names.TEAM: "platform"},
        {
            "summary": "{{ $labels.source }} calls {{ $labels.destination }} in plaintext",
            "description": "{{ $value | humanize }} requests inside the mesh in 5 minutes were "
            "neither encrypted nor authenticated.",
            "runbook_url": f"{base_url}/runbooks/plaintext-traffic",
            "dashboard_url": f"{base_url}/topology?selected={EDGE}",
        },
    )


def _retry_amplification(base_url: str) -> AlertingRule:
    def per_edge(metric: str) -> str:
        return f"sum by (source, destination) (increase({metric}[5m]))"

    retries = per_edge(names.RETRIES)
    return AlertingRule(
        names.RETRY_AMPLIFICATION,
        f"{retries} / ({per_edge(names.REQUESTS)} > 0) > {RETRY_RATIO}\nand\n"
        f"{retries} >= {RETRY_MIN}",
        {names.SEVERITY: "ticket", names.TEAM: "platform"},
        {
            "summary": "{{ $labels.source }} retries its calls to {{ $labels.destination }}",
            "description": '{{ printf "%.2f" $value }} retries per request in 5 minutes: they hide '
            "failures from callers and add load to a service that already has too much.",
            "runbook_url": f"{base_url}/runbooks/retry-amplification",
            "dashboard_url": f"{base_url}/topology?selected={EDGE}",
        },
        for_="2m",
    )


def _service_without_data(service: Service, base_url: str) -> AlertingRule:
    requests = names.selector(names.REQUESTS, destination=service.name)
    return AlertingRule(
        names.SERVICE_NO_DATA,
        f"sum(increase({requests}[10m])) == 0\nor\nabsent({requests})",
        {
            names.SERVICE: service.name,
            names.TEAM: service.labels.get("team", service.name),
            names.SEVERITY: "ticket",
        },
        {
            "summary": f"No requests reach {service.name}",
            "description": f"Nobody called {service.name} in 10 minutes, as far as proxies tell. "
            "No data is neither up nor down: look at its callers and at its proxy.",
            "runbook_url": f"{base_url}/runbooks/service-without-data",
            "dashboard_url": f"{base_url}/topology?selected={service.name}",
        },
        for_="5m",
    )
