"""Errors of the canary: proven more, proven no worse than the margin, or neither yet.

Worse: the bet of ``evidence`` proves that it fails more often, and the difference so far exceeds
the margin. Fine: ``difference`` disproves "worse by the margin or more" at the newest look, and the
difference so far is within it. A canary that is proven worse by less than the margin is fine.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, Literal

from slo.canary.difference import interval, observed, p_not_worse, score
from slo.canary.evidence import more_errors
from slo.canary.looks import look_number, look_size, spend
from slo.canary.policy import Policy
from slo.canary.strata import until_now
from slo.canary.trial import CANARY, Tables, Trial

State = Literal["fine", "worse", "undecided", "no_data"]

_NORMAL: Final = NormalDist()
_LOOKS_AHEAD: Final = 40


@dataclass(frozen=True, slots=True)
class ErrorCheck:
    """What is known of the errors. Ratios are of requests, over strata that have both versions.

    ``difference_ratio`` is canary minus baseline until now; ``low_ratio`` and ``high_ratio`` bound
    it at the newest look, each wrong with at most the chance that looks may spend. The p-values
    are those of "no worse" (``p_worse``, good at every moment) and "worse by the margin"
    (``p_not_worse``, at the look); ``..._needed`` is what each must reach.
    ``expected_errors`` of ``shared_errors`` would have been the canary's by its share alone.
    """

    state: State
    difference_ratio: float | None
    low_ratio: float | None
    high_ratio: float | None
    margin_ratio: float
    canary_errors: int
    expected_errors: float
    shared_errors: int
    p_worse: float
    p_worse_needed: float
    proven_s: int | None
    p_not_worse: float | None
    p_not_worse_needed: float | None
    requests_needed: int | None
    """How many requests of the canary would prove "fine" if all goes on as until now."""

    @property
    def is_proven_worse(self) -> bool:
        """True when the canary fails more often, be it by little."""
        return self.p_worse <= self.p_worse_needed


def check_errors(trial: Trial, policy: Policy) -> ErrorCheck:
    """Judge the errors; half of the chance of a false alarm is theirs, or all of it alone."""
    now = until_now(trial.rows, (trial.from_s, trial.to_s))
    difference = observed(now)
    found = more_errors(trial.rows, trial.to_s)
    needed = policy.alpha if policy.ignore_latency else policy.alpha / 2
    low, high, p_fine, p_fine_needed = _at_look(trial, policy)
    proven = found.p_value <= needed
    is_within = difference is not None and difference < policy.max_error_increase
    is_fine = is_within and p_fine is not None and p_fine <= (p_fine_needed or 0)
    state: State = (
        "no_data"
        if difference is None
        else "worse"
        if proven and not is_within
        else "fine"
        if is_fine
        else "undecided"
    )
    return ErrorCheck(
        state=state,
        difference_ratio=difference,
        low_ratio=low,
        high_ratio=high,
        margin_ratio=policy.max_error_increase,
        canary_errors=found.errors,
        expected_errors=found.expected_errors,
        shared_errors=found.both,
        p_worse=found.p_value,
        p_worse_needed=needed,
        proven_s=found.reached_s if proven else None,
        p_not_worse=p_fine,
        p_not_worse_needed=p_fine_needed,
        requests_needed=_needed(now, trial, policy),
    )


def _at_look(
    trial: Trial, policy: Policy
) -> tuple[float | None, float | None, float | None, float | None]:
    if trial.look is None or not len(trial.look.tables.requests):
        return None, None, None, None
    tables = trial.look.tables
    alpha = spend(policy.alpha, trial.look.number)
    found = interval(tables, 2 * alpha)
    low, high = found if found is not None else (None, None)
    return low, high, p_not_worse(tables, policy.max_error_increase), alpha


def _needed(tables: Tables, trial: Trial, policy: Policy) -> int | None:
    """Return the size of the look at which the same ratios would do; None when none would."""
    have = int(tables.requests[:, CANARY].sum()) if len(tables.requests) else 0
    if not have:
        return None
    z = score(tables, policy.max_error_increase)
    if z >= 0:
        return None
    seen = trial.rows.of(CANARY).requests
    first = look_number(seen, policy.min_requests) or 0
    for number in range(first, first + _LOOKS_AHEAD):
        size = look_size(number, policy.min_requests)
        limit = _NORMAL.inv_cdf(spend(policy.alpha, number))
        if z * math.sqrt(size / seen) <= limit:
            return size
    return None
