"""ExportMetricsServiceRequest -> a Batch of series, and of points in the shape they came in.

Never computes a delta or a rate, and never turns one shape into another: numbers, histograms,
exponential histograms and summaries have a table each, exemplars one for all. A bad point is left
out and counted, its neighbours stay; a strange one is kept, and the sender is warned.
Spec: https://opentelemetry.io/docs/specs/otel/metrics/data-model/
"""

import math
from collections.abc import Callable
from typing import Any, Final

from google.protobuf.message import DecodeError

from collector.otlp import attributes as attrs
from collector.otlp.batch import CUMULATIVE, MAX_TIME_NS, Batch, BatchBuilder, Series
from collector.otlp.errors import MalformedPayload, why
from collector.otlp.exemplars import add_exemplars
from collector.otlp.exponential import MAX_SCALE, MIN_SCALE, trimmed
from collector.otlp.histograms import are_bounds, trim
from collector.otlp.known_metrics import KnownMetrics
from collector.otlp.starts import MIN_TIME_NS, mend_start_ns
from collector.otlp.unparsed import Metric, MetricsRequest

_NO_RECORDED_VALUE: Final = 1
_MAX_COUNT: Final = 2**53
_MAX_INDEX: Final = 2**31 - 1
_COUNT_TOO_LARGE: Final = "count above 2^53"
_KNOWN: Final = attrs.KnownAttributes()
_KNOWN_METRICS: Final = KnownMetrics()
_ADDERS: Final = {
    "gauge": "_number",
    "sum": "_number",
    "histogram": "_histogram",
    "exponential_histogram": "_exponential",
    "summary": "_summary",
}
"""The field of ``Metric.data`` -> the method of ``_Stream`` that takes its points."""


def decode_metrics(body: bytes, known: KnownMetrics = _KNOWN_METRICS) -> Batch:
    """Decode one request; raise MalformedPayload when it is none."""
    try:
        request = MetricsRequest.FromString(body)
    except DecodeError as error:
        raise MalformedPayload(why(error)) from error
    builder = BatchBuilder()
    for resource_metrics in request.resource_metrics:
        resource = builder.resource(attrs.resource(resource_metrics.resource, builder.warn))
        for scope_metrics in resource_metrics.scope_metrics:
            scope = scope_metrics.scope.name
            for raw in scope_metrics.metrics:
                if not known.take(builder, resource, scope, raw):
                    _parse(builder, resource, scope, raw, known)
    return builder.build(len(body))


def _parse(
    builder: BatchBuilder, resource: int, scope: str, raw: bytes, known: KnownMetrics
) -> None:
    """Take a metric in that is not known yet, and know it from now on if it is a plain one."""
    try:
        metric = Metric.FromString(raw)
    except DecodeError as error:
        raise MalformedPayload(why(error)) from error
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    odd = builder.oddities
    stream = _Stream(builder, resource, scope, metric, kind)
    stream.add()
    is_plain = kind in ("gauge", "sum", "histogram") and builder.oddities == odd
    if is_plain and len(stream.data.data_points) == 1:
        known.learn(raw, stream.data.data_points[0], builder, stream.description)


