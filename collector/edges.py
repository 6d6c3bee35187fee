"""The canonical edge and its latency buckets: the one noun on which every number stands.

An edge is (reporter, source, destination, version, route, code, flags, mtls, signal). A request
between two meshed services is reported twice, by the caller's and by the callee's proxy, and maybe
by several signals; exactly one of the rows is *canonical* and counts it (ADR 3 and 5). Never does
I/O.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from collector import semconv

Reporter = Literal["source", "destination"]
Mtls = Literal["mtls", "plaintext", "none"]
Signal = Literal["sli", "istio", "linkerd_route", "linkerd", "envoy_cluster", "spans"]
"""What told us: the SLI counters of our own Envoys, another dialect of metrics, or spans."""

SIGNALS: Final[tuple[Signal, ...]] = (
    *("sli", "istio", "linkerd_route", "linkerd"),
    *("envoy_cluster", "spans"),
)
"""The order of precedence (ADR 5): of several signals about one traffic, the first counts it."""
_RANKS: Final = {signal: rank for rank, signal in enumerate(SIGNALS)} | {"linkerd_route": 3}

OVERFLOW: Final = "overflow"
"""The route, and then the peer, of what exceeds the limit of edges."""

LATENCY_BUCKETS: Final = (
    semconv.LATENCY_MAX_EXPONENT - semconv.LATENCY_MIN_EXPONENT
) * semconv.LATENCY_BUCKETS_PER_DOUBLING
"""Number of finite bounds minus one: bucket ids run from 0 to LATENCY_BUCKETS + 1."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Who called whom, by which route, with which outcome, and who says so.

    ``is_evidence`` marks the twin of a canonical row that takes the counts which a better signal
    owns: they are kept, to be compared, and never summed. ``workload`` is the version of the
    service that reports, '' where it does not say.
    """

    reporter: Reporter
    source: str
    destination: str
    version: str
    route: str
    code: int
    flags: str
    mtls: Mtls
    signal: Signal = "sli"
    is_evidence: bool = False
    workload: str = ""
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        identity = (
            *(self.reporter, self.source, self.destination, self.version, self.route, self.code),
            *(self.flags, self.mtls, self.signal, self.is_evidence, self.workload),
        )
        object.__setattr__(self, "_hash", hash(identity))

    def __hash__(self) -> int:
        return self._hash

    @property
    def canonical(self) -> bool:
        """True when this row counts the request: the caller's, or the callee's for outsiders."""
        return self._may_count and not self.is_evidence

    @property
    def exporter(self) -> str:
        """The service whose proxy or SDK reports this row."""
        return self.source if self.reporter == "source" else self.destination

    @property
    def rank(self) -> int:
        """The place of the signal in the order of precedence; 0 is the best.

        Both of Linkerd's are equal: which one counts is decided pair by pair.
        """
        return _RANKS[self.signal]

    def as_evidence(self) -> "Edge":
        """Return the twin that does not count; a row that never counts is its own."""
        return replace(self, is_evidence=True) if self._may_count else self

    def as_counting(self) -> "Edge":
        """Return the row that this one is the twin of; a row that is no twin is its own."""
        return replace(self, is_evidence=False) if self.is_evidence else self

    def without_detail(self) -> "Edge":
        """Return the row for what is one edge too many: no route, version or flags."""
        return replace(self, route=OVERFLOW, version="", flags="-")

    def without_peer(self) -> "Edge":
        """Return the row for what is far too many; the nodes that make it count stay."""
        bare = self.without_detail()
        if self.reporter == "source":
            return replace(bare, destination=OVERFLOW)
        kept = (semconv.EXTERNAL, semconv.UNKNOWN)
        return bare if self.source in kept else replace(bare, source=OVERFLOW)

    @property
    def _may_count(self) -> bool:
        """A callee counts for callers that nobody else counts for.

        These are outsiders, and in spans also the callers whose own span is missing.
        """
        return (
            self.reporter == "source"
            or self.source == semconv.EXTERNAL
            or (self.signal == "spans" and self.source == semconv.UNKNOWN)
        )


def latency_bound_us(bucket: int) -> float:
    """Return the upper bound in microseconds of a latency bucket; +Inf for the last one."""
    if bucket > LATENCY_BUCKETS:
        return math.inf
    return float(
        2.0 ** (semconv.LATENCY_MIN_EXPONENT + bucket / semconv.LATENCY_BUCKETS_PER_DOUBLING)
    )


def latency_bounds_us() -> list[float]:
    """Return the finite bounds, 64 us first: what Envoy is configured with."""
    return [latency_bound_us(bucket) for bucket in range(LATENCY_BUCKETS + 1)]


def latency_bucket(duration_us: float) -> int:
    """Return the bucket of a duration: upper bounds are inclusive, negative and NaN are errors."""
    if not duration_us >= 0:
        raise ValueError(f"a duration must be a number >= 0, got {duration_us} us")
    return bisect_left(_BOUNDS_US, duration_us)


_BOUNDS_US: Final = tuple(latency_bounds_us())


ERROR_SQL: Final = "(code >= 500 OR code = 0)"
"""The SQL twin of ``is_error``; 'code' is the column of ``edges``."""


def is_error(code: int) -> bool:
    """Tell whether a request failed: 5xx, or no response at all (0). A 4xx is an answer."""
    return code >= 500 or code == 0


def quantile_us(buckets: Mapping[int, int] | Sequence[int], quantile: float) -> float | None:
    """Return a quantile in microseconds, interpolated log-linearly inside its bucket.

    ``buckets`` maps bucket ids to counts, or is a dense list with the id as index. None when it is
    empty. Below 64 us the interpolation is linear from 0; above the last bound it is that bound.
    """
    if not 0 <= quantile <= 1:
        raise ValueError(f"a quantile must be in 0..1, got {quantile}")
    pairs = sorted(buckets.items() if isinstance(buckets, Mapping) else enumerate(buckets))
    filled = [(bucket, count) for bucket, count in pairs if count > 0]
    if not filled:
        return None
    rank = quantile * sum(count for _, count in filled)
    below = 0
    for bucket, count in filled:
        if below + count >= rank:
            return _inside_us(bucket, max(rank - below, 0.0) / count)
        below += count
    return _inside_us(filled[-1][0], 1.0)


def _inside_us(bucket: int, fraction: float) -> float:
    high = latency_bound_us(bucket)
    if bucket == 0:
        return high * fraction
    low = latency_bound_us(bucket - 1)
    return low if math.isinf(high) else low * (high / low) ** fraction
