"""Metrics decoded."""

import math

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from collector.otlp.errors import MalformedPayload
from collector.otlp.metrics import decode_metrics, mend_start_ns
from tests.collector.exports import T0, envoy


def request():
    message = ExportMetricsServiceRequest()
    return message, message.resource_metrics.add().scope_metrics.add().metrics


def test_every_point_of_an_envoy_flush_is_kept():
    batch = decode_metrics(envoy("A-16-canary-20pct__metrics__fe"))

    assert batch.rejected == 0
    assert batch.rows == 321
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


def test_a_histogram_keeps_sum_min_max_and_its_filled_buckets():
    message, metrics = request()
    points = metrics.add(name="h").histogram.data_points
    points.add(
        time_unix_nano=T0, explicit_bounds=[1, 2, 3], bucket_counts=[0, 4, 0, 0], count=4,
        sum=6.5, min=1.5, max=1.75,
    )  # fmt: skip
    points.add(time_unix_nano=T0, count=4)

    batch = decode_metrics(message.SerializeToString())
    first, second = batch.histograms.to_pylist()

    assert batch.bounds == ((1.0, 2.0, 3.0), ())
    assert (first["first_bucket"], first["bucket_counts"]) == (1, [4])
    assert (first["sum"], first["min"], first["max"]) == (6.5, 1.5, 1.75)
    assert (second["count"], second["sum"], second["bucket_counts"]) == (4, None, [])


def test_an_exponential_histogram_is_kept_as_it_is():
    message, metrics = request()
    point = metrics.add(name="h").exponential_histogram.data_points.add(
        time_unix_nano=T0, scale=-2, count=8, zero_count=1, zero_threshold=0.5, min=-9, max=300
    )
    point.positive.offset = 6
    point.positive.bucket_counts.extend([0, 2, 0, 4, 0])
    point.negative.offset = -3
    point.negative.bucket_counts.extend([1])

    (row,) = decode_metrics(message.SerializeToString()).exponentials.to_pylist()

    assert (row["scale"], row["zero_count"], row["zero_threshold"]) == (-2, 1, 0.5)
    assert (row["positive_offset"], row["positive_counts"]) == (7, [2, 0, 4])
    assert (row["negative_offset"], row["negative_counts"]) == (-3, [1])
    assert (row["count"], row["sum"], row["min"], row["max"]) == (8, None, -9, 300)


def test_a_summary_keeps_its_quantiles_count_and_sum():
    message, metrics = request()
    point = metrics.add(name="s").summary.data_points.add(time_unix_nano=T0, count=4, sum=math.pi)
    point.quantile_values.add(quantile=0.5, value=1.5)
    point.quantile_values.add(quantile=0.99, value=2.5)

    batch = decode_metrics(message.SerializeToString())
    (row,) = batch.summaries.to_pylist()

    assert [series.type for series in batch.series] == ["summary"]
    assert (row["count"], row["sum"]) == (4, math.pi)
    assert (row["quantiles"], row["quantile_values"]) == ([0.5, 0.99], [1.5, 2.5])


def test_a_point_without_a_recorded_value_is_a_gap_in_every_shape():
    message, metrics = request()
    metrics.add(name="g").gauge.data_points.add(time_unix_nano=T0, flags=1)
    for shape in ("histogram", "exponential_histogram", "summary"):
        getattr(metrics.add(name=shape), shape).data_points.add(time_unix_nano=T0, flags=1)

    batch = decode_metrics(message.SerializeToString())

    assert batch.points["value_int"].to_pylist() == [None]
    for table in (batch.histograms, batch.exponentials, batch.summaries):
        assert table["count"].to_pylist() == [None]


def test_exemplars_keep_value_trace_and_the_attributes_the_series_has_not():
    message, metrics = request()
    point = metrics.add(name="h").histogram.data_points.add(time_unix_nano=T0, count=1)
    seen = point.exemplars.add(
        time_unix_nano=T0 - 5, as_double=0.25, trace_id=b"\x01" * 16, span_id=b"\x02" * 8
    )
    seen.filtered_attributes.add(key="user").value.string_value = "u"
    point.exemplars.add(as_int=3)
    point.exemplars.add()

    batch = decode_metrics(message.SerializeToString())
    first, second = batch.exemplars.to_pylist()

    assert (first["time_ns"], first["value_double"]) == (T0 - 5, 0.25)
    assert (first["trace_hi"], first["span_id"]) == (0x0101010101010101, 0x0202020202020202)
    assert first["attributes"] == '{"user":"u"}'
    assert (second["time_ns"], second["value_int"], second["trace_hi"]) == (T0, 3, None)
    assert batch.warnings == {
        "exemplar left out: without a value, or after the year 2262": 1,
        "metric without a temporality": 1,
    }


def test_what_a_metric_says_of_itself_is_kept():
    message, metrics = request()
    for text in ("Requests.", "Requests.", ""):
        metric = metrics.add(name="m", description=text, unit="1")
        metric.gauge.data_points.add(time_unix_nano=T0, as_int=1)

    assert decode_metrics(message.SerializeToString()).descriptions == (("m", "Requests."),)


@pytest.mark.parametrize(("temporality", "kept", "warned"), [(0, 0, 1), (1, 1, 0), (2, 2, 0)])
def test_the_temporality_is_kept_and_a_missing_one_warned_of(temporality, kept, warned):
    message, metrics = request()
    metric = metrics.add(name="m")
    metric.sum.aggregation_temporality = temporality
    metric.sum.data_points.add(time_unix_nano=T0, as_int=1)

    batch = decode_metrics(message.SerializeToString())

    assert batch.series[0].temporality == kept
    assert batch.warnings.get("metric without a temporality", 0) == warned


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
