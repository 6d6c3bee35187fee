"""Latency thresholds as histogram bounds: what is asked for and what can be measured exactly.

Requests are counted in log2 buckets, so that a threshold is measured at the nearest bound, which
is at most 4.4 % away (half a bucket, 2**(1/16)). The status, the rules and /metrics use the same
bound: the number is the same everywhere, and says what it is.
"""

import math
from collections.abc import Iterable

from collector.edges import LATENCY_BUCKETS, latency_bound_us
from collector.semconv import LATENCY_BUCKETS_PER_DOUBLING, LATENCY_MIN_EXPONENT
from slo.model import LatencySli, Slo, leaf


def threshold_bucket(threshold_ms: float) -> int:
    """Return the last bucket that counts as within the threshold: the one with the nearest bound.

    Nearest by ratio, as the bounds are. Outside 64 us..67 s it is the first or last bound.
    """
    position = (math.log2(threshold_ms * 1e3) - LATENCY_MIN_EXPONENT) * LATENCY_BUCKETS_PER_DOUBLING
    return min(max(round(position), 0), LATENCY_BUCKETS)


def threshold_bound_us(threshold_ms: float) -> float:
    """Return the bound, in microseconds, at which a threshold is measured."""
    return latency_bound_us(threshold_bucket(threshold_ms))


def effective_threshold_ms(threshold_ms: float) -> float:
    """Return the bound, in milliseconds, at which a threshold is measured."""
    return threshold_bound_us(threshold_ms) / 1e3


def latency_bounds_us(slos: Iterable[Slo]) -> tuple[float, ...]:
    """Return the bounds that these objectives measure at, sorted: ``le`` values to expose."""
    counted = (leaf(slo.sli) for slo in slos)
    bounds = {
        threshold_bound_us(sli.threshold_ms) for sli in counted if isinstance(sli, LatencySli)
    }
    return tuple(sorted(bounds))


def le_label(bound_us: float) -> str:
    """Return the Prometheus ``le`` of a bound: seconds, in the shortest digits that read back."""
    return repr(bound_us / 1e6)
