"""Latency of the canary: proven slower, proven no slower than the margin, or neither yet.

All of it is judged at the newest look, on requests that did not fail. Worse: Mann-Whitney says that
requests are slower, or the bounds of the quantile lie apart, and the quantile itself is higher by
more than the margin. Fine: the canary's upper bound is at most the baseline's lower bound and the
margin.
"""

from dataclasses import dataclass
from typing import Final

from slo.canary.errors_check import State
from slo.canary.looks import look_number, look_size, spend
from slo.canary.policy import Policy
from slo.canary.quantiles import Bounds, Weighted, bounds, standardised
from slo.canary.ranks import slower
from slo.canary.trial import CANARY, Trial

_LOOKS_AHEAD: Final = 40


@dataclass(frozen=True, slots=True)
class LatencyCheck:
    """What is known of the latency at the newest look.

    ``increase_ratio`` is that of the quantile: 0.1 is a tenth higher. ``slower_ratio`` is the share
    of pairs of requests in which the canary's is slower, 0.5 when it is not; ``p_slower`` is the
    p-value of "not slower" and ``p_slower_needed`` what it must reach.
    """

    state: State
    quantile: float
    canary: Bounds | None
    baseline: Bounds | None
    increase_ratio: float | None
    margin_ratio: float
    slower_ratio: float | None
    p_slower: float | None
    p_slower_needed: float | None
    requests_needed: int | None
    """How many requests of the canary would prove "fine" if all goes on as until now."""


def check_latency(trial: Trial, policy: Policy) -> LatencyCheck:
    """Judge the latency; half of the chance of a false alarm is its own, a quarter each test's."""
    counts = None if trial.look is None else trial.look.histograms.comparable()
    if trial.look is None or counts is None or not len(counts):
        return _unknown(trial, policy)
    both = standardised(counts)
    fine = _both_bounds(both, policy, spend(policy.alpha, trial.look.number))
    apart = _both_bounds(both, policy, spend(policy.alpha / 4, trial.look.number))
    found = slower(counts)
    needed = spend(policy.alpha / 4, trial.look.number)
    increase = _increase(*fine)
    is_slower = (found is not None and found.p_value <= needed) or _are_apart(*apart)
    is_higher = increase is not None and increase > policy.max_latency_increase
    state: State = (
        "worse"
        if is_slower and is_higher
        else "fine"
        if _are_close(*fine, policy.max_latency_increase)
        else "undecided"
    )
    return LatencyCheck(
        state=state,
        quantile=policy.quantile,
        canary=fine[0],
        baseline=fine[1],
        increase_ratio=increase,
        margin_ratio=policy.max_latency_increase,
        slower_ratio=None if found is None else found.slower_ratio,
        p_slower=None if found is None else found.p_value,
        p_slower_needed=needed,
        requests_needed=_needed(both, trial, policy),
    )


def _unknown(trial: Trial, policy: Policy) -> LatencyCheck:
    """Return what may be said before the first look, or without a latency of both."""
    has_both = bool((trial.latency.sum(axis=1) > 0).all())
    is_early = trial.look is None and has_both
    return LatencyCheck(
        state="undecided" if is_early else "no_data",
        quantile=policy.quantile,
        canary=None,
        baseline=None,
        increase_ratio=None,
        margin_ratio=policy.max_latency_increase,
        slower_ratio=None,
        p_slower=None,
        p_slower_needed=None,
        requests_needed=_needed(standardised(trial.latency[None]), trial, policy)
        if is_early
        else None,
    )


def _both_bounds(
    both: tuple[Weighted, Weighted], policy: Policy, alpha: float, *, scale: float = 1.0
) -> tuple[Bounds, Bounds]:
    """Bound both quantiles, so that the two together are wrong with a chance of alpha."""
    canary, baseline = (bounds(one, policy.quantile, alpha / 2, scale=scale) for one in both)
    return canary, baseline


def _increase(canary: Bounds, baseline: Bounds) -> float | None:
    return canary.ms / baseline.ms - 1 if baseline.ms else None


def _are_apart(canary: Bounds, baseline: Bounds) -> bool:
    return baseline.high_ms is not None and canary.low_ms > baseline.high_ms


def _are_close(canary: Bounds, baseline: Bounds, margin: float) -> bool:
    return canary.high_ms is not None and canary.high_ms <= baseline.low_ms * (1 + margin)


def _needed(both: tuple[Weighted, Weighted], trial: Trial, policy: Policy) -> int | None:
    """Return the size of the look at which the same distributions would do; None when none would.

    The distributions are those of the newest look, or of all until now before the first.
    """
    seen = trial.rows.of(CANARY).requests
    have = seen if trial.look is None else look_size(trial.look.number, policy.min_requests)
    first = look_number(seen, policy.min_requests) or 0
    for number in range(first, first + _LOOKS_AHEAD):
        size = look_size(number, policy.min_requests)
        alpha = spend(policy.alpha, number)
        found = _both_bounds(both, policy, alpha, scale=size / have)
        if _are_close(*found, policy.max_latency_increase):
            return size
    return None
