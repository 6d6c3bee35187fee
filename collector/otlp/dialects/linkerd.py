"""Metrics of Linkerd's proxy -> canonical edges.

``response_total`` counts answers at each end; at the source that is every attempt, so that with
retries its success is the actual one. Where routes are declared, ``route_response_total`` counts
requests, after retries, and ``route_actual_response_total`` the attempts behind them: a signal of
its own, which takes the place of the first pair by pair. ``request_total`` counts the same requests
again, without outcome.
Spec: https://linkerd.io/2/reference/proxy-metrics/
"""

from collections.abc import Mapping
from typing import Any, Final

from collector import semconv
from collector.edges import Edge, Mtls, Signal
from collector.otlp.batch import Resource
from collector.otlp.dialects import names
from collector.otlp.slis import Sli, SliKind

_KINDS: Final[Mapping[str, SliKind]] = {"response": "calls", "response_latency": "duration"}
_ROUTE_KINDS: Final[Mapping[str, SliKind]] = {
    "route_response": "requests",
    "route_actual_response": "attempts",
    "route_response_latency": "duration",
}
_ROUTE_LABELS: Final = frozenset({"dst", "rt_route"})
_WORKLOADS: Final = ("deployment", "statefulset", "daemonset", "replicationcontroller", "k8s_job")


def linkerd_sli(name: str, unit: str, tags: Mapping[str, Any], resource: Resource) -> Sli | None:
    """Return the SLI of a Linkerd series, None when it is none or cannot be placed."""
    bare, told = names.stem(name)
    kind = _KINDS.get(bare)
    if kind is None or (kind == "calls" and not name.endswith("_total")):
        return None
    labels = names.plain(tags)
    code = _code(labels)
    scale_us = names.scale_us(unit, told) if kind == "duration" else 1.0
    if code is None or scale_us is None or not {"tls", "classification"} & labels.keys():
        return None
    match labels.get("direction"):
        case "outbound":
            return Sli(kind, _outbound(labels, code, resource, "linkerd"), scale_us)
        case "inbound":
            return Sli(kind, _inbound(labels, code, resource), scale_us)
        case _:
            return None


def linkerd_route_sli(
    name: str, unit: str, tags: Mapping[str, Any], resource: Resource
) -> Sli | None:
    """Return the SLI of a declared route, at the source; the callee's counts are as good without.

    What bears no status is put to 200, or 0 when it failed.
    """
    bare, told = names.stem(name)
    kind = _ROUTE_KINDS.get(bare)
    if kind is None or (kind != "duration" and not name.endswith("_total")):
        return None
    labels = names.plain(tags)
    code = _code({"status_code": "200"} | labels)
    scale_us = names.scale_us(unit, told) if kind == "duration" else 1.0
    is_placed = labels.get("direction") == "outbound" and _ROUTE_LABELS & labels.keys()
    if code is None or scale_us is None or not is_placed:
        return None
    return Sli(kind, _outbound(labels, code, resource, "linkerd_route"), scale_us)


def _outbound(labels: names.Labels, code: int, resource: Resource, signal: Signal) -> Edge:
    dst = names.known(labels, *(f"dst_{kind}" for kind in _WORKLOADS), "dst_service")
    asked = names.known(labels, "authority", "dst")
    return Edge(
        reporter="source",
        source=_own_name(labels, resource),
        destination=dst or names.first_name(asked) or semconv.UNKNOWN,
        version=names.known(labels, "dst_version"),
        route=names.known(labels, "rt_route"),
        code=code,
        flags="-",
        mtls=_mtls(labels) if "tls" in labels else "none",
        signal=signal,
    )


def _inbound(labels: names.Labels, code: int, resource: Resource) -> Edge:
    """Place a call on the callee's side; a client id names the service account of the caller."""
    client = names.known(labels, "client_id").split(".", maxsplit=1)[0]
    return Edge(
        reporter="destination",
        source=client or semconv.EXTERNAL,
        destination=_own_name(labels, resource),
        version=resource.version,
        route=names.known(labels, "rt_route"),
        code=code,
        flags="-",
        mtls=_mtls(labels),
        signal="linkerd",
    )


def _own_name(labels: names.Labels, resource: Resource) -> str:
    return names.known(labels, *_WORKLOADS) or resource.service


def _mtls(labels: names.Labels) -> Mtls:
    return "mtls" if labels.get("tls") == "true" else "plaintext"


def _code(labels: names.Labels) -> int | None:
    """Return the HTTP status; a failure with a good status and no gRPC status is no answer (0)."""
    code = names.http_code(labels.get("status_code", ""))
    if code is None:
        return None
    final = names.final_code(code, labels.get("grpc_status", ""))
    failed = labels.get("classification") == "failure"
    return 0 if failed and 0 < final < 400 else final
