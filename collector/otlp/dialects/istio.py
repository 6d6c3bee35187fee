"""Istio's standard metrics -> canonical edges.

``istio_requests_total`` counts a request once at each end, after retries at the source; Istio tells
no retries, so a request is one attempt. Never reads what a waypoint reports: both ends do already.
Spec: https://istio.io/latest/docs/reference/config/metrics/
"""

from collections.abc import Mapping
from typing import Any, Final

from collector import semconv
from collector.edges import Edge, Mtls, Reporter
from collector.otlp.batch import Resource
from collector.otlp.dialects import names
from collector.otlp.slis import Sli, SliKind

_KINDS: Final[Mapping[str, SliKind]] = {
    "istio_requests": "calls",
    "istio_request_duration": "duration",
}
_REPORTERS: Final[Mapping[str, Reporter]] = {"source": "source", "destination": "destination"}
_MTLS: Final[Mapping[str, Mtls]] = {"mutual_tls": "mtls", "none": "plaintext"}


def istio_sli(name: str, unit: str, tags: Mapping[str, Any], resource: Resource) -> Sli | None:
    """Return the SLI of an Istio series, None when it is none or cannot be placed."""
    bare, told = names.stem(name)
    kind = _KINDS.get(bare)
    if kind is None:
        return None
    labels = names.plain(tags)
    reporter = _REPORTERS.get(labels.get("reporter", ""))
    code = names.http_code(labels.get("response_code", ""))
    scale_us = names.scale_us(unit, told or "ms") if kind == "duration" else 1.0
    if reporter is None or code is None or scale_us is None:
        return None
    edge = Edge(
        reporter=reporter,
        source=_source(labels, reporter, resource),
        destination=_destination(labels, reporter, resource),
        version=names.known(labels, "destination_version", "destination_canonical_revision"),
        route=names.known(labels, "request_operation"),
        code=names.final_code(code, labels.get("grpc_response_status", "")),
        flags=names.known(labels, "response_flags") or "-",
        mtls=_mtls(labels),
        signal="istio",
    )
    return Sli(kind, edge, scale_us)


def _source(labels: names.Labels, reporter: Reporter, resource: Resource) -> str:
    """Return the caller; one that the callee cannot name has no sidecar and is an outsider."""
    named = names.known(labels, "source_canonical_service", "source_workload")
    return named or (resource.service if reporter == "source" else semconv.EXTERNAL)


def _destination(labels: names.Labels, reporter: Reporter, resource: Resource) -> str:
    """Return the callee: its workload, else the service that was asked for and not reached."""
    reached = names.known(labels, "destination_canonical_service", "destination_workload")
    if reached:
        return reached
    if reporter == "destination":
        return resource.service
    asked = names.known(labels, "destination_service_name", "destination_service")
    return (names.cluster_target(asked) or (asked, ""))[0]


def _mtls(labels: names.Labels) -> Mtls:
    """Return how the call travelled; the source knows it only by the callee's principal."""
    policy = labels.get("connection_security_policy", "")
    if policy not in _MTLS and names.known(labels, "destination_principal"):
        return "mtls"
    return _MTLS.get(policy, "none")
