"""The Prometheus names that a dashboard may query, with their labels.

Exposed by the server at /metrics/mesh, or recorded by the generated rules. Never holds a query.
Names follow https://prometheus.io/docs/practices/naming/: counters end in ``_total``, units are
base units. All rows are canonical: each request is counted once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from alerts.names import BUDGET_REMAINING


@dataclass(frozen=True, slots=True)
class Metric:
    """One exposed name, with the labels that its series carry."""

    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]


REQUESTS: Final = "mesh_requests_total"
RETRIES: Final = "mesh_retries_total"
ATTEMPTS: Final = "mesh_attempts_total"
ARRIVALS: Final = "mesh_arrivals_total"
DURATION: Final = "mesh_request_duration_seconds"
DURATION_BUCKET: Final = "mesh_request_duration_seconds_bucket"
TLS_REQUESTS: Final = "mesh_tls_requests_total"
LAST_SEEN: Final = "mesh_exporter_last_seen_timestamp_seconds"
SILENT: Final = "mesh_exporter_silent"
SLO_OBJECTIVE: Final = "meshscope_slo_objective_ratio"
SLO_EVENTS: Final = "meshscope_slo_events_total"

METRICS: Final[Mapping[str, Metric]] = {
    REQUESTS: Metric("counter", ("source", "destination", "version", "route", "code", "flags")),
    RETRIES: Metric("counter", ("source", "destination")),
    ATTEMPTS: Metric("counter", ("source", "destination")),
    ARRIVALS: Metric("counter", ("source", "destination", "result")),
    DURATION: Metric("histogram", ("source", "destination", "version", "route", "result")),
    TLS_REQUESTS: Metric("counter", ("source", "destination", "mtls")),
    LAST_SEEN: Metric("gauge", ("service", "instance")),
    SILENT: Metric("gauge", ("service", "instance")),
    SLO_OBJECTIVE: Metric("gauge", ("slo", "service")),
    SLO_EVENTS: Metric("counter", ("slo", "service", "result")),
}

RECORDED: Final[Mapping[str, tuple[str, ...]]] = {BUDGET_REMAINING: ("slo", "service", "window")}
"""Names that exist where Prometheus loads the rules of the objectives."""


def series_names() -> Mapping[str, tuple[str, ...]]:
    """Return every name that a selector may use, with its labels; histograms become two names."""
    names: dict[str, tuple[str, ...]] = dict(RECORDED)
    for name, metric in METRICS.items():
        if metric.kind == "histogram":
            names[f"{name}_bucket"] = (*metric.labels, "le")
            names[f"{name}_count"] = metric.labels
        else:
            names[name] = metric.labels
    return names
