"""Limits of series, and what arrives oddly."""

from collector.otlp.arrivals import FUTURE, LATE, OVERLAP, Arrivals
from collector.otlp.cardinality import (
    GENERATION_NS,
    METRIC_FULL,
    SERVICE_FULL,
    Cardinality,
    CardinalityLimits,
)
from collector.otlp.metrics import decode_metrics
from tests.collector.exports import SECOND, T0, metrics

LIMITS = CardinalityLimits(series_per_metric=2, series_per_service=3)


def filled(*owners):
    cardinality = Cardinality(LIMITS)
    for series_id, owner in enumerate(owners):
        cardinality.touch(series_id, owner)
    return cardinality


def test_a_metric_and_a_service_are_full_each_by_itself():
    cardinality = filled(("a", "m"), ("a", "m"), ("a", "n"))

    assert cardinality.refusal(("a", "m")) == METRIC_FULL
    assert cardinality.refusal(("a", "other")) == SERVICE_FULL
    assert cardinality.refusal(("b", "m")) is None


def test_a_series_counts_once_and_a_failed_transaction_not_at_all():
    cardinality = filled(("a", "m"))
    cardinality.touch(0, ("a", "m"))
    cardinality.commit(1)
    cardinality.touch(1, ("a", "m"))
    cardinality.rollback()

    assert cardinality.refusal(("a", "m")) is None


def test_series_that_are_silent_for_two_days_make_room():
    cardinality = filled(("a", "m"), ("a", "m"))
    for day in (1, 2):
        assert cardinality.refusal(("a", "m")) == METRIC_FULL
        cardinality.touch(0, ("a", "m"))
        cardinality.commit(day * GENERATION_NS)

    assert cardinality.refusal(("a", "m")) is None


def observe(arrivals, time_ns, start_ns=0, temporality=1, now_ns=T0):
    body = metrics([("m", {}, 1)], time_ns=time_ns, start_ns=start_ns, temporality=temporality)
    batch = decode_metrics(body)
    return dict(arrivals.observe(batch, batch.series, [7], now_ns))


def test_late_overlapping_and_future_points_are_told_apart():
    arrivals = Arrivals()

    assert observe(arrivals, T0 + 10 * SECOND, T0) == {}
    assert observe(arrivals, T0 + 20 * SECOND, T0 + 10 * SECOND) == {}
    assert observe(arrivals, T0 + 30 * SECOND, T0 + 15 * SECOND) == {OVERLAP: 1}
    assert observe(arrivals, T0 + 40 * SECOND, T0, temporality=2) == {}
    assert observe(arrivals, T0 + 40 * SECOND) == {LATE: 1}
    assert observe(arrivals, T0 + 25 * 3600 * SECOND) == {FUTURE: 1}


def test_a_failed_transaction_leaves_no_newest_time():
    arrivals = Arrivals()
    observe(arrivals, T0 + 10 * SECOND)
    arrivals.rollback()

    assert observe(arrivals, T0) == {}
