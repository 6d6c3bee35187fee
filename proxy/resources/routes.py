"""Which request goes where: the route tables of the two sides of a sidecar.

Route names are the ``route`` of every SLI, on the caller's and on the callee's side alike. A
request that fits no named route of a known service is ``other``; a host outside the mesh is refused
under the name ``egress-deny``.
"""

from proxy.mesh import Mesh, Route, Service
from proxy.resources import Json
from proxy.resources.clusters import APP, cluster_name, seconds

INBOUND_ROUTES = "inbound"
OUTBOUND_ROUTES = "outbound"
OTHER = "other"
EGRESS_DENY = "egress-deny"


def inbound_routes(service: Service) -> Json:
    """Return the table of an inbound listener: everything goes to the application."""
    return {
        "name": INBOUND_ROUTES,
        "virtual_hosts": [
            {
                "name": service.name,
                "domains": ["*"],
                "routes": [
                    _route(route, {"cluster": APP, "timeout": seconds(service.timeout_seconds)})
                    for route in (*service.routes, None)
                ],
            }
        ],
    }


def outbound_routes(mesh: Mesh, caller: Service) -> Json:
    """Return the table of an outbound listener: a virtual host per callee, refusal for the rest."""
    hosts = [_virtual_host(mesh, callee) for callee in mesh.callees(caller.name)]
    refusal = {
        "name": EGRESS_DENY,
        "domains": ["*"],
        "routes": [
            {
                "name": EGRESS_DENY,
                "match": {"prefix": "/"},
                "direct_response": {
                    "status": 502,
                    "body": {"inline_string": "not a destination this service may call\n"},
                },
            }
        ],
    }
    return {"name": OUTBOUND_ROUTES, "virtual_hosts": [*hosts, refusal]}


def _virtual_host(mesh: Mesh, callee: Service) -> Json:
    action = {
        "timeout": seconds(callee.timeout_seconds),
        "weighted_clusters": {
            "clusters": [
                {"name": cluster_name(callee.name, version), "weight": weight}
                for version, weight in callee.split().items()
            ]
        },
    }
    if callee.retries.attempts:
        action["retry_policy"] = {
            "retry_on": callee.retries.on,
            "num_retries": callee.retries.attempts,
        }
    return {
        "name": callee.name,
        "domains": [callee.name, f"{callee.name}:*", f"{callee.name}.{mesh.namespace}"],
        "routes": [_route(route, action) for route in (*callee.routes, None)],
    }


def _route(route: Route | None, action: Json) -> Json:
    if route is None:
        return {"name": OTHER, "match": {"prefix": "/"}, "route": action}
    return {
        "name": route.name,
        "match": {
            "prefix": route.path_prefix,
            "headers": [{"name": ":method", "string_match": {"exact": route.method}}],
        },
        "route": action,
    }
