"""Where a sidecar can send requests: its own application, and every version of its callees.

A cluster of the mesh is named ``service|version``; the collector reads the destination from it.
"""

from proxy.mesh import INBOUND_PORT, CircuitBreaker, Mesh, Service, Workload
from proxy.resources import Json
from proxy.resources.secrets import upstream_tls

APP = "app"
_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def cluster_name(service: str, version: str) -> str:
    """Return the name of the cluster for one version of a service."""
    return f"{service}|{version}"


def app_cluster(workload: Workload) -> Json:
    """Return the cluster of the application behind this sidecar: plain HTTP/1.1 on loopback."""
    return {
        "name": APP,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": APP,
            "endpoints": [{"lb_endpoints": [_endpoint(workload.address, workload.app_port)]}],
        },
        "circuit_breakers": _thresholds(CircuitBreaker()),
    }


def mesh_cluster(mesh: Mesh, service: Service, version: str) -> Json:
    """Return the cluster of one version of a callee: EDS, HTTP/2, mTLS to its exact identity."""
    return {
        "name": cluster_name(service.name, version),
        "type": "EDS",
        "eds_cluster_config": {"eds_config": {"ads": {}, "resource_api_version": "V3"}},
        "connect_timeout": "1s",
        "metadata": {"filter_metadata": {"mesh": {"service": service.name, "version": version}}},
        "transport_socket": upstream_tls(mesh.spiffe_id(service.name)),
        "typed_extension_protocol_options": {
            _HTTP_OPTIONS: {
                "@type": f"type.googleapis.com/{_HTTP_OPTIONS}",
                "explicit_http_config": {"http2_protocol_options": {}},
                "common_http_protocol_options": {
                    "max_connection_duration": seconds(mesh.identity.max_connection_seconds)
                },
            }
        },
        "circuit_breakers": _thresholds(service.circuit_breaker),
    }


def load_assignment(service: Service, version: str) -> Json:
    """Return the EDS answer for one version: the inbound listeners of its workloads."""
    return {
        "cluster_name": cluster_name(service.name, version),
        "endpoints": [
            {
                "lb_endpoints": [
                    _endpoint(workload.address, INBOUND_PORT)
                    for workload in service.workloads
                    if workload.version == version
                ]
            }
        ],
    }


def seconds(value: float) -> str:
    """Return a protobuf duration in JSON: ``1.5`` -> ``1.500s``."""
    return f"{value:.3f}s"


def _endpoint(address: str, port: int) -> Json:
    return {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}}


def _thresholds(breaker: CircuitBreaker) -> Json:
    return {
        "thresholds": [
            {
                "max_connections": 1024,
                "max_pending_requests": breaker.max_pending_requests,
                "max_requests": breaker.max_requests,
                "track_remaining": False,
            }
        ]
    }
