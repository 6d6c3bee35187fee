"""Tail sampling: which stored traces are worth their space, and why.

Pure: columns of traces in, a reason for each out; no clock, no randomness but the trace id. Never
sees a rate or an SLI: those were counted when the data came, and sampling cannot touch them.

Precedence, first match wins: critical service, error, latency, attribute, baseline. A rate limit
then cuts what came by anything but a critical service, in the same order. ``keep_ratio`` is the
chance a trace of its kind had, so that 1 / keep_ratio weighs it in an estimate.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

DROPPED: Final = 0
REASONS: Final = ("dropped", "critical_service", "error", "latency", "attribute", "baseline")
"""Reasons by number, in the order of precedence; DROPPED is none."""
UNSAMPLED: Final = "all"
"""The reason of every trace while there is no policy."""

_CRITICAL: Final = REASONS.index("critical_service")
_BASELINE: Final = REASONS.index("baseline")
_SECOND_NS: Final = 10**9

Flags = npt.NDArray[np.bool_]


class InvalidPolicy(ValueError):
    """A sampling policy has a value that cannot be; the text names the field."""


@dataclass(frozen=True, slots=True)
class AttributeRule:
    """Keeps traces with a span that has this attribute; text also matches a number's digits."""

    key: str
    value: str | int | float | bool


@dataclass(frozen=True, slots=True)
class SamplingPolicy:
    """What is kept. The default keeps errors, the slowest percent of each service, and 5 %.

    ``slow_ns`` by service, or for all others, is a bound for single spans. ``slow_quantile`` is of
    the durations of whole traces that begin at one service, within the hour being sealed; None
    turns it off. ``max_traces_per_s`` counts by the second in which a trace began.
    """

    keep_errors: bool = True
    slow_ns: int | None = None
    slow_ns_by_service: Mapping[str, int] = field(default_factory=dict)
    slow_quantile: float | None = 0.99
    critical_services: frozenset[str] = frozenset()
    attributes: tuple[AttributeRule, ...] = ()
    baseline_ratio: float = 0.05
    max_traces_per_s: float | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0 <= self.baseline_ratio <= 1:
            raise InvalidPolicy(f"baseline_ratio must be in 0..1, got {self.baseline_ratio}")
        if self.slow_quantile is not None and not 0 < self.slow_quantile < 1:
            raise InvalidPolicy(f"slow_quantile must be between 0 and 1, got {self.slow_quantile}")
        if self.max_traces_per_s is not None and not self.max_traces_per_s > 0:
            raise InvalidPolicy(f"max_traces_per_s must be positive, got {self.max_traces_per_s}")
        for slow_ns in (*self.slow_ns_by_service.values(), self.slow_ns):
            if slow_ns is not None and slow_ns < 0:
                raise InvalidPolicy(f"slow_ns must not be negative, got {slow_ns}")


@dataclass(frozen=True, slots=True)
class TraceColumns:
    """One entry per trace in every column.

    ``key`` is trace_hi xor trace_lo; ``service`` any number for the service where it began.
    """

    key: npt.NDArray[np.uint64]
    start_ns: npt.NDArray[np.int64]
    duration_ns: npt.NDArray[np.int64]
    service: npt.NDArray[np.int64]
    has_error: Flags
    is_critical: Flags
    has_slow_span: Flags
    has_attribute: Flags


@dataclass(frozen=True, slots=True)
class Verdicts:
    """``reason`` indexes REASONS; ``keep_ratio`` is in (0, 1], and 1 where nothing is kept."""

    reason: npt.NDArray[np.uint8]
    keep_ratio: npt.NDArray[np.float64]


def decide(traces: TraceColumns, policy: SamplingPolicy) -> Verdicts:
    """Return why each trace is kept, or DROPPED. The order of the traces does not matter."""
    mixed = _mix(traces.key)
    rules = [
        traces.is_critical,
        traces.has_error & policy.keep_errors,
        traces.has_slow_span | _slowest(traces, policy.slow_quantile),
        traces.has_attribute,
        _below(mixed, policy.baseline_ratio),
    ]
    reason = np.select(rules, range(1, len(REASONS)), DROPPED).astype(np.uint8)
    keep_ratio = np.where(reason == _BASELINE, policy.baseline_ratio, 1.0)
    if policy.max_traces_per_s is None:
        return Verdicts(reason, keep_ratio)
    return _limited(traces.start_ns, mixed, Verdicts(reason, keep_ratio), policy.max_traces_per_s)


def _mix(key: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Scatter the bits (splitmix64's finalizer): head samplers have used the plain ones."""
    mixed = key + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _below(mixed: npt.NDArray[np.uint64], ratio: float) -> Flags:
    bound = int(ratio * 2**64)
    if bound >= 2**64:
        return np.ones(len(mixed), dtype=bool)
    return mixed < np.uint64(bound)


def _slowest(traces: TraceColumns, quantile: float | None) -> Flags:
    """Tell the traces above the quantile of their service; of equals none is above."""
    slow = np.zeros(len(traces.key), dtype=bool)
    if quantile is None:
        return slow
    order = np.lexsort((traces.duration_ns, traces.service))
    cuts = np.flatnonzero(np.diff(traces.service[order])) + 1
    for group in np.split(order, cuts):
        if len(group):
            bound = traces.duration_ns[group[int(quantile * (len(group) - 1))]]
            slow[group] = traces.duration_ns[group] > bound
    return slow


def _limited(
    start_ns: npt.NDArray[np.int64],
    mixed: npt.NDArray[np.uint64],
    before: Verdicts,
    max_traces_per_s: float,
) -> Verdicts:
    """Cut each period to what the rate allows: by reason first, then by trace id."""
    seconds = max(1, int(np.ceil(1 / max_traces_per_s)))
    allowed = int(max_traces_per_s * seconds)
    at = np.flatnonzero((before.reason != DROPPED) & (before.reason != _CRITICAL))
    period = start_ns[at] // (seconds * _SECOND_NS)
    order = np.lexsort((mixed[at], before.reason[at], period))
    at, period = at[order], period[order]
    _, first = np.unique(period, return_index=True)
    rank = np.arange(len(at)) - np.repeat(first, np.diff([*first, len(at)]))
    is_kept = rank < allowed
    kinds = np.stack([period, before.reason[at].astype(np.int64)])
    _, kind = np.unique(kinds, axis=1, return_inverse=True)
    kind = kind.reshape(-1)
    share = np.bincount(kind, is_kept) / np.maximum(np.bincount(kind), 1)
    reason, keep_ratio = before.reason.copy(), before.keep_ratio.copy()
    reason[at[~is_kept]] = DROPPED
    keep_ratio[at] = np.where(is_kept, keep_ratio[at] * share[kind], 1.0)
    return Verdicts(reason, keep_ratio)
