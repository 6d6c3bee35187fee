"""ExportMetricsServiceRequest -> a Batch of series, points and histogram points.

Never computes a delta or a rate: cumulative values stay as they came (``counters`` does that).
Exponential histograms become explicit bounds, summaries become gauges with a ``quantile`` attribute
plus ``_count`` and ``_sum``. A bad point is left out and counted, its neighbours stay.
Spec: https://opentelemetry.io/docs/specs/otel/metrics/data-model/
"""

from collections.abc import Iterable
from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from collector.otlp import attributes as attrs
from collector.otlp.batch import CUMULATIVE, MAX_TIME_NS, Batch, BatchBuilder, Series
from collector.otlp.errors import MalformedPayload, why

_NO_RECORDED_VALUE: Final = 1
_FIRST_NANOSECONDS: Final = 10**17
"""1973 in nanoseconds, the year 5138 in microseconds: what is below is not nanoseconds."""
_MAX_COUNT: Final = 2**53
_MAX_EXPONENT: Final = 1023.0


def decode_metrics(body: bytes) -> Batch:
    """Decode one request; raise MalformedPayload when it is none."""
    try:
        request = ExportMetricsServiceRequest.FromString(body)
    except DecodeError as error:
        raise MalformedPayload(why(error)) from error
    builder = BatchBuilder()
    for resource_metrics in request.resource_metrics:
        resource = builder.resource(attrs.resource(resource_metrics.resource))
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                _Stream(builder, resource, scope_metrics.scope.name, metric).add()
    return builder.build(len(body))


def mend_start_ns(start_ns: int) -> int:
    """Return the start time in ns: Envoy 1.40 sends microseconds in ``start_time_unix_nano``."""
    return start_ns * 1000 if 0 < start_ns < _FIRST_NANOSECONDS else start_ns


class _Stream:
    """The points of one Metric message on their way into the builder."""

    def __init__(self, builder: BatchBuilder, resource: int, scope: str, metric: Any) -> None:
        self.builder, self.resource, self.scope, self.metric = builder, resource, scope, metric
        self.type = metric.WhichOneof("data")
        self.data = getattr(metric, self.type) if self.type else None
        self.temporality = int(getattr(self.data, "aggregation_temporality", 0))

    def add(self) -> None:
        match self.type:
            case None:
                return
            case "gauge" | "sum":
                add = self._number
            case "histogram":
                add = self._histogram
            case "exponential_histogram":
                add = self._exponential
            case _:
                add = self._summary
        for point in getattr(self.data, "data_points", ()):
            if not 0 < point.time_unix_nano <= MAX_TIME_NS:
                self.builder.reject("point without a time, or after the year 2262")
            elif getattr(point, "count", 0) > _MAX_COUNT:
                self.builder.reject("count above 2^53")
            else:
                add(point)

    def _number(self, point: Any) -> None:
        kind = None if point.flags & _NO_RECORDED_VALUE else point.WhichOneof("value")
        self._point(
            point,
            self._series(point, self.metric.name, self.type),
            point.as_int if kind == "as_int" else None,
            point.as_double if kind == "as_double" else None,
        )

    def _summary(self, point: Any) -> None:
        for value in point.quantile_values:
            label = [("quantile", f"{value.quantile:g}")]
            series = self._series(point, self.metric.name, "gauge", label)
            self._point(point, series, None, value.value)
        for suffix, value in (("_count", point.count), ("_sum", point.sum)):
            series = self._series(point, self.metric.name + suffix, "summary")
            self._point(point, series, *((value, None) if suffix == "_count" else (None, value)))

    def _histogram(self, point: Any) -> None:
        counts = list(point.bucket_counts)
        if counts and len(counts) != len(point.explicit_bounds) + 1:
            self.builder.reject("histogram whose bucket counts do not fit its bounds")
        else:
            self._buckets(point, list(point.explicit_bounds), counts)

    def _exponential(self, point: Any) -> None:
        if not -10 <= point.scale <= 20:
            self.builder.reject("exponential histogram with a scale outside -10..20")
            return
        self._buckets(point, *explicit_buckets(point))

    def _buckets(self, point: Any, bounds: list[float], counts: list[int]) -> None:
        if point.flags & _NO_RECORDED_VALUE:
            return
        if max(counts, default=0) > _MAX_COUNT:
            self.builder.reject("count above 2^53")
            return
        series = self._series(point, self.metric.name, self.type)
        total = point.sum if point.HasField("sum") else None
        times = self._times(point)
        self.builder.histograms.rows.append((series, *times, point.count, total, bounds, counts))

    def _point(self, point: Any, series: int, number: int | None, real: float | None) -> None:
        self.builder.points.rows.append((series, *self._times(point), number, real))

    def _times(self, point: Any) -> tuple[int, int]:
        start_ns = mend_start_ns(point.start_time_unix_nano)
        start_ns = start_ns if start_ns <= point.time_unix_nano else 0
        if self.temporality == CUMULATIVE:
            self.builder.hear(self.resource, start_ns, point.time_unix_nano)
        return point.time_unix_nano, start_ns

    def _series(
        self, point: Any, name: str, kind: str, more: Iterable[tuple[str, str]] = ()
    ) -> int:
        values = attrs.attributes(point.attributes) | dict(more)
        return self.builder.series(
            Series(
                resource=self.resource,
                scope=self.scope,
                name=name,
                unit=self.metric.unit,
                type=kind,
                temporality=self.temporality,
                is_monotonic=bool(getattr(self.data, "is_monotonic", False)),
                attributes=attrs.to_json(values),
            )
        )


def explicit_buckets(point: Any) -> tuple[list[float], list[int]]:
    """Return the bounds and counts of an exponential histogram point, negatives first.

    Bucket i of scale s holds (2^(i / 2^s), 2^((i+1) / 2^s)]; the zero bucket ends at its threshold.
    Bounds beyond the doubles are cut off at their edge. Gaps get a bucket with count 0.
    """
    per_doubling = 2.0**point.scale

    def bound(index: int) -> float:
        return float(2.0 ** min(max(index / per_doubling, -_MAX_EXPONENT), _MAX_EXPONENT))

    intervals: list[tuple[float, float, int]] = []
    negative, positive = point.negative, point.positive
    for i, count in reversed(list(enumerate(negative.bucket_counts, negative.offset))):
        intervals.append((-bound(i + 1), -bound(i), count))
    intervals.append((-point.zero_threshold, point.zero_threshold, point.zero_count))
    for i, count in enumerate(positive.bucket_counts, positive.offset):
        intervals.append((bound(i), bound(i + 1), count))
    bounds: list[float] = []
    counts: list[int] = []
    for low, high, count in intervals:
        if not count:
            continue
        if not bounds or bounds[-1] < low:
            bounds.append(low)
            counts.append(0)
        if high > bounds[-1]:
            bounds.append(high)
            counts.append(count)
        else:
            counts[-1] += count
    return bounds, [*counts, 0] if bounds else []
