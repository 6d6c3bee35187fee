"""The canonical edge and its latency buckets: the one noun on which every number stands.

An edge is (reporter, source, destination, version, route, code, flags, mtls). A request between two
meshed services is reported twice, by the caller's and by the callee's proxy; exactly one of the
rows is *canonical* and counts it (ADR 3). Never does I/O.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from collector import semconv

Reporter = Literal["source", "destination"]
Mtls = Literal["mtls", "plaintext", "none"]

LATENCY_BUCKETS: Final = (
    semconv.LATENCY_MAX_EXPONENT - semconv.LATENCY_MIN_EXPONENT
) * semconv.LATENCY_BUCKETS_PER_DOUBLING
"""Number of finite bounds minus one: bucket ids run from 0 to LATENCY_BUCKETS + 1."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Who called whom, by which route, with which outcome."""

    reporter: Reporter
    source: str
    destination: str
    version: str
    route: str
    code: int
    flags: str
    mtls: Mtls

    @property
    def canonical(self) -> bool:
        """True when this row counts the request: the caller's, or the callee's for outsiders."""
        return self.reporter == "source" or self.source == semconv.EXTERNAL


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
