"""OTLP conformance of metrics, both transports: points X of the checklist."""

import itertools

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from collector import semconv
from collector.store import reader
from tests.collector.exports import SECOND, T0, metrics, put_attributes
from tests.collector.receiver.conformance.rig import over_grpc, over_http

BOTH = pytest.mark.parametrize("transport", [over_grpc, over_http])


def metric_request(*adders):
    """Return a metrics request; each adder puts points into a Metric of its own."""
    request = ExportMetricsServiceRequest()
    resource_metrics = request.resource_metrics.add()
    put_attributes(resource_metrics.resource.attributes, {"service.name": "frontend"})
    scope = resource_metrics.scope_metrics.add()
    for add in adders:
        metric = scope.metrics.add(name=f"m.{add.__name__}")
        add(metric)
    return request.SerializeToString()


TIMES = {"start_time_unix_nano": T0, "time_unix_nano": T0 + SECOND}


def gauge(metric, **fields):
    metric.gauge.data_points.add(**TIMES | {"as_double": 1.5} | fields)


def total(metric, *, temporality=2, **fields):
    metric.sum.aggregation_temporality = temporality
    metric.sum.data_points.add(**TIMES | {"as_int": 3} | fields)


def histogram(metric, **fields):
    metric.histogram.aggregation_temporality = 2
    buckets = {"explicit_bounds": [1.0], "bucket_counts": [1, 2], "count": 3}
    return metric.histogram.data_points.add(**TIMES | buckets | fields)


def exponential(metric, *, scale=3, **fields):
    metric.exponential_histogram.aggregation_temporality = 2
    point = metric.exponential_histogram.data_points.add(**TIMES | {"count": 3} | fields)
    point.scale = scale
    point.positive.bucket_counts.extend([1, 2])


def summary(metric, **fields):
    point = metric.summary.data_points.add(**TIMES | {"count": 2, "sum": 3.0} | fields)
    point.quantile_values.add(quantile=0.5, value=1.0)


@BOTH
def test_x01_all_five_types_are_accepted_whole(node, transport):
    body = metric_request(gauge, total, histogram, exponential, summary)

    assert transport(node, "metrics", body).ByteSize() == 0


@BOTH
@pytest.mark.parametrize("temporality", [0, 1, 2])
def test_x02_each_temporality_is_accepted(node, transport, temporality):
    body = metric_request(lambda metric: total(metric, temporality=temporality))

    assert transport(node, "metrics", body).partial_success.rejected_data_points == 0


@BOTH
def test_x03_points_without_a_recorded_value_are_accepted(node, transport):
    body = metric_request(
        lambda metric: metric.gauge.data_points.add(**TIMES, flags=1),
        lambda metric: histogram(metric, flags=1, explicit_bounds=[], bucket_counts=[], count=0),
        lambda metric: summary(metric, flags=1),
    )

    assert transport(node, "metrics", body).partial_success.rejected_data_points == 0


@BOTH
def test_x05_buckets_that_do_not_fit_their_bounds_are_rejected_by_the_point(node, transport):
    body = metric_request(
        lambda metric: histogram(metric, bucket_counts=[1, 2, 3]),
        lambda metric: histogram(metric, bucket_counts=[], explicit_bounds=[]),
    )

    assert transport(node, "metrics", body).partial_success.rejected_data_points == 1


@BOTH
@pytest.mark.parametrize(("scale", "rejected"), [(-11, 1), (-10, 0), (20, 0), (21, 1)])
def test_x06_a_scale_beyond_the_range_is_rejected_by_the_point(node, transport, scale, rejected):
    body = metric_request(lambda metric: exponential(metric, scale=scale))

    assert transport(node, "metrics", body).partial_success.rejected_data_points == rejected


@BOTH
def test_x07_exemplars_are_accepted(node, transport):
    def traced(metric):
        point = histogram(metric)
        point.exemplars.add(time_unix_nano=T0, as_double=0.5, trace_id=b"\1" * 16)

    assert transport(node, "metrics", metric_request(traced)).ByteSize() == 0


def counted(node, route):
    """Return the requests of a route, as the dashboard would."""
    counts = reader.edge_counts(node.store.cursor(), 0, 2**40, by=("route",)).to_pylist()
    return sum(row["requests"] for row in counts if row["route"] == route)


