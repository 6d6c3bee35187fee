"""A small shop in an in-memory store, and the app on top of it, at a moment that does not move."""

from dataclasses import replace
from decimal import Decimal

from collector.edges import Edge, latency_bucket
from collector.store.store import Store
from dashboards.web.deps import Deps
from slo.model import AvailabilitySli, EdgeSelector, LatencySli, Objective, Slo, TimeWindow
from tests.collector.rollups import put

NOW_S = 1_800_000_005
MINUTE_AGO_S = NOW_S - 65

FRONTEND = Edge("destination", "external", "frontend", "v1", "home", 200, "-", "plaintext")
CART = Edge("source", "frontend", "cart", "v1", "cart", 200, "-", "mtls")
CART_FAILED = replace(CART, code=503, flags="UH")
CART_SEEN_BY_ITSELF = replace(CART, reporter="destination")


def availability(name="cart-availability", service="cart", target="0.9"):
    sli = AvailabilitySli(EdgeSelector(service))
    return Slo(name, service, sli, Objective(Decimal(target)), TimeWindow(30 * 86_400))


def latency(name="cart-latency", service="cart", threshold_ms=10.0):
    sli = LatencySli(EdgeSelector(service), threshold_ms)
    return Slo(name, service, sli, Objective(Decimal("0.99")), TimeWindow(86_400))


SLOS = (availability(), latency(), availability("frontend-availability", "frontend", "0.999"))


def seed(store: Store) -> None:
    """100 requests to the frontend, 80 + 20 failed ones to the cart, and an idle exporter."""
    fast = latency_bucket(5_000)
    put(store, FRONTEND, 1, [(MINUTE_AGO_S, 100, 100)], [(MINUTE_AGO_S, fast, 100)])
    put(store, CART, 2, [(MINUTE_AGO_S, 80, 85)], [(MINUTE_AGO_S, fast, 80)])
    put(store, CART_FAILED, 3, [(MINUTE_AGO_S, 20, 40)], [(MINUTE_AGO_S, latency_bucket(9e4), 20)])
    put(store, CART_SEEN_BY_ITSELF, 4, [(MINUTE_AGO_S, 105, 105)])
    heard(store, 1, "idle", NOW_S // 10 * 10)
    heard(store, 2, "cart", NOW_S // 10 * 10 - 600)
    heard(store, 3, "retired", NOW_S // 10 * 10 - 3700)


def heard(store: Store, resource_id: int, service: str, at_s: int) -> None:
    """Say that a proxy of this service exported."""
    cursor = store.cursor()
    row = [resource_id, service, "shop", "v1", f"{service}-0"]
    cursor.execute("INSERT INTO resources VALUES (?, ?, ?, ?, ?, '{}')", row)
    cursor.execute("INSERT INTO heartbeats VALUES (?, ?)", [at_s, resource_id])


def deps(store: Store, *, slos=SLOS, clock_s=lambda: NOW_S, grafana_url=None, **more) -> Deps:
    return Deps(store, slos, clock_s, "1.2.3", grafana_url, **more)
