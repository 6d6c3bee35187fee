"""The shop's table -> the mesh that runs it: addresses, callers, routes and the canary's share.

Every workload gets a loopback address of its own, so that all can listen on the same ports without
root, Docker or packet filters.
"""

import io
import random
import socket
from collections.abc import Iterable

from ruamel.yaml import YAML

from proxy.mesh import INBOUND_PORT, Identity, Mesh, Route, Service, Telemetry, Workload
from proxy.shop.shop import ENTRY, SHOP, callers_of, routes_of

CANARY_WEIGHTS = {"v1": 90, "v2": 10}


def shop_mesh(*, subnet: str, otlp: str, flush_seconds: float) -> Mesh:
    """Return the mesh of the shop on ``subnet`` (``127.a.b``), exporting to ``otlp``."""
    addresses = iter(f"{subnet}.{host}" for host in range(1, 255))
    services = tuple(
        Service(
            name=service.name,
            ingress=service.name == ENTRY,
            callers=tuple(callers_of(service.name)),
            workloads=tuple(
                Workload(name=f"{service.name}-{version}", version=version, address=next(addresses))
                for version in service.versions
            ),
            weights=CANARY_WEIGHTS if len(service.versions) > 1 else None,
            routes=tuple(
                Route(name=route.name, method=route.method, path_prefix=route.path_prefix)  # type: ignore[arg-type]
                for route in routes_of(service.name)
            ),
        )
        for service in SHOP
    )
    return Mesh(
        api_version="meshscope/v1",
        kind="Mesh",
        namespace="shop",
        identity=Identity(),
        telemetry=Telemetry(otlp=otlp, flush_seconds=flush_seconds),
        services=services,
    )


def to_yaml(mesh: Mesh) -> str:
    """Return the text of a mesh file that loads as this mesh."""
    stream = io.StringIO()
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump(mesh.model_dump(mode="json", by_alias=True, exclude_defaults=True), stream)
    return stream.getvalue()


def free_subnet() -> str:
    """Return a ``127.a.b`` on which nothing of an earlier mesh listens."""
    for _ in range(50):
        subnet = f"127.{random.randint(20, 250)}.{random.randint(1, 250)}"  # noqa: S311
        with socket.socket() as probe:
            try:
                probe.bind((f"{subnet}.1", INBOUND_PORT))
            except OSError:
                continue
            return subnet
    raise OSError("no free loopback addresses in 127.0.0.0/8; is another demo still running?")


def taken(addresses: Iterable[str]) -> list[str]:
    """Return which of these ``host:port`` somebody else listens on."""
    found = []
    for address in addresses:
        host, _, port = address.rpartition(":")
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, int(port)))
            except OSError:
                found.append(address)
    return found


def free_port() -> int:
    """Return a TCP port that was free a moment ago on 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
