"""Edge counts of a window -> the graph of services: nodes, edges, ratios, latencies.

Never reads a clock. ``graph`` scans the store three times (counts, latencies, evidence), the rest
is arithmetic. Only canonical rows count; the others are evidence. A ratio of nothing is None.
Sorted by id: equal data, equal graphs.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import duckdb
import pyarrow as pa

from collector import semconv
from collector.edges import is_error, quantile_us
from collector.evidence import EVIDENCE_BY, Attempts, Evidence, fold
from collector.store import reader

NodeKind = Literal["service", "external", "unknown"]

_VIRTUAL: Final[Mapping[str, NodeKind]] = {
    semconv.EXTERNAL: "external",
    semconv.UNKNOWN: "unknown",
}
_COUNTS_BY: Final = ("source", "destination", "version", "route", "code", "flags", "mtls")
_NO_VERSION: Final = ("", semconv.UNKNOWN)


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A service, or one of the two virtual nodes. Numbers are of the requests arriving at it."""

    id: str
    kind: NodeKind
    versions: tuple[str, ...]
    requests: int
    errors: int
    rps: float
    error_ratio: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """The calls of one service to another. ``mtls_ratio`` is of requests that reached a peer.

    ``error_ratio`` is effective: of requests, after retries, as the caller was answered.
    ``actual_error_ratio`` is of ``attempts``: what the callee's side answered, and what never
    arrived there (``collector.evidence.Attempts``). Without a request that counts, ``evidence``
    says what the callee's side saw: the caller's proxy is silent, or the request was mirrored.
    """

    id: str
    source: str
    destination: str
    requests: int
    errors: int
    rps: float
    error_ratio: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    retries: int
    attempts: int
    actual_error_ratio: float | None
    mtls_ratio: float | None
    codes: Mapping[str, int]
    flags: Mapping[str, int]
    routes: Mapping[str, int]
    versions: Mapping[str, int]
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Graph:
    """Who called whom in [from_s, to_s)."""

    from_s: int
    to_s: int
    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]


@dataclass(slots=True)
class _Tally:
    """Sums of one edge or node while the rows go by."""

    requests: int = 0
    errors: int = 0
    retries: int = 0
    latency: Counter[int] = field(default_factory=Counter)
    by: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


def graph(cursor: duckdb.DuckDBPyConnection, from_s: int, to_s: int) -> Graph:
    """Return the graph of a window: everyone who called, was called, or exported in it."""
    counts = reader.edge_counts(cursor, from_s, to_s, by=_COUNTS_BY)
    latency = reader.edge_latency(cursor, from_s, to_s)
    exporters = reader.exporters(cursor, from_s, to_s)
    evidence = reader.edge_counts(cursor, from_s, to_s, by=EVIDENCE_BY, canonical=False)
    return build_graph(counts, latency, evidence, from_s, to_s, exporters=exporters)


def build_graph(
    counts: pa.Table,
    latency: pa.Table,
    evidence: pa.Table,
    from_s: int,
    to_s: int,
    *,
    exporters: pa.Table | None = None,
) -> Graph:
    """Fold the tables of ``reader`` into a graph; ``exporters`` adds services without traffic."""
    edges: defaultdict[tuple[str, str], _Tally] = defaultdict(_Tally)
    for row in counts.to_pylist():
        _count(edges[row["source"], row["destination"]], row)
    for row in latency.to_pylist():
        edges[row["source"], row["destination"]].latency[row["latency_bucket"]] += row["count"]
    versions: defaultdict[str, set[str]] = defaultdict(set)
    for row in [] if exporters is None else exporters.to_pylist():
        versions[row["service"]].add(row["version"])
    seconds = to_s - from_s
    seen = fold(evidence.to_pylist())
    for pair, (found, _) in seen.items():
        if found.is_seen_only_by_callee:
            edges.setdefault(pair, _Tally())
    return Graph(
        from_s=from_s,
        to_s=to_s,
        nodes=_nodes(edges, versions, seconds),
        edges=tuple(
            _edge(pair, tally, seen[pair], seconds)
            for pair, tally in sorted(edges.items(), key=lambda e: ">".join(e[0]))
        ),
    )


def _count(tally: _Tally, row: Mapping[str, Any]) -> None:
    requests, code = row["requests"], row["code"]
    tally.requests += requests
    tally.retries += row["retries"]
    tally.errors += requests if is_error(code) else 0
    for name in ("code", "flags", "route", "version", "mtls"):
        if requests:
            tally.by[name][str(row[name])] += requests


def _edge(
    pair: tuple[str, str], tally: _Tally, seen: tuple[Evidence, Attempts], seconds: int
) -> GraphEdge:
    source, destination = pair
    evidence, attempts = seen
    reached = tally.by["mtls"]["mtls"] + tally.by["mtls"]["plaintext"]
    p50_ms, p95_ms, p99_ms = _quantiles_ms(tally)
    return GraphEdge(
        id=f"{source}>{destination}",
        source=source,
        destination=destination,
        requests=tally.requests,
        errors=tally.errors,
        rps=_rate(tally.requests, seconds),
        error_ratio=_ratio(tally.errors, tally.requests),
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        p99_ms=p99_ms,
        retries=tally.retries,
        attempts=attempts.count,
        actual_error_ratio=attempts.error_ratio,
        mtls_ratio=_ratio(tally.by["mtls"]["mtls"], reached),
        codes=_sorted(tally.by["code"]),
        flags=_sorted(tally.by["flags"]),
        routes=_sorted(tally.by["route"]),
        versions=_sorted(tally.by["version"]),
        evidence=evidence,
    )


def _nodes(
    edges: Mapping[tuple[str, str], _Tally], versions: Mapping[str, set[str]], seconds: int
) -> tuple[GraphNode, ...]:
    arriving: defaultdict[str, _Tally] = defaultdict(_Tally)
    for (_, destination), tally in edges.items():
        _add(arriving[destination], tally)
    names = {name for pair in edges for name in pair} | set(versions)
    return tuple(
        _node(name, arriving[name], versions.get(name, set()), seconds) for name in sorted(names)
    )


def _add(total: _Tally, tally: _Tally) -> None:
    total.requests += tally.requests
    total.errors += tally.errors
    total.latency.update(tally.latency)
    total.by["version"].update(tally.by["version"])


def _node(name: str, tally: _Tally, exported: Iterable[str], seconds: int) -> GraphNode:
    p50_ms, p95_ms, p99_ms = _quantiles_ms(tally)
    return GraphNode(
        id=name,
        kind=_VIRTUAL.get(name, "service"),
        versions=tuple(sorted({*exported, *tally.by["version"]} - set(_NO_VERSION))),
        requests=tally.requests,
        errors=tally.errors,
        rps=_rate(tally.requests, seconds),
        error_ratio=_ratio(tally.errors, tally.requests),
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        p99_ms=p99_ms,
    )


def _quantiles_ms(tally: _Tally) -> tuple[float | None, float | None, float | None]:
    p50, p95, p99 = (quantile_us(tally.latency, quantile) for quantile in (0.5, 0.95, 0.99))
    return _ms(p50), _ms(p95), _ms(p99)


def _ms(duration_us: float | None) -> float | None:
    return None if duration_us is None else duration_us / 1000


def _ratio(part: int, total: int) -> float | None:
    return part / total if total else None


def _rate(requests: int, seconds: int) -> float:
    return requests / seconds if seconds > 0 else 0.0


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))
