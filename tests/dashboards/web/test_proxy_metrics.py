"""/metrics/proxies: what Envoys exported of themselves, as a Prometheus scrapes it."""

import re
from pathlib import Path

import pytest

from dashboards.web.app import create_app
from dashboards.web.proxy_metrics import STATISTICS
from tests.collector.inbox import Inbox
from tests.dashboards.prometheus.asking import Asking
from tests.dashboards.web.seeded import deps
from tests.dashboards.web.visitor import Visitor

ENVOY = Path(__file__).parents[2] / "fixtures/envoy"
SAMPLE = re.compile(r"(\w+)\{(.*)\} (\S+)$")


@pytest.fixture
def visitor(empty_store):
    """Return a client of the app over what three real Envoys exported."""
    inbox = Inbox(empty_store)
    for path in sorted(ENVOY.glob("A-16-canary-20pct__metrics__*.pb")):
        inbox.take(path.read_bytes())
    (newest_ns,) = inbox.cursor.execute("SELECT max(time_ns) FROM metric_points").fetchone()
    return Visitor(create_app(deps(empty_store, clock_s=lambda: newest_ns / 1e9 + 1)))


def test_a_scrape_says_what_our_promql_says(visitor):
    lines = visitor.get("/metrics/proxies").text.splitlines()
    found = [SAMPLE.match(line).groups() for line in lines if not line.startswith("#")]
    assert {name for name, _, _ in found} >= {
        "envoy_server_uptime",
        "envoy_control_plane_connected_state",
        "envoy_listener_ssl_certificate_expiration_unix_time_seconds",
    }
    api = Asking(visitor)
    for name in STATISTICS:
        told = {
            frozenset(one["metric"].items()) - {("__name__", name)}: float(one["value"][1])
            for one in api.data("query", query=name)["result"]
        }
        scraped = {
            frozenset(re.findall(r'(\w+)="([^"]+)"', labels)): float(value)
            for own, labels, value in found
            if own == name
        }
        assert scraped == told


def test_every_family_says_what_it_is(visitor):
    text = visitor.get("/metrics/proxies").text
    assert re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE) == [
        (name, kind) for name, (kind, _) in STATISTICS.items()
    ]
    assert visitor.get("/metrics/proxies").headers["content-type"].startswith("text/plain")


def test_without_proxies_there_is_nothing_and_no_error(empty_client):
    answer = empty_client.get("/metrics/proxies")
    assert answer.status_code == 200
    assert not [line for line in answer.text.splitlines() if not line.startswith("#")]