class _Stream:
    """The points of one Metric message on their way into the builder."""

    def __init__(
        self, builder: BatchBuilder, resource: int, scope: str, metric: Any, kind: str
    ) -> None:
        self.builder, self.resource, self.scope, self.type = builder, resource, scope, kind
        self.name, self.unit, self.description = metric.name, metric.unit, metric.description
        self.data = getattr(metric, kind)
        self.temporality = self._temporality()
        self.is_monotonic = kind == "sum" and self.data.is_monotonic

    def add(self) -> None:
        points = self.data.data_points
        if len(self.name) > attrs.MAX_KEY:
            for _ in points:
                self.builder.reject("metric with a name longer than 1024 characters")
            return
        if self.description:
            self.builder.describe(self.name, self.description[: attrs.MAX_KEY])
        add: Callable[[Any, int], None] = getattr(self, _ADDERS[self.type])
        for point in points:
            time_ns = point.time_unix_nano
            if 0 < time_ns <= MAX_TIME_NS:
                add(point, time_ns)
            else:
                self.builder.reject("point without a time, or after the year 2262")
            if time_ns < MIN_TIME_NS:
                self.builder.warn("time before the year 2000")

    def _temporality(self) -> int:
        if self.type in ("gauge", "summary"):
            return 0
        temporality = int(self.data.aggregation_temporality)
        if temporality in (1, CUMULATIVE):
            return temporality
        self.builder.warn("metric without a temporality")
        return 0

    def _number(self, point: Any, time_ns: int) -> None:
        kind = None if point.flags & _NO_RECORDED_VALUE else point.WhichOneof("value")
        number = point.as_int if kind == "as_int" else None
        real = point.as_double if kind == "as_double" else None
        if self.is_monotonic and not _is_count(number, real):
            self.builder.warn("monotonic sum that is negative, infinite or NaN")
        series = self._series(point)
        self.builder.points.rows.append(
            (series, time_ns, self._start(point, time_ns), number, real)
        )
        if point.exemplars:
            add_exemplars(self.builder, series, point.exemplars, time_ns)

    def _histogram(self, point: Any, time_ns: int) -> None:
        counts, bounds = point.bucket_counts, tuple(point.explicit_bounds)
        if counts and len(counts) != len(bounds) + 1:
            self.builder.reject("histogram whose bucket counts do not fit its bounds")
        elif not are_bounds(bounds):
            self.builder.reject("histogram whose bounds do not grow")
        elif self._is_counted(point, counts):
            first, filled = trim(counts)
            if counts and sum(filled) != point.count:
                self.builder.warn("histogram whose count is not the sum of its buckets")
            series, *rest = self._distribution(point, time_ns)
            row = (series, *rest, self.builder.bounds(bounds), first, filled)
            self.builder.histograms.rows.append(row)
            add_exemplars(self.builder, series, point.exemplars, time_ns)

    def _exponential(self, point: Any, time_ns: int) -> None:
        sides = point.positive, point.negative
        if not MIN_SCALE <= point.scale <= MAX_SCALE:
            self.builder.reject("exponential histogram with a scale outside -10..20")
        elif not 0 <= point.zero_threshold < math.inf:
            self.builder.reject("exponential histogram with a zero threshold that is none")
        elif any(side.offset + len(side.bucket_counts) > _MAX_INDEX for side in sides):
            self.builder.reject("exponential histogram with a bucket beyond all numbers")
        elif self._is_counted(point, [*sides[0].bucket_counts, *sides[1].bucket_counts]):
            positive, negative = (trimmed(side.offset, tuple(side.bucket_counts)) for side in sides)
            total = sum(positive.counts) + sum(negative.counts) + point.zero_count
            if total != point.count:
                self.builder.warn("histogram whose count is not the sum of its buckets")
            series, *rest = self._distribution(point, time_ns)
            self.builder.exponentials.rows.append(
                (
                    series,
                    *rest,
                    point.scale,
                    point.zero_count,
                    point.zero_threshold,
                    positive.offset,
                    positive.counts,
                    negative.offset,
                    negative.counts,
                )
            )
            add_exemplars(self.builder, series, point.exemplars, time_ns)

    def _summary(self, point: Any, time_ns: int) -> None:
        if point.count > _MAX_COUNT:
            self.builder.reject(_COUNT_TOO_LARGE)
            return
        is_gap = point.flags & _NO_RECORDED_VALUE
        values = point.quantile_values
        self.builder.summaries.rows.append(
            (
                self._series(point),
                time_ns,
                self._start(point, time_ns),
                None if is_gap else point.count,
                None if is_gap else point.sum,
                [one.quantile for one in values],
                [one.value for one in values],
            )
        )

    def _is_counted(self, point: Any, counts: Any) -> bool:
        """Tell whether the counts of a distribution are such that sums of them stay exact."""
        largest = max(point.count, getattr(point, "zero_count", 0), max(counts, default=0))
        if largest > _MAX_COUNT:
            self.builder.reject(_COUNT_TOO_LARGE)
        return bool(largest <= _MAX_COUNT)

    def _distribution(self, point: Any, time_ns: int) -> tuple[Any, ...]:
        """Return what both kinds of histogram begin with; a gap has no count."""
        return (
            self._series(point),
            time_ns,
            self._start(point, time_ns),
            None if point.flags & _NO_RECORDED_VALUE else point.count,
            point.sum if point.HasField("sum") else None,
            point.min if point.HasField("min") else None,
            point.max if point.HasField("max") else None,
        )

    def _start(self, point: Any, time_ns: int) -> int:
        start_ns = mend_start_ns(point.start_time_unix_nano)
        start_ns = start_ns if start_ns <= time_ns else 0
        if self.temporality == CUMULATIVE:
            self.builder.hear(self.resource, start_ns, time_ns)
        return start_ns

    def _series(self, point: Any) -> int:
        return self.builder.series(
            Series(
                self.resource,
                self.scope,
                self.name,
                self.unit,
                self.type,
                self.temporality,
                self.is_monotonic,
                _KNOWN.document(point.attributes, self.builder.warn),
            )
        )


def _is_count(number: int | None, real: float | None) -> bool:
    """Tell whether a value can be that of a monotonic sum; a gap can."""
    return (number is None or number >= 0) and (real is None or 0 <= real < math.inf)
