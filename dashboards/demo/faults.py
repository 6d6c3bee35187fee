"""The faults of `meshscope demo --fault`: each is a change of the mesh's intent, nothing else.

They reach the proxies as any change does, over ADS, so that what the dashboard shows is what a real
mistake or outage would show.
"""

from collections.abc import Callable
from typing import Literal, get_args

from proxy.mesh import Abort, CircuitBreaker, Delay, Fault, Identity, Mesh, Service

FaultName = Literal["latency", "errors", "canary", "overload", "cert-expiry"]
FAULT_NAMES: tuple[FaultName, ...] = get_args(FaultName)

DESCRIPTIONS: dict[FaultName, str] = {
    "latency": "60 % of the requests to payments are held back by 800 ms",
    "errors": "30 % of the requests to payments are answered with 503",
    "canary": "30 % of the requests to payments v2, which gets a tenth, are answered with 503",
    "overload": "catalog slows down and its callers' circuit breakers open at 2 requests",
    "cert-expiry": "identities live 20 s and nobody renews them: TLS handshakes start to fail",
}


def inject(mesh: Mesh, fault: FaultName) -> Mesh:
    """Return the mesh with a fault in it."""
    return _CHANGES[fault](mesh)


def _latency(mesh: Mesh) -> Mesh:
    return _change(mesh, "payments", fault=Fault(delay=Delay(percent=60, seconds=0.8)))


def _errors(mesh: Mesh) -> Mesh:
    return _change(mesh, "payments", fault=Fault(abort=Abort(percent=30, status=503)))


def _canary(mesh: Mesh) -> Mesh:
    abort = Abort(percent=30, status=503)
    return _change(mesh, "payments", fault=Fault(abort=abort, version="v2"))


def _overload(mesh: Mesh) -> Mesh:
    return _change(
        mesh,
        "catalog",
        fault=Fault(delay=Delay(percent=100, seconds=0.1)),
        circuit_breaker=CircuitBreaker(max_requests=2),
    )


def _cert_expiry(mesh: Mesh) -> Mesh:
    identity = Identity(ttl_seconds=20, rotation="paused", max_connection_seconds=2)
    return mesh.model_copy(update={"identity": identity})


def _change(mesh: Mesh, name: str, **update: object) -> Mesh:
    def changed(service: Service) -> Service:
        return service.model_copy(update=update) if service.name == name else service

    return mesh.model_copy(update={"services": tuple(map(changed, mesh.services))})


_CHANGES: dict[FaultName, Callable[[Mesh], Mesh]] = {
    "latency": _latency,
    "errors": _errors,
    "canary": _canary,
    "overload": _overload,
    "cert-expiry": _cert_expiry,
}
