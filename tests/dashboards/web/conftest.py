"""The seeded store and a client of the app over it."""

import pytest

from collector.store.store import open_store
from dashboards.web.app import create_app
from tests.dashboards.web.seeded import deps, seed
from tests.dashboards.web.visitor import Visitor


@pytest.fixture
def empty_store():
    with open_store() as store:
        yield store


@pytest.fixture
def store(empty_store):
    seed(empty_store)
    return empty_store


@pytest.fixture
def client(store):
    return Visitor(create_app(deps(store)))


@pytest.fixture
def empty_client(empty_store):
    return Visitor(create_app(deps(empty_store, slos=())))
