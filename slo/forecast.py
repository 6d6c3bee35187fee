"""When a budget will be gone if nothing changes. A straight line, never a model."""

from fractions import Fraction

from slo.budget import Budget


def time_to_exhaustion_s(
    left: Budget, burn: Fraction | None, *, covered_s: int, period_s: int
) -> Fraction | None:
    """Return the seconds until the budget is spent at the current burn rate; 0 when it is.

    At a burn of 1 the budget of the measured time lasts as long again as was measured. None means
    "not within the period": nothing burns, there are no events, or old trouble leaves the window
    before new trouble fills it. ``period_s`` of a calendar window is what is left of it.
    """
    if left.is_exhausted:
        return Fraction(0)
    ratio = left.remaining_ratio
    if ratio is None or not burn:
        return None
    seconds = ratio * covered_s / burn
    return seconds if seconds <= period_s else None
