"""Error budgets in events: how many may be bad, how many were, what is left.

The method is OpenSLO's Occurrences: every event weighs the same, so that a quiet night weighs
little. Counts are integers and ratios exact fractions; floats appear when somebody prints. A total
of zero has no ratio: the answer is None, "no data", and never NaN or 100 %.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Self


@dataclass(frozen=True, slots=True)
class Counts:
    """Good and total events of one span of time. They add up over disjoint spans."""

    good: int
    total: int

    def __post_init__(self) -> None:
        if not 0 <= self.good <= self.total:
            raise ValueError(f"counts must hold 0 <= good <= total, got {self.good}, {self.total}")

    def __add__(self, other: Self) -> "Counts":
        return Counts(self.good + other.good, self.total + other.total)

    @property
    def bad(self) -> int:
        """Events that were not good."""
        return self.total - self.good

    @property
    def sli_ratio(self) -> Fraction | None:
        """Good over total; None without events."""
        return Fraction(self.good, self.total) if self.total else None

    @property
    def error_ratio(self) -> Fraction | None:
        """Bad over total; None without events."""
        return Fraction(self.bad, self.total) if self.total else None


@dataclass(frozen=True, slots=True)
class Budget:
    """The error budget of one time window with these counts in it."""

    allowed: Fraction
    spent: int

    @property
    def remaining(self) -> Fraction:
        """Bad events that are still allowed; below zero when the budget is overspent."""
        return self.allowed - self.spent

    @property
    def remaining_ratio(self) -> Fraction | None:
        """The part of the budget that is left: 1 untouched, 0 exhausted, below 0 overspent."""
        return self.remaining / self.allowed if self.allowed else None

    @property
    def is_exhausted(self) -> bool:
        """True when there was a budget and nothing of it is left."""
        return bool(self.allowed) and self.remaining <= 0


def budget(counts: Counts, target: Decimal) -> Budget:
    """Return what the target allows for these events, and what they spent of it."""
    return Budget(allowed=error_budget(target) * counts.total, spent=counts.bad)


@lru_cache
def error_budget(target: Decimal) -> Fraction:
    """Return 1 - target without float noise; a target outside [0, 1) is an error."""
    if not 0 <= target < 1:
        raise ValueError(f"a target must be in [0, 1), got {target}")
    return 1 - Fraction(target)
