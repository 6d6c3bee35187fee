"""One row per service: what arrived at it, from whom, whom it calls, and when it was last heard.

Pure: a view of the graph, exporters and counts go in, rows come out, sorted by name.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from collector.topology import GraphNode
from dashboards.web.self_metrics import Exporter
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
    callers: defaultdict[str, list[str]] = defaultdict(list)
    callees: defaultdict[str, list[str]] = defaultdict(list)
    for edge in view.edges:
        callers[edge.destination].append(edge.source)
        callees[edge.source].append(edge.destination)
    return [
        _row(node, callers[node.id], callees[node.id], last_seen_s.get(node.id))
        for node in view.nodes
    ]


def last_seen(exporters: Iterable[Exporter]) -> dict[str, float]:
    """Return when each service was last heard, over all its instances."""
    seen: dict[str, float] = {}
    for one in exporters:
        seen[one.service] = max(seen.get(one.service, one.last_seen_s), one.last_seen_s)
    return seen


def silent_services(exporters: Sequence[Exporter]) -> frozenset[str]:
    """Return the services of which no instance is heard any more."""
    heard = {one.service for one in exporters if not one.is_silent}
    return frozenset(one.service for one in exporters) - heard


def _row(
    node: GraphNode, callers: Sequence[str], callees: Sequence[str], last_seen_s: float | None
) -> ServiceRow:
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
        callers=tuple(callers),
        callees=tuple(callees),
        last_seen_s=last_seen_s,
    )
