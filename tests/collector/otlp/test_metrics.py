"""Metrics decoded."""

import math

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from collector.otlp.errors import MalformedPayload
from collector.otlp.metrics import decode_metrics, mend_start_ns
from collector.otlp.slis import latency_counts
from tests.collector.exports import T0, envoy


def request():
    message = ExportMetricsServiceRequest()
    return message, message.resource_metrics.add().scope_metrics.add().metrics


def test_every_point_of_an_envoy_flush_is_kept():
    batch = decode_metrics(envoy("A-16-canary-20pct__metrics__fe"))

    assert batch.rejected == 0
    assert len(batch.points) + len(batch.histograms) == 321
    assert batch.resources[0].service == "frontend"
    assert {series.temporality for series in batch.series if series.type == "sum"} == {1}


def test_start_times_in_microseconds_are_mended():
    starts = decode_metrics(envoy("A-00")).points["start_ns"].to_pylist()

    assert {start for start in starts if 0 < start < 10**17} == set()
    assert mend_start_ns(1_795_405_088_735_755) == 1_795_405_088_735_755_000
    assert mend_start_ns(0) == 0


def test_integers_doubles_and_gaps_are_told_apart():
    message, metrics = request()
    points = metrics.add(name="m").gauge.data_points
    points.add(time_unix_nano=T0, as_int=2**62)
    points.add(time_unix_nano=T0, as_double=0.5)
    points.add(time_unix_nano=T0, as_double=0.5, flags=1)

    rows = decode_metrics(message.SerializeToString()).points.to_pylist()

    assert [(row["value_int"], row["value_double"]) for row in rows] == [
        (2**62, None),
        (None, 0.5),
        (None, None),
    ]


def test_points_without_time_and_crooked_histograms_are_left_out_and_counted():
    message, metrics = request()
    metrics.add(name="m").gauge.data_points.add(as_int=1)
    points = metrics.add(name="h").histogram.data_points
    points.add(time_unix_nano=T0, explicit_bounds=[1, 2], bucket_counts=[1])
    points.add(time_unix_nano=T0, explicit_bounds=[1, 2], bucket_counts=[1, 2, 3], count=6)

    batch = decode_metrics(message.SerializeToString())

    assert (batch.rejected, len(batch.histograms)) == (2, 1)


def test_an_exponential_histogram_becomes_bounds():
    message, metrics = request()
    point = metrics.add(name="h").exponential_histogram.data_points.add(
        time_unix_nano=T0, scale=0, count=7, zero_count=1
    )
    point.positive.offset = 6
    point.positive.bucket_counts.extend([2, 0, 4])

    (row,) = decode_metrics(message.SerializeToString()).histograms.to_pylist()

    assert row["bounds"] == [0.0, 64.0, 128.0, 256.0, 512.0]
    assert row["bucket_counts"] == [1, 0, 2, 0, 4, 0]
    assert latency_counts(row["bounds"], row["bucket_counts"]) == {0: 1, 4: 2, 20: 4}


def test_a_summary_becomes_gauges_a_count_and_a_sum():
    message, metrics = request()
    point = metrics.add(name="s").summary.data_points.add(time_unix_nano=T0, count=4, sum=math.pi)
    point.quantile_values.add(quantile=0.99, value=2.5)

    batch = decode_metrics(message.SerializeToString())

    assert [series.name for series in batch.series] == ["s", "s_count", "s_sum"]
    assert batch.series[0].attributes == '{"quantile":"0.99"}'
    assert batch.points["value_int"].to_pylist() == [None, 4, None]


def test_series_differ_by_scope_and_attributes_not_by_their_order():
    message = ExportMetricsServiceRequest()
    resource = message.resource_metrics.add()
    for scope, keys in (("a", "xy"), ("a", "yx"), ("b", "xy")):
        metrics = resource.scope_metrics.add()
        metrics.scope.name = scope
        point = metrics.metrics.add(name="m").gauge.data_points.add(time_unix_nano=T0, as_int=1)
        for key in keys:
            point.attributes.add(key=key).value.string_value = key

    batch = decode_metrics(message.SerializeToString())

    assert [series.scope for series in batch.series] == ["a", "b"]
    assert batch.points["series"].to_pylist() == [0, 0, 1]


def test_a_truncated_body_is_malformed():
    with pytest.raises(MalformedPayload):
        decode_metrics(envoy("A-00")[:-1])
