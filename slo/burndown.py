"""The burn-down: how the budget of the present time window was spent, step by step.

Every point asks the same question of the same budget, that of the whole window: it starts near 1
and ends at the status's remaining ratio. (A rolling ratio per point would recover when old trouble
leaves the window, and is misread as a budget that refills.)
"""

from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Final

from slo.budget import error_budget
from slo.evaluate import window_end_s
from slo.model import Slo
from slo.sources import CountSource

STEPS_S: Final = (10, 60, 300, 900, 3_600, 21_600, 86_400, 604_800)
MAX_POINTS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Burndown:
    """Columns of equal length. ``budget_remaining`` is None throughout without any event."""

    step_s: int
    bucket_s: tuple[int, ...]
    good: tuple[int, ...]
    total: tuple[int, ...]
    budget_remaining: tuple[float | None, ...]


def burndown(slo: Slo, source: CountSource, now_s: int, *, step_s: int | None = None) -> Burndown:
    """Return the burn-down of one objective over the time window that ends now."""
    to_s = window_end_s(now_s)
    from_s = slo.window.from_s(to_s)
    step_s = step_s or default_step_s(to_s - from_s)
    rows = source.series(slo.sli, from_s, to_s, step_s)
    buckets, good, total = (tuple(column) for column in rows.T.tolist())
    allowed = error_budget(slo.objective.target) * sum(total)
    spent = accumulate(all_ - ok for ok, all_ in zip(good, total, strict=True))
    return Burndown(
        step_s=step_s,
        bucket_s=buckets,
        good=good,
        total=total,
        budget_remaining=tuple(_remaining(allowed, bad) for bad in spent),
    )


def default_step_s(window_s: int) -> int:
    """Return the shortest round step with at most 1000 points; a week when none is long enough."""
    fitting = (step for step in STEPS_S if window_s <= step * MAX_POINTS)
    return next(fitting, STEPS_S[-1])


def _remaining(allowed: Fraction, bad: int) -> float | None:
    return float(1 - bad / allowed) if allowed else None
