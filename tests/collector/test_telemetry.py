"""Counters add up under many threads, and a registry knows each name once."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.telemetry import OTHER, Counter, Histogram, Registry


def test_a_counter_loses_nothing_between_threads():
    counter = Counter()

    def work():
        for _ in range(2_000):
            counter.add(("traces",), 2)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.values() == {("traces",): 16_000}


def test_labels_beyond_the_bound_are_counted_together():
    counter = Counter()
    for number in range(5_000):
        counter.add((f"service-{number}", "email"))

    values = counter.values()
    assert len(values) == 2_001
    assert sum(values.values()) == 5_000
    assert values[OTHER, OTHER] == 3_000


@given(st.lists(st.floats(0, 100)))
def test_a_histogram_counts_each_value_once_in_the_bucket_that_holds_it(values):
    histogram = Histogram((0.5, 1.0, 10.0))
    for value in values:
        histogram.observe(value)

    found = histogram.value()
    below = [sum(value <= bound for value in values) for bound in found.bounds]
    assert [sum(found.counts[: place + 1]) for place in range(3)] == below
    assert sum(found.counts) == len(values)
    assert found.sum == pytest.approx(sum(values))


def test_two_instruments_never_share_a_name():
    registry = Registry()
    registry.gauge("meshscope_queue_bytes", "Bytes.", lambda: 1)
    with pytest.raises(ValueError, match="meshscope_queue_bytes"):
        registry.counter("meshscope_queue_bytes", "Bytes.", lambda: 1)
