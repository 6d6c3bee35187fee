"""Everything one proxy must have: resources by type and name, versioned by their content.

Two equal snapshots have equal versions, so that a restart of the control plane or a touched file
pushes nothing. ``consistent`` states what Envoy would otherwise find out at run time.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from proxy.errors import UnknownNode
from proxy.identity import Svid
from proxy.mesh import Mesh
from proxy.resources import Json
from proxy.resources.clusters import app_cluster, load_assignment, mesh_cluster
from proxy.resources.encode import encode
from proxy.resources.listeners import inbound_listener, outbound_listener
from proxy.resources.routes import inbound_routes, outbound_routes
from proxy.resources.secrets import leaf_secret, root_secret
from proxy.xds import type_urls


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources of one type: encoded, by name, with the version of their content."""

    version: str
    encoded: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole configuration of one proxy."""

    node_id: str
    by_type: Mapping[str, Resources]


def build(mesh: Mesh, node_id: str, *, svid: Svid, bundle_pem: bytes) -> Snapshot:
    """Return the configuration of a workload's proxy; UnknownNode when the mesh has none such."""
    found = mesh.find(node_id)
    if found is None:
        raise UnknownNode(f"no workload of the mesh is called {node_id!r}")
    service, workload = found
    callees = [
        (callee, version) for callee in mesh.callees(service.name) for version in callee.versions
    ]
    # An ingress that calls nobody speaks no TLS: its Envoy never asks for secrets.
    secrets = [leaf_secret(svid), root_secret(bundle_pem)] if callees or not service.ingress else []
    resources: dict[str, dict[str, Json]] = {
        type_urls.CLUSTER: _by(
            "name",
            [
                app_cluster(workload),
                *(mesh_cluster(mesh, callee, version) for callee, version in callees),
            ],
        ),
        type_urls.ENDPOINT: _by(
            "cluster_name", [load_assignment(callee, version) for callee, version in callees]
        ),
        type_urls.SECRET: _by("name", secrets),
        type_urls.LISTENER: _by(
            "name",
            [
                inbound_listener(mesh, service, workload),
                outbound_listener(mesh, service, workload),
            ],
        ),
        type_urls.ROUTE: _by(
            "name",
            [
                inbound_routes(service),
                outbound_routes(mesh, service),
            ],
        ),
    }
    return Snapshot(
        node_id,
        {type_url: _encode(type_url, named) for type_url, named in resources.items()},
    )


def _by(key: str, resources: list[Json]) -> dict[str, Json]:
    return {resource[key]: resource for resource in resources}


def _encode(type_url: str, named: dict[str, Json]) -> Resources:
    encoded = {name: encode(type_url, resource) for name, resource in sorted(named.items())}
    digest = hashlib.sha256()
    for name, payload in encoded.items():
        digest.update(name.encode() + b"\0" + payload + b"\0")
    return Resources(digest.hexdigest()[:16], encoded)
