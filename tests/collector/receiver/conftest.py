"""A store with a writer, as receivers see it."""

import pytest

from collector.store.store import open_store
from collector.store.writer import Writer


@pytest.fixture
def store():
    with open_store() as opened:
        yield opened


@pytest.fixture
def writer(store):
    running = Writer(store)
    yield running
    running.close()


@pytest.fixture
def count(store):
    """Count the rows of a table."""
    return lambda table: store.cursor().execute(f"SELECT count(*) FROM {table}").fetchone()[0]


class Full:
    """A sink that takes nothing: its queue is full, or it fails in a way nobody foresaw."""

    def __init__(self, error):
        self.error = error

    def submit(self, _batch, _digest):
        raise self.error


@pytest.fixture
def failing():
    return Full
