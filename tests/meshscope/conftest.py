"""One fed server, and a connection to it."""

import pytest

import meshscope
from tests.meshscope.shop import shop


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    with shop(tmp_path_factory.mktemp("shop")) as (server, trace_id):
        yield server, trace_id


@pytest.fixture(scope="module")
def server(fed):
    return fed[0]


@pytest.fixture(scope="module")
def trace_id(fed):
    return fed[1]


@pytest.fixture(scope="module")
def m(server):
    connected = meshscope.connect(str(server.web.base_url))
    yield connected
    connected.close()
