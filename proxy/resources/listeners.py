"""The two sides of a sidecar: inbound (others call us) and outbound (we call others).

Both listen on the workload's own loopback address, so that no packet filter is needed: an
application names its outbound listener as its proxy and the service it wants as the host.
"""

from collector import semconv
from proxy.mesh import INBOUND_PORT, OUTBOUND_PORT, Fault, Mesh, Service, Workload
from proxy.resources import Json, telemetry
from proxy.resources.clusters import seconds
from proxy.resources.routes import INBOUND_ROUTES, OUTBOUND_ROUTES
from proxy.resources.secrets import downstream_tls

TYPE = telemetry.TYPE


def inbound_listener(mesh: Mesh, service: Service, workload: Workload) -> Json:
    """Return the listener that admits callers: by identity, or anyone at an ingress."""
    filters = [] if service.ingress else [_rbac(mesh, service)]
    if service.fault is not None and service.fault.hits(workload.version):
        filters.append(_fault(service.fault))
    chain: Json = {
        "filters": [
            _connection_manager(mesh, service, workload, semconv.INBOUND, INBOUND_ROUTES, filters)
        ]
    }
    if not service.ingress:
        chain["transport_socket"] = downstream_tls()
    return _listener("inbound", workload.address, INBOUND_PORT, chain)


def outbound_listener(mesh: Mesh, service: Service, workload: Workload) -> Json:
    """Return the listener that the application's own calls go through."""
    chain = {
        "filters": [
            _connection_manager(mesh, service, workload, semconv.OUTBOUND, OUTBOUND_ROUTES, [])
        ]
    }
    return _listener("outbound", workload.address, OUTBOUND_PORT, chain)


def _listener(direction: str, address: str, port: int, chain: Json) -> Json:
    return {
        "name": direction,
        "traffic_direction": direction.upper(),
        "address": {"socket_address": {"address": address, "port_value": port}},
        "filter_chains": [chain],
    }


def _connection_manager(
    mesh: Mesh,
    service: Service,
    workload: Workload,
    direction: str,
    route_table: str,
    filters: list[Json],
) -> Json:
    attributes = telemetry.resource_attributes(mesh, service, workload)
    router = {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": TYPE + "extensions.filters.http.router.v3.Router"},
    }
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": TYPE
            + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": direction,
            "codec_type": "AUTO",
            "server_header_transformation": "PASS_THROUGH",
            "generate_request_id": True,
            "rds": {
                "route_config_name": route_table,
                "config_source": {"ads": {}, "resource_api_version": "V3"},
            },
            "http_filters": [*filters, router],
            "tracing": telemetry.tracing(direction, mesh, attributes),
            "access_log": [
                telemetry.sli_logger(direction),
                telemetry.failure_logger(direction, attributes),
            ],
        },
    }


def _rbac(mesh: Mesh, service: Service) -> Json:
    """Return the filter that lets the named callers in and denies everyone else."""
    policies = {
        "callers": {
            "permissions": [{"any": True}],
            "principals": [
                {"authenticated": {"principal_name": {"exact": mesh.spiffe_id(caller)}}}
                for caller in service.callers
            ],
        }
    }
    return {
        "name": "envoy.filters.http.rbac",
        "typed_config": {
            "@type": TYPE + "extensions.filters.http.rbac.v3.RBAC",
            "rules": {"action": "ALLOW", "policies": policies if service.callers else {}},
        },
    }


def _fault(fault: Fault) -> Json:
    config: Json = {"@type": TYPE + "extensions.filters.http.fault.v3.HTTPFault"}
    if fault.delay is not None:
        config["delay"] = {
            "fixed_delay": seconds(fault.delay.seconds),
            "percentage": _share(fault.delay.percent),
        }
    if fault.abort is not None:
        config["abort"] = {
            "http_status": fault.abort.status,
            "percentage": _share(fault.abort.percent),
        }
    return {"name": "envoy.filters.http.fault", "typed_config": config}


def _share(percent: float) -> Json:
    return {"numerator": round(percent * 10_000), "denominator": "MILLION"}
