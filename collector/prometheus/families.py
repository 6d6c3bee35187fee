"""The metrics derived from edges: which labels an edge gets, and what of it is counted.

Values only. ``mesh`` is what ``/metrics/mesh`` exposes, to the same integer. ``istio`` and
``service graph`` are the names of Istio's standard metrics and of Tempo's service graphs, so that
their dashboards work with any mesh. Only canonical edges are read, so that each request counts
once; what arrived is told by the others too.
https://istio.io/latest/docs/reference/config/metrics/
https://grafana.com/docs/tempo/latest/metrics-from-traces/service_graphs/
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from collector import semconv
from collector.edges import (
    LATENCY_BUCKETS,
    Edge,
    is_error,
    latency_bound_us,
)
from collector.prometheus.numbers import positional

Measure = Literal[
    "requests", "attempts", "retries", "arrivals", "buckets", "durations", "seconds", "milliseconds"
]
"""``arrivals`` are requests by the best signal of the callee's side, counted there or not;
``durations`` counts requests that ended; ``seconds`` and ``milliseconds`` add durations up."""
LATENCIES: Final[frozenset[Measure]] = frozenset(
    ["buckets", "durations", "seconds", "milliseconds"]
)
LabelSets = Callable[[Edge, str], Iterable[Mapping[str, str]]]
"""An edge, and the namespace of its destination, '' if unknown -> the label sets it counts in."""
Bounds = tuple[tuple[int, str], ...]
"""(last latency bucket, ``le``) of each finite bound, ascending."""


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with one name. ``yields``: series of this name that were exported come first."""

    name: str
    type: Literal["counter", "histogram"]
    help: str
    measure: Measure
    labels: LabelSets
    bounds: Bounds = ()
    yields: bool = True


def mesh_families(extra_buckets: Sequence[int] = ()) -> tuple[Family, ...]:
    """Return what ``/metrics/mesh`` exposes; ``extra_buckets`` are the thresholds of objectives."""
    bounds = tuple(
        (bucket, repr(latency_bound_us(bucket) / 1e6))
        for bucket in sorted({*_DOUBLINGS, *extra_buckets})
    )
    told = "Duration of requests that ended, first byte received to last byte sent, by result."
    duration = "mesh_request_duration_seconds"
    return (
        Family(
            "mesh_requests_total",
            "counter",
            "Requests between services, each counted once, after retries.",
            "requests",
            _mesh_request,
            yields=False,
        ),
        Family(
            "mesh_retries_total",
            "counter",
            "Upstream attempts beyond the first of each request.",
            "retries",
            _mesh_pair,
            yields=False,
        ),
        Family(
            "mesh_attempts_total",
            "counter",
            "Upstream attempts as the caller's side sent them, retries included.",
            "attempts",
            _mesh_pair,
            yields=False,
        ),
        Family(
            "mesh_arrivals_total",
            "counter",
            "Attempts as the callee's side answered them, by result: the actual outcome.",
            "arrivals",
            _mesh_arrivals,
            yields=False,
        ),
        Family(
            "mesh_tls_requests_total",
            "counter",
            "Requests by transport security; none: nothing was reached.",
            "requests",
            _mesh_tls,
            yields=False,
        ),
        Family(
            f"{duration}_bucket", "histogram", told, "buckets", _mesh_result, bounds, yields=False
        ),
        Family(f"{duration}_count", "histogram", told, "durations", _mesh_result, yields=False),
    )


def istio_families() -> tuple[Family, ...]:
    """Return Istio's request metrics. Durations are added up from the middles of buckets."""
    bounds = tuple((bucket, positional(latency_bound_us(bucket) / 1e3)) for bucket in _DOUBLINGS)
    told = "Duration of requests that ended, in milliseconds."
    duration = "istio_request_duration_milliseconds"
    return (
        Family("istio_requests_total", "counter", "Requests, after retries.", "requests", _istio),
        Family(f"{duration}_bucket", "histogram", told, "buckets", _istio, bounds),
        Family(f"{duration}_count", "histogram", told, "durations", _istio),
        Family(f"{duration}_sum", "histogram", told, "milliseconds", _istio),
    )


