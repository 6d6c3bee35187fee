"""What the dialects share: stems of metric names, labels, HTTP codes, names of Envoy clusters.

The same counter has many spellings: ``envoy_cluster_upstream_rq_total``, ``cluster.upstream_rq``
and ``envoy.cluster.upstream_rq`` are one. Prefix, dots, ``_total`` and the unit are left out before
anything is looked up. Never guesses a service from an address.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from collector import semconv

Labels = Mapping[str, str]

SCALES_US: Final[Mapping[str, float]] = {"us": 1.0, "ms": 1e3, "s": 1e6}
_UNIT_SUFFIXES: Final = {
    "_milliseconds": "ms",
    "_microseconds": "us",
    "_seconds": "s",
    "_ms": "ms",
    "_us": "us",
}
_UNKNOWN: Final = frozenset(["", "-", "unknown"])
_HTTP_OF_GRPC: Final = (
    *(200, 499, 500, 400, 504, 404, 409, 403, 429),
    *(400, 409, 400, 501, 500, 503, 500, 401),
)
"""By gRPC status 0..16: https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto"""

_NOBODY: Final = frozenset(["BlackHoleCluster", "PassthroughCluster", "InboundPassthroughCluster"])
"""Istio's names for where a request goes that no service claims."""
_OWN: Final = frozenset(
    [
        *("app", "local_app", "local_agent", "local_service", "self_admin", "admin", "agent"),
        *("ads", "xds", "xds_cluster", "xds-grpc", "sds-grpc", "consul-dataplane"),
        *("otlp", "otlp_grpc", "otlp_http", "otel", "otel_collector", "otel-collector"),
        *("opentelemetry", "opentelemetry_collector", "opentelemetry-collector"),
        *("jaeger", "zipkin", "prometheus_backend", "prometheus_stats", "access_log_service"),
    ]
)
"""What a proxy calls for itself, or its own application: hops within a service, no edges."""
_ISTIO_CLUSTER: Final = re.compile(
    r"^(?P<way>outbound|inbound)(?:\||_\.)(?P<port>\d*)(?:\||_\.)(?P<subset>.*?)(?:\||_\.)(?P<host>.*)$"
)
_CONSUL_CLUSTER: Final = re.compile(
    r"^(?:(?P<subset>[^.]+)\.)?(?P<service>[^.]+)\.[^.]+\.[^.]+\.(?:internal|external)\..*\.consul$"
)


def stem(name: str) -> tuple[str, str]:
    """Return a metric's bare name and the unit its name tells, '' if it tells none."""
    text = name.replace(".", "_").removeprefix("envoy_").removesuffix("_total")
    for suffix, unit in _UNIT_SUFFIXES.items():
        if text.endswith(suffix):
            return text.removesuffix(suffix), unit
    return text, ""


def scale_us(unit: str, told: str) -> float | None:
    """Return microseconds in one unit: the stream's own, else its name's; None if neither is."""
    return SCALES_US.get(unit or told)


def plain(labels: Mapping[str, Any]) -> dict[str, str]:
    """Return labels as text, with underscores for dots."""
    return {key.replace(".", "_"): str(value) for key, value in labels.items()}


def known(labels: Labels, *names: str) -> str:
    """Return the first label that says something; '' when none does."""
    values = (labels.get(name, "") for name in names)
    return next((value for value in values if value not in _UNKNOWN), "")


def http_code(text: str) -> int | None:
    """Return an HTTP status, 0 for none ('0', '-' or ''); None when the text is no status."""
    if text in {"", "-"}:
        return 0
    return int(text) if text.isdecimal() and len(text) <= 3 else None


def final_code(code: int, grpc_status: str) -> int:
    """Return the HTTP status of an answer, translated from gRPC's when HTTP itself was fine."""
    if code != 200 or not grpc_status.isdecimal():
        return code
    status = int(grpc_status)
    return _HTTP_OF_GRPC[status] if status < len(_HTTP_OF_GRPC) else 500


def first_name(host: str) -> str:
    """Return the service of a host name inside a cluster; other names stay whole, without port."""
    name, _, port = host.rpartition(":")
    host = name if name and port.isdecimal() else host
    return host.split(".", maxsplit=1)[0] if ".svc" in host else host


def cluster_target(cluster: str) -> tuple[str, str] | None:
    """Return (service, version) behind an Envoy cluster, None for a hop within the service.

    Known are ``service|version``, Istio's ``outbound|port|subset|host`` and Consul's SNI names;
    another name is the service itself.
    """
    if cluster in _NOBODY or not cluster:
        return semconv.UNKNOWN, ""
    if cluster in _OWN:
        return None
    if match := _ISTIO_CLUSTER.match(cluster):
        host = first_name(match["host"]) or semconv.UNKNOWN
        return (host, match["subset"].strip("_")) if match["way"] == "outbound" else None
    if match := _CONSUL_CLUSTER.match(cluster):
        return match["service"], match["subset"] or ""
    service, _, version = cluster.partition("|")
    return first_name(service), "" if version == "-" else version
