"""The store of ``tests.collector.store``: with names and a clock, an hour after its first spans."""

from tests.collector.store.conftest import clock, sealable

__all__ = ["clock", "sealable"]
