"""The verdict on a canary: promote, hold or roll back, with every number behind it.

Roll back when errors or latency are proven worse by more than the margins. Promote when both are
proven no worse than the margins. Hold in between, and say how many more requests would tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from collector.edges import LATENCY_BUCKETS, latency_bound_us, quantile_us
from slo.canary.difference import wilson
from slo.canary.errors_check import ErrorCheck, check_errors
from slo.canary.latency_check import LatencyCheck, check_latency
from slo.canary.looks import look_size, size_at_least
from slo.canary.policy import Policy
from slo.canary.trial import BASELINE, CANARY, Ints, Trial
from slo.canary.words import Told, reasons

Verdict = Literal["promote", "hold", "roll_back"]


@dataclass(frozen=True, slots=True)
class VersionSide:
    """One version over the whole window; its error ratio with a Wilson interval."""

    version: str
    requests: int
    errors: int
    retries: int
    rps: float
    share_ratio: float | None
    error_ratio: float | None
    error_low_ratio: float | None
    error_high_ratio: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Distribution:
    """Requests that did not fail by latency: the upper bounds of buckets, and counts in each.

    From the first to the last bucket that either version fills; a bound of None is beyond 67 s.
    """

    bound_ms: tuple[float | None, ...]
    canary: tuple[int, ...]
    baseline: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LookTaken:
    """The newest look: which, at how many requests of the canary, on data until when."""

    number: int
    requests: int
    to_s: int
    strata: int


@dataclass(frozen=True, slots=True)
class CanaryVerdict:
    """The answer. ``more_requests`` of the canary may tell; None when no number would or is needed.

    ``more_s`` is how long they take at the canary's rate until now.
    """

    service: str
    verdict: Verdict
    reasons: tuple[str, ...]
    from_s: int
    to_s: int
    confidence: float
    min_requests: int
    canary: VersionSide
    baseline: VersionSide
    errors: ErrorCheck
    latency: LatencyCheck | None
    distribution: Distribution
    look: LookTaken | None
    next_look_requests: int
    more_requests: int | None
    more_s: float | None
    versions: Mapping[str, int]


EXIT_CODES: Final[Mapping[Verdict, int]] = {"promote": 0, "roll_back": 1, "hold": 3}
"""Of the command; 2 is a question that is wrong."""


def judge(trial: Trial, policy: Policy) -> CanaryVerdict:
    """Judge a trial; the same data give the same verdict, however often it is asked."""
    errors = check_errors(trial, policy)
    latency = None if policy.ignore_latency else check_latency(trial, policy)
    verdict = _verdict(errors, latency)
    canary, baseline = _side(trial, CANARY, policy), _side(trial, BASELINE, policy)
    number = -1 if trial.look is None else trial.look.number
    next_look = look_size(number + 1, policy.min_requests)
    more = _more(errors, latency, canary.requests, next_look, policy) if verdict == "hold" else None
    more_s = more / canary.rps if more is not None and canary.rps else None
    told = Told(verdict, trial, policy, errors, latency, more, more_s, next_look)
    return CanaryVerdict(
        service=trial.service,
        verdict=verdict,
        reasons=reasons(told),
        from_s=trial.from_s,
        to_s=trial.to_s,
        confidence=policy.confidence,
        min_requests=policy.min_requests,
        canary=canary,
        baseline=baseline,
        errors=errors,
        latency=latency,
        distribution=_distribution(trial.latency),
        look=_taken(trial, policy),
        next_look_requests=next_look,
        more_requests=more,
        more_s=more_s,
        versions=trial.versions,
    )


def _verdict(errors: ErrorCheck, latency: LatencyCheck | None) -> Verdict:
    states = {errors.state} if latency is None else {errors.state, latency.state}
    if "worse" in states:
        return "roll_back"
    return "promote" if states == {"fine"} else "hold"


def _more(
    errors: ErrorCheck, latency: LatencyCheck | None, have: int, next_look: int, policy: Policy
) -> int | None:
    """Return how many more requests would prove all that is not proven yet, if it goes on so."""
    if errors.state == "no_data" and have >= policy.min_requests:
        return None
    open_checks = [one for one in (errors, latency) if one is not None and one.state != "fine"]
    if have < policy.min_requests and not any(one.requests_needed for one in open_checks):
        return policy.min_requests - have
    needed = [one.requests_needed for one in open_checks]
    if any(one is None for one in needed):
        return None
    most = max((one for one in needed if one is not None), default=next_look)
    return max(size_at_least(most, policy.min_requests), next_look) - have


def _side(trial: Trial, version: int, policy: Policy) -> VersionSide:
    mine, other = trial.rows.of(version), trial.rows.of(1 - version)
    both = mine.requests + other.requests
    seconds = trial.to_s - trial.from_s
    around = wilson(mine.errors, mine.requests, policy.alpha)
    p50, p95, p99 = (_quantile_ms(trial.latency[version], q) for q in (0.5, 0.95, 0.99))
    return VersionSide(
        version=trial.canary if version == CANARY else trial.baseline,
        requests=mine.requests,
        errors=mine.errors,
        retries=mine.retries,
        rps=mine.requests / seconds if seconds > 0 else 0.0,
        share_ratio=mine.requests / both if both else None,
        error_ratio=mine.errors / mine.requests if mine.requests else None,
        error_low_ratio=None if around is None else around[0],
        error_high_ratio=None if around is None else around[1],
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
    )


def _quantile_ms(counts: Ints, quantile: float) -> float | None:
    found = quantile_us(counts.tolist(), quantile)
    return None if found is None else found / 1000


def _distribution(latency: Ints) -> Distribution:
    filled = np.flatnonzero(latency.sum(axis=0))
    if not len(filled):
        return Distribution((), (), ())
    buckets = range(int(filled[0]), int(filled[-1]) + 1)
    bounds = (latency_bound_us(one) / 1000 if one <= LATENCY_BUCKETS else None for one in buckets)
    canary, baseline = (
        tuple(int(latency[version][one]) for one in buckets) for version in (CANARY, BASELINE)
    )
    return Distribution(tuple(bounds), canary, baseline)


def _taken(trial: Trial, policy: Policy) -> LookTaken | None:
    if trial.look is None:
        return None
    number = trial.look.number
    size = look_size(number, policy.min_requests)
    return LookTaken(number, size, trial.look.to_s, len(trial.look.tables.requests))
