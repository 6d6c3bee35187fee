"""What is true, found the slow way: one loop over all events per question, in ints and Decimals.

Shares nothing with the package: not its counts, its fractions, its tables or its names.
"""

from dataclasses import dataclass
from decimal import Context, Decimal

EXACT = Context(prec=90)
TIERS = (
    # severity, long, short, part of the budget
    ("page", 3600, 300, Decimal("0.02")),
    ("page", 21_600, 1800, Decimal("0.05")),
    ("ticket", 86_400, 7200, Decimal("0.10")),
    ("ticket", 259_200, 21_600, Decimal("0.10")),
)
LEAST_BAD = 10


@dataclass(frozen=True)
class Truth:
    """Counts and the spent part of the budget of the period; burn rates and state of each tier."""

    good: int
    total: int
    spent: Decimal | None
    burns: list
    firing: list


def _product(*factors):
    """Multiply exactly: a Decimal times an int alone is rounded to 28 digits."""
    found = Decimal(1)
    for one in factors:
        found = EXACT.multiply(found, Decimal(one))
    return found


def truth(rows, to_s, *, target, period_s, quick_only=False):
    """Answer for the windows that end at ``to_s``, exclusive."""
    allowed = EXACT.subtract(Decimal(1), target)

    def count(length_s):
        good = total = 0
        for at, quick, slow, failed in rows:
            if to_s - length_s <= at < to_s:
                good += quick if quick_only else quick + slow
                total += quick + slow + failed
        return good, total

    def burn(good, total):
        return None if total == 0 else EXACT.divide(Decimal(total - good), _product(allowed, total))

    good, total = count(period_s)
    spent = burn(good, total)
    burns, firing = [], []
    for _, long_s, short_s, part in TIERS:
        windows = [count(long_s), count(short_s)]
        # part of the budget x period / long window, as a product that is exact
        over = [
            total and (total - good) * long_s > _product(part, period_s, allowed, total)
            for good, total in windows
        ]
        burns.append([burn(*window) for window in windows])
        firing.append(bool(all(over) and windows[0][1] - windows[0][0] >= LEAST_BAD))
    return Truth(good, total, spent, burns, firing)