def sli(route, value, *, at_s, start_s=0, temporality=2):
    """Return a request with one counter point of a route, ``at_s`` after T0."""
    return metrics(
        [(semconv.SLI_REQUESTS, {semconv.TAG_ROUTE: route}, value)],
        service=route,
        start_ns=T0 + start_s * SECOND,
        time_ns=T0 + at_s * SECOND,
        temporality=temporality,
    )


@BOTH
def test_x04_another_start_time_is_a_reset_and_nothing_is_lost_or_doubled(node, transport):
    route = f"x04 {transport.__name__}"
    for value, start_s, at_s in ((10, 0, 5), (14, 0, 10), (3, 11, 15), (20, 11, 20)):
        body = sli(route, value, start_s=start_s, at_s=at_s)
        assert transport(node, "metrics", body).ByteSize() == 0

    assert counted(node, route) == 14 + 20


@BOTH
def test_x04_without_another_start_time_a_drop_is_a_reset(node, transport):
    route = f"x04 drop {transport.__name__}"
    for value, at_s in ((10, 5), (4, 10)):
        transport(node, "metrics", sli(route, value, at_s=at_s))

    assert counted(node, route) == 10 + 4


IDENTITY = {
    "service": ["x08-a", "x08-b"],
    "scope": ["", "scope"],
    "unit": ["", "ms"],
    "shape": ["gauge", "sum"],
    "attributes": [{}, {"k": "1"}, {"k": 1}],
}
"""What tells one stream from another; sums have their temporality and monotonicity beside."""


def streams():
    """Return each combination; sums in four ways."""
    for values in itertools.product(*IDENTITY.values()):
        found = dict(zip(IDENTITY, values, strict=True))
        ways = itertools.product((1, 2), (False, True)) if found["shape"] == "sum" else [(0, False)]
        for temporality, is_monotonic in ways:
            yield found | {"temporality": temporality, "is_monotonic": is_monotonic}


def stream_request(name, *, value, schema="", **stream):
    request = ExportMetricsServiceRequest()
    resource_metrics = request.resource_metrics.add(schema_url=schema)
    put_attributes(resource_metrics.resource.attributes, {"service.name": stream["service"]})
    scope = resource_metrics.scope_metrics.add(schema_url=schema)
    scope.scope.name = stream["scope"]
    metric = scope.metrics.add(name=name, unit=stream["unit"])
    data = getattr(metric, stream["shape"])
    if stream["shape"] == "sum":
        data.aggregation_temporality = stream["temporality"]
        data.is_monotonic = stream["is_monotonic"]
    start_ns = T0 + (value - 1) * SECOND if stream["temporality"] == 1 else T0
    point = data.data_points.add(as_int=value, start_time_unix_nano=start_ns)
    point.time_unix_nano = T0 + value * SECOND
    put_attributes(point.attributes, stream["attributes"])
    return request.SerializeToString()


@BOTH
def test_x08_each_part_of_the_identity_makes_a_stream_and_a_schema_url_does_not(node, transport):
    name = f"x08.{transport.__name__}"
    made = list(streams())
    for one in made:
        transport(node, "metrics", stream_request(name, value=1, **one))
        transport(node, "metrics", stream_request(name, value=2, schema="https://e.com/1", **one))

    where = f"metric_series.name = '{name}'"
    assert node.count("metric_series", where) == len(made) == 2 * 2 * 2 * 3 * 5
    points = "metric_points JOIN metric_series USING (series_id)"
    assert node.count(points, where) == 2 * len(made)


@BOTH
def test_x09_a_point_out_of_order_is_counted_in_its_own_time_and_noted(node, transport):
    route = f"x09 {transport.__name__}"
    late = "point not later than the newest of its series"
    before = node.writer.warnings.get(late, 0)
    for value, at_s in ((5, 20), (7, 10)):
        body = sli(route, value, start_s=at_s - 5, at_s=at_s, temporality=1)
        assert transport(node, "metrics", body).partial_success.rejected_data_points == 0

    assert counted(node, route) == 12
    assert node.writer.warnings[late] == before + 1


@BOTH
def test_x09_an_overlapping_delta_is_told_to_its_sender(node, transport):
    route = f"x09 overlap {transport.__name__}"
    overlap = "1 x delta point whose interval overlaps that of another"
    transport(node, "metrics", sli(route, 5, start_s=0, at_s=10, temporality=1))
    told = transport(node, "metrics", sli(route, 5, start_s=5, at_s=15, temporality=1))

    assert (told.partial_success.rejected_data_points, told.partial_success.error_message) == (
        0,
        overlap,
    )
    assert counted(node, route) == 10
