"""Exports of any metric type, made by hand, and series as plain values to compare."""

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from collector.prometheus.families import istio_families, mesh_families, service_graph_families
from collector.prometheus.source import StoreSource, indexes
from collector.prometheus.streams import Streams
from collector.promql.samples import Matcher, is_stale
from tests.collector.exports import SECOND, T0, put_attributes

T0_S = T0 // SECOND
T0_MS = T0_S * 1000
RESOURCE = {"service.name": "cart", "service.instance.id": "cart-0"}
STALE = "stale"


class Export:
    """One request of one resource; points are added one by one."""

    def __init__(self, resource=RESOURCE, scope=""):
        self.request = ExportMetricsServiceRequest()
        resource_metrics = self.request.resource_metrics.add()
        put_attributes(resource_metrics.resource.attributes, resource)
        self.scope = resource_metrics.scope_metrics.add()
        self.scope.scope.name = scope

    def gauge(self, name, value, at_s, *, unit="", gap=False, **attributes):
        point = self.scope.metrics.add(name=name, unit=unit).gauge.data_points.add()
        return self._number(point, value, at_s, gap, attributes)

    def counter(self, name, value, at_s, *, unit="", delta=False, gap=False, **attributes):
        metric = self.scope.metrics.add(name=name, unit=unit, description=f"About {name}.")
        metric.sum.is_monotonic = True
        metric.sum.aggregation_temporality = 1 if delta else 2
        return self._number(metric.sum.data_points.add(), value, at_s, gap, attributes)

    def histogram(
        self, name, bounds, counts, at_s, *, total=None, delta=False, gap=False, **attributes
    ):
        metric = self.scope.metrics.add(name=name)
        metric.histogram.aggregation_temporality = 1 if delta else 2
        point = metric.histogram.data_points.add(
            explicit_bounds=bounds, bucket_counts=counts, count=sum(counts), sum=total
        )
        return self._point(point, at_s, gap, attributes)

    def exponential(self, name, scale, offset, counts, at_s, *, delta=False, gap=False):
        metric = self.scope.metrics.add(name=name)
        metric.exponential_histogram.aggregation_temporality = 1 if delta else 2
        point = metric.exponential_histogram.data_points.add(
            scale=scale, count=sum(counts), sum=float(sum(counts))
        )
        point.positive.offset = offset
        point.positive.bucket_counts.extend(counts)
        return self._point(point, at_s, gap, {})

    def summary(self, name, quantiles, count, total, at_s, *, gap=False):
        point = self.scope.metrics.add(name=name).summary.data_points.add(count=count, sum=total)
        for quantile, value in quantiles.items():
            point.quantile_values.add(quantile=quantile, value=value)
        return self._point(point, at_s, gap, {})

    def bytes(self):
        return self.request.SerializeToString()

    def _number(self, point, value, at_s, gap, attributes):
        if isinstance(value, int):
            point.as_int = value
        else:
            point.as_double = value
        return self._point(point, at_s, gap, attributes)

    def _point(self, point, at_s, gap, attributes):
        point.time_unix_nano = T0 + round(at_s * SECOND)
        point.flags = int(gap)
        put_attributes(point.attributes, attributes)
        return self


def source(store, *, at_s=3600, streams=None, block_samples=4_000_000):
    """Return a source of a store, at a time after T0."""
    families = (*mesh_families(), *istio_families(), *service_graph_families())
    known = indexes(families, streams or Streams())
    return StoreSource(store.cursor(), known, T0_MS + int(at_s * 1000), block_samples)


def matchers(name, **labels):
    return [Matcher("__name__", "=", name), *(Matcher(key, "=", labels[key]) for key in labels)]


def read(found, wanted, from_s=0, to_s=3600):
    """Return {labels without the name: [(seconds since T0, value)]}."""
    series = {}
    for block in found.select(wanted, T0_MS + int(from_s * 1000), T0_MS + int(to_s * 1000)):
        stale = is_stale(block.values)
        for place, labels in enumerate(block.labels):
            own = range(block.offsets[place], block.offsets[place + 1])
            key = tuple(pair for pair in labels if pair[0] != "__name__")
            assert (labels[0], key) not in series, "a series comes once"
            assert own
            series[key] = [
                ((int(block.times_ms[at]) - T0_MS) / 1000, _value(block, at, stale)) for at in own
            ]
    return series


def _value(block, at, stale):
    if stale[at]:
        return STALE
    native = None if block.histograms is None else block.histograms[at]
    return float(block.values[at]) if native is None else native
