"""The shop as one table: eight services, what each does, how long it takes and whom it calls.

The workloads run from this table and the mesh's routes and permissions are made from it, so that
they cannot disagree. Never holds addresses: where a workload runs is the mesh's business.
"""

from typing import Final, NamedTuple

from proxy.shop.operation import Call, Failure, Operation, Route, Service, ServiceTime

ENTRY: Final = "gateway"
"""The service that the outside world calls."""


class Workload(NamedTuple):
    """One process to run: a service at a version."""

    service: str
    version: str

    @property
    def name(self) -> str:
        """``payments-v2``."""
        return f"{self.service}-{self.version}"


GATEWAY: Final = Service(
    "gateway",
    (
        Operation("home", "GET", "/", ServiceTime(1, 4), ((Call("frontend", "home"),),)),
        Operation(
            "list-products",
            "GET",
            "/products",
            ServiceTime(1, 4),
            ((Call("frontend", "list-products"),),),
        ),
        Operation(
            "show-product",
            "GET",
            "/products/{id}",
            ServiceTime(1, 4),
            ((Call("frontend", "show-product"),),),
        ),
        Operation("view-cart", "GET", "/cart", ServiceTime(1, 4), ((Call("cart", "view-cart"),),)),
        Operation(
            "add-to-cart",
            "POST",
            "/cart",
            ServiceTime(1, 4),
            ((Call("cart", "add-item"),),),
            success_status=201,
        ),
        Operation(
            "place-order",
            "POST",
            "/orders",
            ServiceTime(2, 6),
            ((Call("checkout", "place-order"),),),
            success_status=201,
        ),
        Operation(
            "order-status",
            "GET",
            "/orders/{id}",
            ServiceTime(1, 4),
            ((Call("checkout", "order-status"),),),
        ),
    ),
)

FRONTEND: Final = Service(
    "frontend",
    (
        Operation(
            "home",
            "GET",
            "/",
            ServiceTime(4, 15),
            (
                (
                    Call("catalog", "list-products"),
                    Call("recommendations", "recommend", is_optional=True),
                    Call("cart", "view-cart", probability=0.5, is_optional=True),
                ),
            ),
        ),
        Operation(
            "list-products",
            "GET",
            "/products",
            ServiceTime(3, 12),
            ((Call("catalog", "list-products"),),),
        ),
        Operation(
            "show-product",
            "GET",
            "/products/{id}",
            ServiceTime(3, 12),
            (
                (Call("catalog", "show-product"),),
                (
                    Call("recommendations", "recommend", is_optional=True),
                    Call("shipping", "quote", probability=0.4, is_optional=True),
                ),
            ),
        ),
    ),
)

CART: Final = Service(
    "cart",
    (
        Operation(
            "view-cart",
            "GET",
            "/cart",
            ServiceTime(3, 10),
            ((Call("catalog", "show-product", probability=0.5, is_optional=True),),),
        ),
        Operation(
            "add-item",
            "POST",
            "/cart",
            ServiceTime(4, 14),
            ((Call("catalog", "show-product"),),),
            success_status=201,
        ),
        Operation("clear-cart", "DELETE", "/cart", ServiceTime(3, 10), success_status=204),
    ),
)

CHECKOUT: Final = Service(
    "checkout",
    (
        Operation(
            "place-order",
            "POST",
            "/orders",
            ServiceTime(6, 20),
            (
                (Call("cart", "view-cart"),),
                (Call("shipping", "quote"), Call("catalog", "show-product")),
                (Call("payments", "charge"),),
                (Call("shipping", "ship"),),
                (Call("cart", "clear-cart", is_optional=True),),
            ),
            success_status=201,
        ),
        Operation(
            "order-status",
            "GET",
            "/orders/{id}",
            ServiceTime(3, 10),
            (
                (
                    Call("shipping", "track"),
                    Call("payments", "show-charge", is_optional=True),
                ),
            ),
        ),
    ),
)

PAYMENTS: Final = Service(
    "payments",
    (
        Operation(
            "charge",
            "POST",
            "/charges",
            ServiceTime(25, 90),
            failures=(Failure(402, 0.005),),  # the card is declined
            success_status=201,
        ),
        Operation("show-charge", "GET", "/charges/{id}", ServiceTime(4, 12)),
    ),
    versions=("v1", "v2"),
)

CATALOG: Final = Service(
    "catalog",
    (
        Operation("list-products", "GET", "/products", ServiceTime(6, 25)),
        Operation(
            "show-product",
            "GET",
            "/products/{id}",
            ServiceTime(3, 12),
            failures=(Failure(404, 0.004),),  # no longer sold
        ),
    ),
)

RECOMMENDATIONS: Final = Service(
    "recommendations",
    (
        Operation(
            "recommend",
            "GET",
            "/recommendations",
            ServiceTime(10, 60),
            ((Call("catalog", "list-products", probability=0.3, is_optional=True),),),
            failures=(Failure(500, 0.003),),  # the model does not load
        ),
    ),
)

SHIPPING: Final = Service(
    "shipping",
    (
        Operation("quote", "GET", "/quotes", ServiceTime(8, 30)),
        Operation("ship", "POST", "/shipments", ServiceTime(10, 35), success_status=201),
        Operation("track", "GET", "/shipments/{id}", ServiceTime(4, 14)),
    ),
)

SHOP: Final = (
    GATEWAY,
    FRONTEND,
    CART,
    CHECKOUT,
    PAYMENTS,
    CATALOG,
    RECOMMENDATIONS,
    SHIPPING,
)

WORKLOADS: Final = tuple(
    Workload(service.name, version) for service in SHOP for version in service.versions
)


def service_named(name: str) -> Service:
    """Return a service of the shop; KeyError when there is none of this name."""
    for service in SHOP:
        if service.name == name:
            return service
    raise KeyError(f"the shop has no service {name!r}")


def routes_of(service: str) -> list[Route]:
    """Return the routes of a service in the order a proxy must try them."""
    return service_named(service).routes()


def callers_of(service: str) -> list[str]:
    """Return the services that call this one, sorted: whom its proxies must let in."""
    return sorted(
        {
            caller.name
            for caller in SHOP
            for operation in caller.operations
            for call in operation.calls
            if call.destination == service
        }
    )
