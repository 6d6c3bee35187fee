"""A shop in which payment began to fail, the alerts of it, and an app that takes them."""

import contextlib
from contextlib import closing
from dataclasses import replace

from alerts.incidents.desk import Desk
from collector.edges import Edge, latency_bucket
from collector.store.tiers import TIERS_S
from collector.store.writer import Writer
from dashboards.web.webhook import Webhook
from tests.alerts.incidents.told import SECOND, T0, alert
from tests.collector.rollups import put
from tests.dashboards.web.seeded import availability, deps

HOOK = "/api/v1/alertmanager/webhook"
BEGAN_S = T0 - 170
"""Two minutes and fifty seconds before the first alert, in the middle of a minute."""
NOW_S = T0 + 1800
SLOS = (
    availability("payment-availability", "payment", "0.99"),
    availability("frontend-availability", "frontend", "0.99"),
    availability("search-availability", "search", "0.99"),
)


def edge(source, destination, code=200, flags="-"):
    reporter = "destination" if source == "external" else "source"
    return Edge(reporter, source, destination, "v1", "r", code, flags, "mtls")


CALLS = (("external", "frontend"), ("frontend", "checkout"), ("checkout", "payment"),
         ("frontend", "search"))  # fmt: skip
FAILING = (("checkout", "payment", 0, "UH"), ("frontend", "checkout", 10, "-"),
           ("external", "frontend", 20, "-"))  # fmt: skip


def seed(store, *, began_s=BEGAN_S, until_s=T0 + 600):
    """100 requests on each call every 10 s for two hours; half of some fail since ``began_s``."""
    for number, ends in enumerate(CALLS, start=1):
        steadily(store, edge(*ends), number, T0 - 7200, until_s, 100)
    for number, (source, destination, after_s, flags) in enumerate(FAILING, start=10):
        failed = edge(source, destination, 503, flags)
        steadily(store, failed, number, began_s + after_s, until_s, 50)


def steadily(store, one, edge_id, from_s, to_s, requests):
    """Store so many requests every 10 s, in every tier."""
    put(store, one, edge_id, [])
    for tier, length in TIERS_S.items():
        store.cursor().execute(
            f"INSERT INTO sli_{tier} SELECT range - range % {length}, {edge_id}, {requests},"
            f" {requests} FROM range({from_s}, {to_s}, 10)"
        )


def fired(**changes):
    """Return the alerts of the failure, as first told."""
    return [
        alert(service="payment", slo="payment-availability", **changes),
        alert(service="checkout", at=60, **changes),
        alert(service="frontend", at=120, severity="ticket", **changes),
    ]


def slow(store):
    """Store that search became slow twenty minutes before the alert."""
    one = replace(edge("frontend", "search"), route="slow")
    minutes = range(T0 - 7200, T0 + 600, 60)
    buckets = [(at, latency_bucket(400_000 if at >= T0 - 1200 else 5_000), 30) for at in minutes]
    put(store, one, 99, [(at, 30, 30) for at in minutes], buckets)


@contextlib.contextmanager
def serving(store, *, now_s=lambda: NOW_S, access=None, **more):
    """Give the dependencies of an app whose desk writes to the store."""
    with closing(Writer(store)) as writer:
        desk = Desk(store, writer, lambda: int(now_s() * SECOND))
        hook = Webhook(desk) if access is None else Webhook(desk, access)
        given = {"slos": SLOS, "clock_s": now_s} | more
        yield deps(store, desk=desk, webhook=hook, **given)
