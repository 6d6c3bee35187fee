"""Every dialect of request metrics -> canonical edges, tried in order of precedence.

A dialect is one pure function of (name, unit, labels, resource): the SLI behind a series, or None.
A series belongs to the first that knows it. Which dialect *counts* when an exporter speaks several
about one traffic is for ``collector.store.precedence`` (ADR 5). Never sums, never takes a delta.

    names          what all dialects share: stems of metric names, labels, codes, cluster names
    istio          istio_requests_total and its histogram
    linkerd        response_total and response_latency_ms, and the same of declared routes
    envoy_cluster  cluster.<name>.upstream_rq_*, of any Envoy, with Consul's tags where it has them

The dialect of our own Envoys is ``collector.otlp.slis``.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from collector.edges import Signal
from collector.otlp.batch import Resource
from collector.otlp.dialects.envoy_cluster import envoy_cluster_sli
from collector.otlp.dialects.istio import istio_sli
from collector.otlp.dialects.linkerd import linkerd_route_sli, linkerd_sli
from collector.otlp.slis import SLI_METRICS, Sli, sli_of

__all__ = ["DIALECTS", "Dialect", "find_sli", "may_be_sli"]

Dialect = Callable[[str, str, Mapping[str, Any], Resource], Sli | None]

DIALECTS: Final[Mapping[Signal, Dialect]] = {
    "sli": sli_of,
    "istio": istio_sli,
    "linkerd_route": linkerd_route_sli,
    "linkerd": linkerd_sli,
    "envoy_cluster": envoy_cluster_sli,
}
_WORDS: Final = (
    "istio_request",
    "istio.request",
    "response_total",
    "response_latency",
    "upstream_rq",
)


@lru_cache(maxsize=4096)
def may_be_sli(name: str) -> bool:
    """Tell cheaply whether a metric name is worth a look; most metrics are not."""
    return name in SLI_METRICS or any(word in name for word in _WORDS)


def find_sli(name: str, unit: str, labels: Mapping[str, Any], resource: Resource) -> Sli | None:
    """Return the SLI behind a metric stream, by the first dialect that knows it."""
    if not may_be_sli(name):
        return None
    found = (dialect(name, unit, labels, resource) for dialect in DIALECTS.values())
    return next((sli for sli in found if sli is not None), None)