def service_graph_families() -> tuple[Family, ...]:
    """Return the metrics of Tempo's service graphs; both sides tell the same durations."""
    bounds = tuple((bucket, positional(latency_bound_us(bucket) / 1e6)) for bucket in _DOUBLINGS)
    told = "Duration of requests from one service to another that ended."
    prefix = "traces_service_graph_request"
    return (
        Family(
            f"{prefix}_total",
            "counter",
            "Requests from one service to another.",
            "requests",
            _service_graph,
        ),
        Family(
            f"{prefix}_failed_total",
            "counter",
            "Failed requests from one service to another.",
            "requests",
            _service_graph_failed,
        ),
        *(
            family
            for side in ("server", "client")
            for family in (
                Family(
                    f"{prefix}_{side}_seconds_bucket",
                    "histogram",
                    told,
                    "buckets",
                    _service_graph,
                    bounds,
                ),
                Family(
                    f"{prefix}_{side}_seconds_count",
                    "histogram",
                    told,
                    "durations",
                    _service_graph,
                ),
                Family(
                    f"{prefix}_{side}_seconds_sum", "histogram", told, "seconds", _service_graph
                ),
            )
        ),
    )


_DOUBLINGS: Final = range(0, LATENCY_BUCKETS + 1, semconv.LATENCY_BUCKETS_PER_DOUBLING)
_UNKNOWN: Final = "unknown"


def _mesh_request(edge: Edge, _namespace: str) -> Iterable[Mapping[str, str]]:
    yield {
        **_pair(edge),
        "version": edge.version,
        "route": edge.route,
        "code": str(edge.code),
        "flags": edge.flags,
    }


def _mesh_pair(edge: Edge, _namespace: str) -> Iterable[Mapping[str, str]]:
    yield _pair(edge)


def _mesh_arrivals(edge: Edge, _namespace: str) -> Iterable[Mapping[str, str]]:
    """Yield both results: that none failed is a number too."""
    if edge.reporter == "destination":
        yield {**_pair(edge), "result": "ok"}
        yield {**_pair(edge), "result": "error"}


def _mesh_tls(edge: Edge, _namespace: str) -> Iterable[Mapping[str, str]]:
    yield {**_pair(edge), "mtls": edge.mtls}


def _mesh_result(edge: Edge, _namespace: str) -> Iterable[Mapping[str, str]]:
    result = "error" if is_error(edge.code) else "ok"
    yield {**_pair(edge), "version": edge.version, "route": edge.route, "result": result}


def _pair(edge: Edge) -> dict[str, str]:
    return {"source": edge.source, "destination": edge.destination}


def _istio(edge: Edge, namespace: str) -> Iterable[Mapping[str, str]]:
    """Yield what both ends would report: Istio's dashboards choose one by ``reporter``."""
    source = _UNKNOWN if edge.source == semconv.EXTERNAL else edge.source
    common = {
        **_workload("source", source, edge.workload if edge.reporter == "source" else "", ""),
        **_workload("destination", edge.destination, edge.version, namespace),
        "destination_service": edge.destination,
        "destination_service_name": edge.destination,
        "destination_service_namespace": namespace or _UNKNOWN,
        "request_protocol": "http",
        "response_code": str(edge.code),
        "response_flags": edge.flags,
    }
    security = {"mtls": "mutual_tls", "plaintext": "none"}.get(edge.mtls, _UNKNOWN)
    if edge.source != semconv.EXTERNAL:
        yield common | {"reporter": "source", "connection_security_policy": _UNKNOWN}
    if edge.destination != semconv.UNKNOWN:
        yield common | {"reporter": "destination", "connection_security_policy": security}


def _workload(side: str, name: str, version: str, namespace: str) -> dict[str, str]:
    return {
        f"{side}_workload": name,
        f"{side}_app": name,
        f"{side}_canonical_service": name,
        f"{side}_version": version or _UNKNOWN,
        f"{side}_canonical_revision": version or "latest",
        f"{side}_workload_namespace": namespace or _UNKNOWN,
    }


def _service_graph(edge: Edge, _namespace: str) -> Iterable[Mapping[str, str]]:
    yield {"client": edge.source, "server": edge.destination}


def _service_graph_failed(edge: Edge, _namespace: str) -> Iterable[Mapping[str, str]]:
    if is_error(edge.code):
        yield {"client": edge.source, "server": edge.destination}
