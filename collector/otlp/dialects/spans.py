"""The two ends of a call in spans -> a canonical edge, with virtual nodes for who is not traced.

Where the other end has no span, its name is told by attributes, in this order: a SPIFFE id, the
Envoy cluster, peer.service, the database, the message broker, the server's host name. Without any
of them it is 'unknown', and the caller of a root span is 'external'. Never names a node by an
address. Old and new names of attributes are both read (``PATHS``).
Spec: https://opentelemetry.io/docs/specs/semconv/http/http-spans/ and .../database, .../messaging
"""

import re
from dataclasses import dataclass
from typing import Final

from collector import semconv
from collector.edges import Edge, Mtls, Reporter
from collector.otlp.dialects import names
from collector.otlp.slis import spiffe_service

PATHS: Final = {
    "component": ("component",),
    "direction": (semconv.SPAN_DIRECTION,),
    "resend": ("http.request.resend_count", "retry.count"),
    "http_route": ("http.route", "url.template"),
    "cluster": ("upstream_cluster.name", "upstream_cluster"),
    "peer_service": ("peer.service", "service.peer.name"),
    "database": ("db.system.name", "db.system"),
    "broker": ("messaging.system",),
    "topic": ("messaging.destination.name", "messaging.destination"),
    "host": ("server.address", "net.peer.name"),
    "grpc_status": ("rpc.grpc.status_code", "grpc.status_code"),
    "spiffe_source": (semconv.SPAN_SOURCE,),
    "spiffe_destination": (semconv.SPAN_DESTINATION,),
}
"""What is read of a span's attributes -> their names, the one of today first."""

_ADDRESS: Final = re.compile(r"^\[?[0-9a-fA-F:.]*[:.][0-9a-fA-F:.]*\]?$")


@dataclass(frozen=True, slots=True)
class Call:
    """One kind of call, as its spans tell it: the service of either end, '' where it has no span.

    ``is_root`` tells that the callee's span has no parent at all. ``http_status`` is None when no
    span has one.
    """

    reporter: Reporter
    source: str
    destination: str
    version: str
    is_root: bool
    route: str
    flags: str
    http_status: int | None
    is_error: bool
    http_route: str
    cluster: str
    peer_service: str
    database: str
    broker: str
    topic: str
    host: str
    grpc_status: str
    spiffe_source: str
    spiffe_destination: str


def call_edge(call: Call) -> Edge | None:
    """Return the edge of a call, or None for a hop within a service."""
    target = (call.destination, call.version) if call.destination else _destination(call)
    if target is None:
        return None
    return Edge(
        reporter=call.reporter,
        source=call.source or _source(call),
        destination=target[0],
        version=target[1] or call.version,
        route=call.route or call.http_route,
        code=_code(call),
        flags=call.flags or "-",
        mtls=_mtls(call),
        signal="spans",
    )


def _source(call: Call) -> str:
    if names.known({"id": call.spiffe_source}, "id"):
        return spiffe_service(call.spiffe_source)
    if call.broker:
        return _joined(call.broker, call.topic)
    return semconv.EXTERNAL if call.is_root else semconv.UNKNOWN


def _destination(call: Call) -> tuple[str, str] | None:
    if names.known({"id": call.spiffe_destination}, "id"):
        version = (names.cluster_target(call.cluster) or ("", ""))[1]
        return spiffe_service(call.spiffe_destination), version
    if call.cluster:
        return names.cluster_target(call.cluster)
    if call.peer_service:
        return call.peer_service, ""
    host = "" if _ADDRESS.match(call.host) else names.first_name(call.host)
    if call.database:
        return _joined(call.database, host), ""
    if call.broker:
        return _joined(call.broker, call.topic), ""
    return host or semconv.UNKNOWN, ""


def _joined(kind: str, name: str) -> str:
    return f"{kind}:{name}" if name else kind


def _code(call: Call) -> int:
    """Return the HTTP status; without one 200, or for a failure 500, or 0 if nothing answered."""
    if call.http_status is not None:
        return names.final_code(call.http_status, call.grpc_status)
    if call.grpc_status:
        return names.final_code(200, call.grpc_status)
    if not call.is_error:
        return 200
    is_named = call.reporter == "destination" or call.database or call.broker
    return 500 if is_named else 0


def _mtls(call: Call) -> Mtls:
    """Return 'mtls' where a proxy names its peer; otherwise spans do not tell."""
    peer = call.spiffe_destination if call.reporter == "source" else call.spiffe_source
    return "mtls" if names.known({"id": peer}, "id") else "none"
