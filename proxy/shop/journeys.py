"""Who asks the shop for what, and when: the load of a run as a value, fixed by its seed.

Arrivals are a Poisson process of the whole rate and do not wait for answers (an open loop: a slow
shop does not slow its customers down). Each arrival is the next step of one of the shoppers inside,
so the mix of requests is that of the journeys.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

SHOPPERS: Final = 32
"""Shoppers in the shop at any time; one who leaves is replaced."""
PRODUCTS: Final = 200


class Journey(NamedTuple):
    """What one kind of shopper does, as operations of the gateway."""

    weight: float
    steps: tuple[str, ...]


JOURNEYS: Final = (
    Journey(0.20, ("home",)),
    Journey(0.40, ("home", "list-products", "show-product", "show-product")),
    Journey(0.20, ("home", "show-product", "add-to-cart", "view-cart")),
    Journey(
        0.20,
        (
            "list-products",
            "show-product",
            "add-to-cart",
            "view-cart",
            "place-order",
            "order-status",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request that is due at a time since the start of the run."""

    at_s: float
    operation: str
    item: str


def arrivals(*, rate_rps: float, duration_s: float, seed: int) -> Iterator[Arrival]:
    """Yield the arrivals of a run in time order; endless when the duration is infinite."""
    rng = Random(seed)
    shoppers = [_shopper(rng) for _ in range(SHOPPERS)]
    at_s = rng.expovariate(rate_rps)
    while at_s < duration_s:
        operation, item = next(rng.choice(shoppers))
        yield Arrival(at_s, operation, item)
        at_s += rng.expovariate(rate_rps)


def _shopper(rng: Random) -> Iterator[tuple[str, str]]:
    weights = [journey.weight for journey in JOURNEYS]
    while True:
        (journey,) = rng.choices(JOURNEYS, weights)
        item = str(rng.randint(1, PRODUCTS))
        for operation in journey.steps:
            yield operation, item
