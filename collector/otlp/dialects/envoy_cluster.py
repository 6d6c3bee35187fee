"""Cluster statistics of any Envoy -> canonical edges, as the caller's proxy sees them.

``upstream_rq_<code>`` counts final answers and ``upstream_rq_retry`` the attempts beyond them, so a
request is one attempt and a retry is one more; a request that an open circuit breaker refused looks
like an attempt, for these counters do not tell it from another 503. A request that ended without an
answer is in no code and is not counted. Of ``upstream_rq_time`` the code is not known; it is put to
200. Envoy tells nothing here of who calls: there are no rows of a callee.
Spec: https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/upstream/cluster_manager/cluster_stats
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from collector.edges import Edge
from collector.otlp.batch import Resource
from collector.otlp.dialects import names
from collector.otlp.slis import Sli, SliKind

_TAGGED: Final[Mapping[str, SliKind]] = {
    "cluster_upstream_rq": "calls",
    "cluster_upstream_rq_retry": "attempts",
    "cluster_upstream_rq_time": "duration",
}
_UNTAGGED: Final = re.compile(
    r"^(?:envoy[._])?cluster[._](?P<cluster>.+)[._]upstream_rq_"
    r"(?:(?P<code>\d{3})|(?P<word>retry|time))(?:_total|_milliseconds|_ms)?$"
)
_WORDS: Final[Mapping[str | None, SliKind]] = {
    None: "calls",
    "retry": "attempts",
    "time": "duration",
}
_AGAIN: Final = re.compile(r"[._](internal|external|canary|retry|zone[._].*)$")
"""Endings under which Envoy counts the same requests a second time."""


def envoy_cluster_sli(
    name: str, unit: str, tags: Mapping[str, Any], resource: Resource
) -> Sli | None:
    """Return the SLI of a cluster statistic, tags extracted or not; None when it is none."""
    labels = names.plain(tags)
    cluster = labels.get("envoy_cluster_name", labels.get("cluster_name", ""))
    if cluster:
        kind = _TAGGED.get(names.stem(name)[0])
        code = names.http_code(labels.get("envoy_response_code", labels.get("response_code", "x")))
    else:
        match = _UNTAGGED.match(name)
        if match is None or _AGAIN.search(match["cluster"]):
            return None
        cluster, kind = match["cluster"], _WORDS[match["word"]]
        code = names.http_code(match["code"] or "x")
    code = {"attempts": 0, "duration": 200}.get(kind or "", code)
    scale_us = names.scale_us(unit, "ms") if kind == "duration" else 1.0
    target = _target(cluster, labels)
    if kind is None or code is None or scale_us is None or target is None:
        return None
    edge = Edge(
        reporter="source",
        source=names.known(labels, "consul_source_service", "local_cluster") or resource.service,
        destination=target[0],
        version=target[1],
        route="",
        code=code,
        flags="-",
        mtls="none",
        signal="envoy_cluster",
    )
    return Sli(kind, edge, scale_us)


def _target(cluster: str, labels: names.Labels) -> tuple[str, str] | None:
    service = names.known(labels, "consul_destination_service", "envoy_consul_destination_service")
    if service:
        return service, names.known(labels, "consul_destination_service_subset")
    return names.cluster_target(cluster)
