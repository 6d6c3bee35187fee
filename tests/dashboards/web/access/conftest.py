"""One store and one app that asks for tokens; each test comes some minutes after the last."""

import pytest

from collector.store.store import open_store
from tests.dashboards.web.access.asked import asking, web_access
from tests.dashboards.web.seeded import NOW_S, seed


@pytest.fixture(scope="module")
def store():
    with open_store() as opened:
        seed(opened)
        yield opened


@pytest.fixture(scope="module")
def asked(store):
    now_s = [float(NOW_S)]
    access = web_access(clock_s=lambda: now_s[0], external_url="https://mesh.example/")
    return now_s, asking(store, access)


@pytest.fixture
def visitor(asked):
    now_s, shared = asked
    now_s[0] += 100  # wrong tokens of the test before are forgotten
    return shared
