"""When the data of a canary may be looked at, and how much of the chance of error each look spends.

Whoever asks every minute gives chance many tries: a test at 5 % that is asked a hundred times is
wrong far more often. So the tests that are exact for one look only see the data at fixed sizes, of
the canary's first ``min_requests`` and then of half as many again each time. Between two sizes the
answer stands still, however often it is asked. The k-th look may be wrong with the chance
alpha / ((k + 1) (k + 2)); over all looks these add up to alpha.
Alpha spending: Lan, DeMets, Biometrika 70 (1983) 659; here as the union bound over looks.
"""

import math
from typing import Final

GROWTH: Final = 1.5


def look_number(requests: int, first: int) -> int | None:
    """Return the newest look that so many requests allow, counted from 0; None before the first."""
    if requests < first:
        return None
    number = int(math.log(requests / first, GROWTH))
    while look_size(number + 1, first) <= requests:  # the logarithm is a float
        number += 1
    while look_size(number, first) > requests:
        number -= 1
    return number


def look_size(number: int, first: int) -> int:
    """Return how many requests of the canary a look needs."""
    return math.ceil(first * GROWTH**number)


def spend(alpha: float, number: int) -> float:
    """Return the chance of error of one look."""
    return alpha / ((number + 1) * (number + 2))


def size_at_least(requests: float, first: int) -> int:
    """Return the size of the first look with so many requests or more."""
    number = look_number(math.ceil(requests), first)
    if number is None:
        return first
    size = look_size(number, first)
    return size if size >= requests else look_size(number + 1, first)
