"""A shop for notebooks: 40 minutes of a frontend's exports to a real receiver, with an incident.

Every minute 60 requests reach the cart and 30 the payment; from the 20th to the 25th minute 12 of
these 30 fail, and the others are slow. Then a trace of a failed checkout, of other services:
its requests are counted some seconds later.
"""

import contextlib
import importlib.metadata
from dataclasses import replace

from collector import semconv
from collector.edges import latency_bounds_us, latency_bucket
from tests.collector.exports import ENVOY_TIME_NS, metrics
from tests.dashboards.tracing import send_checkout, started
from tests.dashboards.web.seeded import availability, latency

MINUTES = 40
BAD_MINUTES = range(20, 26)
CART, PAYMENT, FAILED = 60 * MINUTES, 30 * MINUTES, 12 * len(BAD_MINUTES)
SLOS = (
    availability("payment-availability", "payment", "0.99"),
    availability("cart-availability", "cart", "0.999"),
    latency("payment-latency", "payment", 50.0),
)
_MINUTE_NS = 60 * 10**9
_FROM_NS = ENVOY_TIME_NS - (MINUTES + 2) * _MINUTE_NS
_FAST_US, _SLOW_US = 5_000, 180_000


@contextlib.contextmanager
def shop(folder):
    """Give a server that has been fed, and the id of the trace."""
    version = importlib.metadata.version("meshscope")

    with started(folder, lambda deps: replace(deps, slos=SLOS, version=version)) as server:
        # Messages put one after the other are one message with the parts of all.
        server.send("metrics", b"".join(_export(minute) for minute in range(MINUTES + 1)))
        yield server, send_checkout(server.otlp)


def _export(minutes):
    """Return the frontend's counters after so many minutes; after none they are 0."""
    bad = sum(1 for minute in range(minutes) if minute in BAD_MINUTES)
    answered = 30 * minutes - 12 * bad
    points = [
        *_edge("cart", "200", 60 * minutes, [(_FAST_US, 60 * minutes)]),
        *_edge(
            *("payment", "200", answered),
            [(_FAST_US, 30 * (minutes - bad)), (_SLOW_US, 18 * bad)],
        ),
        *_edge("payment", "503", 12 * bad, [(_FAST_US, 12 * bad)]),
    ]
    at_ns = _FROM_NS + minutes * _MINUTE_NS
    return metrics(points, start_ns=_FROM_NS, time_ns=at_ns)


def _edge(destination, code, requests, durations):
    tags = {
        semconv.TAG_UPSTREAM_CLUSTER: f"{destination}|v1",
        semconv.TAG_DESTINATION: f"spiffe://mesh.local/ns/default/sa/{destination}",
        semconv.TAG_ROUTE: destination,
        semconv.TAG_CODE: code,
    }
    bounds = latency_bounds_us()
    counts = [0] * (len(bounds) + 1)
    for duration_us, count in durations:
        counts[latency_bucket(duration_us)] += count
    yield semconv.SLI_REQUESTS, tags, requests
    yield semconv.SLI_ATTEMPTS, tags, requests
    yield semconv.SLI_DURATION, tags, (bounds, counts)
