"""One row per service: what arrived at it, from whom, whom it calls, and when it was last heard.

Pure: a view of the graph, exporters and counts go in, rows come out, sorted by name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from collector.topology import GraphEdge, GraphNode
from dashboards.web.topology import TopologyView


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """The numbers of one service over the range; ratios and quantiles are None without data."""

    service: str
    kind: str
    versions: tuple[str, ...]
    requests: int
    errors: int
    rps: float
    error_ratio: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    callers: tuple[str, ...]
    callees: tuple[str, ...]
    last_seen_s: float | None


def service_rows(view: TopologyView, last_seen_s: Mapping[str, float]) -> list[ServiceRow]:
    """Return every node of the graph as a row."""
    return [_row(node, view.edges, last_seen_s.get(node.id)) for node in view.nodes]


def last_seen(exporters: pa.Table) -> dict[str, float]:
    """Return when each service was last heard, over all its instances."""
    seen: dict[str, float] = {}
    for service, at_s in zip(
        exporters["service"].to_pylist(), exporters["last_seen_s"].to_pylist(), strict=True
    ):
        if at_s is not None:
            seen[service] = max(seen.get(service, at_s), at_s)
    return seen


def _row(node: GraphNode, edges: Sequence[GraphEdge], last_seen_s: float | None) -> ServiceRow:
    return ServiceRow(
        service=node.id,
        kind=node.kind,
        versions=node.versions,
        requests=node.requests,
        errors=node.errors,
        rps=node.rps,
        error_ratio=node.error_ratio,
        p50_ms=node.p50_ms,
        p95_ms=node.p95_ms,
        p99_ms=node.p99_ms,
        callers=tuple(edge.source for edge in edges if edge.destination == node.id),
        callees=tuple(edge.destination for edge in edges if edge.source == node.id),
        last_seen_s=last_seen_s,
    )
