"""Alerts on services that say nothing: nobody calls them, or everybody who does fails.

Sources of the choices: the service mesh guide's M1 (no data) and F8 (reachable from nowhere).
"""

from collections.abc import Iterable
from typing import Final

from alerts import names
from alerts.mesh.alert import MeshAlert, Proof
from slo.model import Catalog, Service

MIN_FAILURES: Final = 10
"""Fewer failures than this within 5 minutes are no outage."""


def guarded(catalog: Catalog) -> tuple[Service, ...]:
    """Return the services that are declared, then those that only objectives name."""
    declared = {service.name: service for service in catalog.services}
    for slo in catalog.slos:
        declared.setdefault(slo.service, Service(slo.service, labels=slo.labels))
    return tuple(declared.values())


def service_alerts(services: Iterable[Service]) -> tuple[MeshAlert, ...]:
    """Return both alerts of each service."""
    return tuple(
        alert for service in services for alert in (_silent_outage(service), _no_data(service))
    )


def _silent_outage(service: Service) -> MeshAlert:
    failures = names.selector(names.REQUESTS, destination=service.name)
    failed = failures.removesuffix("}") + f',code=~"{names.ERROR_CODES}"}}'
    answered = failures.removesuffix("}") + f',code!~"{names.ERROR_CODES}"}}'
    arrived = names.selector(names.ARRIVALS, destination=service.name)
    return MeshAlert(
        names.SERVICE_SILENT_OUTAGE,
        "page",
        f"sum(increase({failed}[5m]))\n"
        f"unless on ()\n(sum(increase({answered}[5m])) > 0)\n"
        f"unless on ()\n(sum(increase({arrived}[5m])) > 0)\n"
        f"and on ()\nsum(increase({failed}[5m])) >= {MIN_FAILURES}",
        f"Nothing arrives at {service.name}, and its callers fail",
        "{{ $value | humanize }} requests to "
        f"{service.name} failed within 5 minutes, none was answered, and nothing of them arrived. "
        "The service itself says nothing: only its callers know.",
        f"/topology?selected={service.name}",
        Proof(
            {
                _requests(service.name, "200"): "0+30x20 600x60",
                _requests(service.name, "0"): "0x21 10+10x19 200x40",
                names.selector(
                    names.ARRIVALS, source="caller", destination=service.name, result="ok"
                ): "0+30x20 600x60",
            },
            fires="20m",
            ends="30m",
            value=100,
            labels={},
        ),
        for_="1m",
        team=team_of(service),
        labels={names.SERVICE: service.name},
    )


def _no_data(service: Service) -> MeshAlert:
    requests = names.selector(names.REQUESTS, destination=service.name)
    return MeshAlert(
        names.SERVICE_NO_DATA,
        "ticket",
        f"sum(increase({requests}[10m])) == 0\nor\nabsent({requests})",
        f"No requests reach {service.name}",
        f"Nobody called {service.name} in 10 minutes, as far as proxies tell. "
        "No data is neither up nor down: look at its callers and at its proxy.",
        f"/topology?selected={service.name}",
        Proof(
            {_requests(service.name, "200"): "500x60 500+10x60"},
            fires="20m",
            ends="35m",
            value=0,
            labels={},
        ),
        for_="5m",
        team=team_of(service),
        labels={names.SERVICE: service.name},
    )


def team_of(service: Service) -> str:
    """Return who owns a service: its label ``team``, or the service itself."""
    return service.labels.get("team", service.name)


def _requests(service: str, code: str) -> str:
    return names.selector(names.REQUESTS, source="caller", destination=service, code=code)
