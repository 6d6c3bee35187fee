"""The seeded shop, with metrics of its own beside, and the app over it."""

import pytest

from dashboards.web.app import create_app
from tests.collector.inbox import Inbox
from tests.collector.prometheus.exported import Export
from tests.dashboards.prometheus.asking import Asking
from tests.dashboards.web.conftest import empty_store  # noqa: F401 - a fixture
from tests.dashboards.web.seeded import deps, seed
from tests.dashboards.web.visitor import Visitor


def export(store):
    """Put a minute of a counter, a gauge with a dotted label and a histogram into a store."""
    inbox = Inbox(store)
    for at_s in range(-60, 1, 15):
        count = 60 + at_s
        inbox.take(
            Export()
            .counter("app.orders", count, at_s, unit="{order}", **{"shop.name": "north"})
            .gauge("app.queue", float(count % 7), at_s)
            .histogram("app.wait", [0.1, 1], [count, 1, 0], at_s, total=float(count))
            .bytes()
        )


@pytest.fixture
def shop(empty_store):  # noqa: F811 - the fixture
    export(empty_store)
    seed(empty_store)
    return empty_store


@pytest.fixture
def app(shop):
    return create_app(deps(shop))


@pytest.fixture
def api(app):
    return Asking(Visitor(app))


@pytest.fixture
def empty_api(empty_store):  # noqa: F811 - the fixture
    return Asking(Visitor(create_app(deps(empty_store, slos=()))))
