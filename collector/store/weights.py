"""Sums of adjusted counts -> whole numbers that are right in expectation, and the same each time.

Rounding to the nearest would bend small numbers: a span that stands for 3.33 calls, alone in its
ten seconds, would always count 3. Here it counts 4 in a third of the cases, by a hash of its place:
a pass that runs again finds the same, and whole numbers stay what they are. Pure.
"""

import math
from collections.abc import Iterable
from hashlib import blake2b
from itertools import accumulate, pairwise
from typing import Final

_RANGE: Final = 2.0**64


def chance(place: str) -> float:
    """Return a number in [0, 1) that is evenly spread over places."""
    return int.from_bytes(blake2b(place.encode(), digest_size=8).digest(), "big") / _RANGE


def whole(weights: Iterable[float], place: str) -> list[int]:
    """Return whole numbers for the weights of one place; they add up to that of their sum."""
    sums = list(accumulate(map(float, weights), initial=0.0))
    if all(one.is_integer() for one in sums):
        return [int(high - low) for low, high in pairwise(sums)]
    up = chance(place)
    return [math.floor(high + up) - math.floor(low + up) for low, high in pairwise(sums)]
