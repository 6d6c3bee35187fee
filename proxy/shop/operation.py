"""The nouns of the shop: services, their operations, and the calls these make.

Values only. A route is matched by method and path prefix, first match wins: the semantics of
Envoy's ``RouteMatch.prefix``, so that a proxy and the workload behind it always agree on the name.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Final

ITEM: Final = "{id}"
"""The variable end of a path: a product, an order, a charge."""

P99_NORMAL: Final = 2.3263478740408408
"""The 99th percentile of the standard normal distribution."""

SLOWEST_P99S: Final = 3.0
"""A service time is capped at so many times its 99th percentile."""


@dataclass(frozen=True, slots=True)
class ServiceTime:
    """How long an operation works by itself: log-normal, without the calls it makes."""

    median_ms: float
    p99_ms: float

    def draw_s(self, rng: Random) -> float:
        """Return one service time in seconds, never more than SLOWEST_P99S times the p99."""
        sigma = math.log(self.p99_ms / self.median_ms) / P99_NORMAL
        drawn_ms = self.median_ms * math.exp(rng.gauss(0.0, sigma))
        return min(drawn_ms, SLOWEST_P99S * self.p99_ms) / 1000.0


@dataclass(frozen=True, slots=True)
class Failure:
    """A share of the requests that the application itself answers with this status."""

    status: int
    ratio: float


@dataclass(frozen=True, slots=True)
class Call:
    """A call to another service. When an optional one fails, the answer is only poorer."""

    destination: str
    operation: str
    probability: float = 1.0
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing a service does; its name is the route in proxies, SLIs and ledgers."""

    name: str
    method: str
    path: str
    service_time: ServiceTime
    stages: tuple[tuple[Call, ...], ...] = ()
    """Stages follow each other; the calls within one run in parallel."""
    failures: tuple[Failure, ...] = ()
    success_status: int = 200

    @property
    def path_prefix(self) -> str:
        """The fixed part of the path."""
        return self.path.removesuffix(ITEM)

    @property
    def calls(self) -> tuple[Call, ...]:
        """All calls of all stages."""
        return tuple(call for stage in self.stages for call in stage)

    def url_path(self, item: str) -> str:
        """Return the path of a request about an item; the item is unused by a fixed path."""
        return self.path.replace(ITEM, item)

    def item_of(self, path: str) -> str | None:
        """Return the item that a request path is about; None when the operation has none."""
        return path[len(self.path_prefix) :] if self.path.endswith(ITEM) else None


@dataclass(frozen=True, slots=True)
class Route:
    """What a proxy must know of an operation."""

    name: str
    method: str
    path_prefix: str


@dataclass(frozen=True, slots=True)
class Service:
    """A destination: its name is the ``Host`` by which others call it."""

    name: str
    operations: tuple[Operation, ...]
    versions: tuple[str, ...] = ("v1",)

    def operation(self, name: str) -> Operation:
        """Return an operation by name; KeyError when the service has none."""
        for operation in self.operations:
            if operation.name == name:
                return operation
        raise KeyError(f"{self.name} has no operation {name!r}")

    def routes(self) -> list[Route]:
        """Return the routes, longest prefix first, so that the first match is the right one."""
        by_length = sorted(self.operations, key=lambda o: (-len(o.path_prefix), o.name))
        return [Route(o.name, o.method, o.path_prefix) for o in by_length]

    def serves(self, method: str, path: str) -> Operation | None:
        """Return the operation that answers a request; None when no route claims it."""
        route = first_match(self.routes(), method, path)
        return None if route is None else self.operation(route.name)


def first_match(routes: Iterable[Route], method: str, path: str) -> Route | None:
    """Return the first route of this method whose prefix begins the path, as Envoy would."""
    for route in routes:
        if route.method == method and path.startswith(route.path_prefix):
            return route
    return None
