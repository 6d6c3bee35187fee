"""A store with names and a clock, an hour after its first spans."""

import pytest

from collector.store.store import open_store
from tests.collector.exports import T0
from tests.collector.spans import HOUR, Clock, put_names


@pytest.fixture
def clock():
    """Return the clock of ``store``: a quarter into the next hour."""
    return Clock(T0 + HOUR + 1000 * 10**9)


@pytest.fixture
def sealable(tmp_path, clock):
    """Return a store in a file, with interned names."""
    with open_store(tmp_path / "mesh.duckdb", clock_ns=clock) as opened:
        put_names(opened)
        yield opened
