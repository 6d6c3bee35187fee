"""All alerts on the mesh as groups of rules, each with the interval that it needs."""

from collections.abc import Iterable
from dataclasses import dataclass

from alerts.mesh.alert import MeshAlert
from alerts.mesh.controlplane import control_plane_alerts
from alerts.mesh.proxies import proxy_alerts
from alerts.mesh.services import service_alerts
from alerts.mesh.telemetry import EXPORTERS_INTERVAL, exporter_silent, telemetry_alerts
from alerts.mesh.traffic import traffic_alerts
from alerts.rules import RuleGroup
from slo.model import Service


@dataclass(frozen=True, slots=True)
class MeshGroup:
    """Alerts that are evaluated together."""

    name: str
    interval: str
    alerts: tuple[MeshAlert, ...]

    def rules(self, base_url: str) -> RuleGroup:
        """Return the group of a rule file."""
        return RuleGroup(
            self.name, self.interval, tuple(alert.rule(base_url) for alert in self.alerts)
        )


def mesh_groups() -> tuple[MeshGroup, ...]:
    """Return the groups that every mesh has."""
    return (
        MeshGroup("mesh-exporters", EXPORTERS_INTERVAL, (exporter_silent(),)),
        MeshGroup("mesh-telemetry", "30s", telemetry_alerts()),
        MeshGroup("mesh-traffic", "30s", traffic_alerts()),
        MeshGroup("mesh-proxies", "30s", proxy_alerts()),
        MeshGroup("mesh-control-plane", "30s", control_plane_alerts()),
    )


def services_group(services: Iterable[Service]) -> MeshGroup:
    """Return the group on services that say nothing."""
    return MeshGroup("services", "30s", service_alerts(services))
