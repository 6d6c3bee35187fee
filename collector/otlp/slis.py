"""Series of our SLI metrics -> canonical edges, and their histograms -> our latency buckets.

The names of metrics and tags are in ``semconv``; Envoy's stats access logger fills them. Never
sums, never takes a delta. A series without a direction or a code cannot be placed on an edge and is
no SLI; it stays a metric like any other.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from collector import semconv
from collector.edges import Edge, Mtls, latency_bucket
from collector.otlp.batch import Resource

SliKind = Literal["requests", "attempts", "calls", "duration"]
"""A call is a request and its one attempt, where a dialect does not tell attempts apart."""

_KINDS: Final[Mapping[str, SliKind]] = {
    semconv.SLI_REQUESTS: "requests",
    semconv.SLI_ATTEMPTS: "attempts",
    semconv.SLI_DURATION: "duration",
}
SLI_METRICS: Final = tuple(_KINDS)

_MICROSECONDS: Final[Mapping[str, float]] = {"": 1.0, "us": 1.0, "ms": 1e3, "s": 1e6}


@dataclass(frozen=True, slots=True)
class Sli:
    """What a series counts, on which edge; ``scale_us`` is a histogram's unit in microseconds."""

    kind: SliKind
    edge: Edge
    scale_us: float


def sli_of(name: str, unit: str, tags: Mapping[str, Any], resource: Resource) -> Sli | None:
    """Return the SLI behind a metric stream, or None when it is not one."""
    kind = _KINDS.get(name)
    scale_us = _MICROSECONDS.get(unit if kind == "duration" else "")
    code = _code(tags.get(semconv.TAG_CODE))
    if kind is None or scale_us is None or code is None:
        return None
    match tags.get(semconv.TAG_DIRECTION):
        case semconv.OUTBOUND:
            return Sli(kind, _outbound(tags, code, resource), scale_us)
        case semconv.INBOUND:
            return Sli(kind, _inbound(tags, code, resource), scale_us)
        case _:
            return None


def spiffe_service(spiffe_id: str) -> str:
    """Return the service account of a SPIFFE id: what follows /sa/, else the last segment.

    An empty id is the virtual node 'external'. Of several ids the first counts.
    """
    first = spiffe_id.split(",", maxsplit=1)[0]
    _, found, account = first.partition("/sa/")
    name = (account if found else first).rstrip("/").rpartition("/")[2]
    return name or semconv.EXTERNAL


def latency_counts(
    bounds: Sequence[float], counts: Sequence[int], scale_us: float = 1.0
) -> dict[int, int]:
    """Move explicit-bound counts to our buckets.

    Exact where the two neighbouring bounds are ours; else a count goes to the bucket at the
    geometric middle of its interval (half of the bound for the first one, just above the bound for
    the last one). Without bounds nothing is known of a duration, and nothing is returned.
    """
    moved: dict[int, int] = {}
    if not bounds:
        return moved
    lows = [0.0, *bounds]
    highs = [*bounds, math.inf]
    for low, high, count in zip(lows, highs, counts, strict=True):
        if count:
            bucket = latency_bucket(_middle(max(low, 0.0), max(high, 0.0)) * scale_us)
            moved[bucket] = moved.get(bucket, 0) + count
    return moved


def _middle(low: float, high: float) -> float:
    if math.isinf(high):
        return math.nextafter(low, math.inf)
    return math.sqrt(low) * math.sqrt(high) if low > 0 else high / 2


def _outbound(tags: Mapping[str, Any], code: int, resource: Resource) -> Edge:
    cluster = _tag(tags, semconv.TAG_UPSTREAM_CLUSTER)
    destination, _, version = cluster.partition("|")
    flags = _tag(tags, semconv.TAG_FLAGS) or "-"
    peer = _tag(tags, semconv.TAG_DESTINATION)
    return Edge(
        reporter="source",
        source=resource.service,
        destination=destination or semconv.UNKNOWN,
        version="" if version == "-" else version,
        route=_tag(tags, semconv.TAG_ROUTE),
        code=code,
        flags=flags,
        mtls=_outbound_mtls(peer, destination, code, flags),
    )


def _outbound_mtls(peer: str, destination: str, code: int, flags: str) -> Mtls:
    """Call a transport plaintext only when an answer came over it, with nothing amiss.

    A request that failed before a peer showed its identity says nothing of the transport.
    """
    if peer:
        return "mtls"
    return "plaintext" if destination and code and flags == "-" else "none"


def _inbound(tags: Mapping[str, Any], code: int, resource: Resource) -> Edge:
    peer = _tag(tags, semconv.TAG_SOURCE)
    return Edge(
        reporter="destination",
        source=spiffe_service(peer),
        destination=resource.service,
        version=resource.version,
        route=_tag(tags, semconv.TAG_ROUTE),
        code=code,
        flags=_tag(tags, semconv.TAG_FLAGS) or "-",
        mtls="mtls" if peer else "plaintext",
    )


def _tag(tags: Mapping[str, Any], name: str) -> str:
    """Return a tag as text; Envoy writes '-' for an empty value."""
    value = str(tags.get(name) or "")
    return "" if value == "-" else value


def _code(value: Any) -> int | None:
    text = str(value)
    if value in ("", "-"):
        return 0
    return int(text) if text.isdecimal() and len(text) <= 5 and int(text) < 2**16 else None
