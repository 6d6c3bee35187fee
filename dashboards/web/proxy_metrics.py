"""What proxies say of themselves, for a Prometheus to scrape: chosen statistics of Envoy.

The newest value of each series, under the names of our PromQL, so that one rule asks either.
Requests are not here: ``mesh_metrics`` counts them, each once. Statistics:
https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/upstream/cluster_manager/cluster_stats
"""

from collections.abc import Mapping
from typing import Final, Literal

from alerts import names
from collector.promql.engine import instant
from collector.promql.options import Options
from collector.promql.samples import Grid, Source
from dashboards.web.exposition import Family, Sample

Kind = Literal["counter", "gauge"]

STATISTICS: Final[Mapping[str, tuple[Kind, str]]] = {
    names.CONNECTED: ("gauge", "1: the proxy has its control plane."),
    names.CLUSTERS_REJECTED: ("counter", "Clusters that the proxy refused to take."),
    names.LISTENERS_REJECTED: ("counter", "Listeners that the proxy refused to take."),
    names.LISTENER_EXPIRY: ("gauge", "When a certificate that the proxy shows expires."),
    names.CLUSTER_EXPIRY: ("gauge", "When a certificate that the proxy calls with expires."),
    names.TLS_ERRORS: ("counter", "Handshakes of callers that failed."),
    names.TLS_NO_CERTIFICATE: ("counter", "Handshakes of callers without a certificate."),
    names.TLS_WRONG_NAME: ("counter", "Handshakes with a callee of another name."),
    names.UPTIME: ("gauge", "Seconds since the proxy started."),
    names.MEMORY: ("gauge", "Bytes that the proxy has allocated."),
    "envoy_cluster_membership_healthy": ("gauge", "Endpoints of a cluster that are healthy."),
    "envoy_cluster_membership_total": ("gauge", "Endpoints of a cluster."),
    "envoy_cluster_upstream_cx_connect_fail": ("counter", "Connections that failed."),
}


def proxy_families(source: Source, now_ms: int) -> list[Family]:
    """Read the newest values, those of silent proxies for five minutes."""
    found = ((name, instant(source, name, now_ms, Options()).value) for name in STATISTICS)
    return [_family(name, value) for name, value in found if isinstance(value, Grid)]


def _family(name: str, grid: Grid) -> Family:
    kind, told = STATISTICS[name]
    series = [dict(labels) for labels in grid.labels]
    label_names = tuple(sorted({label for one in series for label in one} - {"__name__"}))
    samples = [
        Sample(tuple(labels.get(label, "") for label in label_names), float(value))
        for labels, value, is_there in zip(
            series, grid.values[:, 0], grid.present[:, 0], strict=True
        )
        if is_there
    ]
    return Family(name, kind, told, label_names, samples)
