"""Export requests made by hand, and those that a real Envoy sent."""

import hashlib
from pathlib import Path

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector import semconv

ENVOY = Path(__file__).parents[1] / "fixtures" / "envoy"
SECOND = 10**9
T0 = 1_800_000_000 * SECOND
ENVOY_TIME_NS = 1_795_405_760 * SECOND
"""When the fixtures of Envoy were recorded."""
TAGS = {
    semconv.TAG_DIRECTION: semconv.OUTBOUND,
    semconv.TAG_ROUTE: "default",
    semconv.TAG_UPSTREAM_CLUSTER: "backend|v1",
    semconv.TAG_CODE: "200",
    semconv.TAG_FLAGS: "-",
    semconv.TAG_SOURCE: "",
    semconv.TAG_DESTINATION: "spiffe://mesh.local/ns/default/sa/backend",
}


def envoy(start: str) -> bytes:
    """Return the body of the only fixture whose name begins so."""
    (path,) = ENVOY.glob(f"{start}*.pb")
    return path.read_bytes()


def digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


def put_attributes(target, values):
    for key, value in values.items():
        attribute = target.add(key=key)
        if isinstance(value, bool):
            attribute.value.bool_value = value
        elif isinstance(value, int):
            attribute.value.int_value = value
        else:
            attribute.value.string_value = value


def metrics(
    points, *, start_ns=T0, time_ns, service="frontend", temporality=2, version=""
) -> bytes:
    """Return a request with one point per (name, tags, value); a list of counts is a histogram."""
    request = ExportMetricsServiceRequest()
    resource_metrics = request.resource_metrics.add()
    put_attributes(resource_metrics.resource.attributes, {semconv.SERVICE_NAME: service})
    if version:
        put_attributes(resource_metrics.resource.attributes, {semconv.SERVICE_VERSION: version})
    scope = resource_metrics.scope_metrics.add()
    for name, tags, value in points:
        metric = scope.metrics.add(name=name)
        if isinstance(value, tuple):
            bounds, counts = value
            metric.histogram.aggregation_temporality = temporality
            point = metric.histogram.data_points.add(
                explicit_bounds=bounds, bucket_counts=counts, count=sum(counts)
            )
        else:
            metric.sum.aggregation_temporality = temporality
            metric.sum.is_monotonic = True
            point = metric.sum.data_points.add(as_int=value)
        point.start_time_unix_nano, point.time_unix_nano = start_ns, time_ns
        put_attributes(point.attributes, TAGS | tags)
    return request.SerializeToString()


def requests(value, *, start_ns=T0, time_ns, **tags) -> bytes:
    """Return a request with one cumulative sli.requests point."""
    return metrics([(semconv.SLI_REQUESTS, tags, value)], start_ns=start_ns, time_ns=time_ns)


def span_request(attributes=None, **fields) -> bytes:
    """Return a request with one good span, changed by ``fields``."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    put_attributes(resource_spans.resource.attributes, {semconv.SERVICE_NAME: "frontend"})
    span = resource_spans.scope_spans.add().spans.add(
        **{
            "trace_id": b"\x01" * 16,
            "span_id": b"\x02" * 8,
            "name": "GET /",
            "kind": 2,
            "start_time_unix_nano": T0,
            "end_time_unix_nano": T0 + 5,
        }
        | fields
    )
    put_attributes(span.attributes, attributes or {})
    return request.SerializeToString()
