"""The mesh that most tests of this package speak about, as a value."""

from datetime import timedelta
from typing import Any

from proxy.identity import Authority, Svid
from proxy.mesh import Mesh, Service, Workload


def shop(**payments: Any) -> Mesh:
    """Return gateway -> payments (v1, v2) -> ledger, and reports, which may call nobody."""
    services = (
        Service(name="gateway", ingress=True, workloads=(workload("gateway-1", 1),)),
        Service(
            **{
                "name": "payments",
                "callers": ("gateway",),
                "routes": ({"name": "pay", "method": "POST", "path_prefix": "/pay"},),
                "workloads": (workload("payments-1", 2), workload("payments-2", 3, "v2")),
                "weights": {"v1": 90, "v2": 10},
            }
            | payments
        ),
        Service(name="ledger", callers=("payments",), workloads=(workload("ledger-1", 4),)),
        Service(name="reports", workloads=(workload("reports-1", 5),)),
    )
    return Mesh(api_version="meshscope/v1", kind="Mesh", services=services)


def workload(name: str, host: int, version: str = "v1") -> Workload:
    """Return a workload on 127.0.1.host."""
    return Workload(name=name, version=version, address=f"127.0.1.{host}")


def svid(authority: Authority, mesh: Mesh, service: str, now: Any) -> Svid:
    """Return an identity of an hour for a service."""
    return authority.issue(mesh.spiffe_id(service), ttl=timedelta(hours=1), now=now)
