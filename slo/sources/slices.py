"""Slices of time as events: counts of each slice in, good and total slices out.

A slice is an event at its end. One without events is no event: neither good nor bad. Never reads,
never a float: a ratio is rounded down to billionths.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from slo.model import PARTS, Slices

Ints = NDArray[np.int64]

_SPLIT: int = 10**5
"""A ratio is made in two steps, so that counts up to 10**13 fit into 64 bits."""


def ends_in(from_s: int, to_s: int, seconds: int) -> tuple[int, int]:
    """Return the first end of a slice in (from_s, to_s] and one slice beyond the last."""
    return from_s // seconds * seconds + seconds, to_s // seconds * seconds + seconds


def judged(sli: Slices, counts: Ints) -> Ints:
    """Return good and total of each slice, from rows of what was good and all of what was in it."""
    total = counts[:, 1]
    good = np.clip(counts[:, 0], 0, total)
    some = total > 0
    if sli.target is None:
        return np.column_stack([ratio_parts(good, total), some * PARTS])
    limit = Fraction(sli.target)
    reaches = [
        ok * limit.denominator >= all_ * limit.numerator
        for ok, all_ in zip(good.tolist(), total.tolist(), strict=True)
    ]
    return np.column_stack([some & np.array(reaches, dtype=bool), some]).astype(np.int64)


def jointly(members: Sequence[Ints]) -> Ints:
    """Return slices that are bad where any member's is, of members judged with a target."""
    bad = np.any([rows[:, 1] > rows[:, 0] for rows in members], axis=0)
    some = np.any([rows[:, 1] > 0 for rows in members], axis=0)
    return np.column_stack([some & ~bad, some]).astype(np.int64)


def summed(members: Sequence[tuple[Ints, Fraction]]) -> Ints:
    """Return slices that fall short by the sum of what their members do, weighted; never below 0.

    What is short is rounded up, so that a slice is never too good.
    """
    some = np.any([rows[:, 1] > 0 for rows, _ in members], axis=0)
    short = np.zeros(len(some), dtype=np.int64)
    for rows, weight in members:
        missing = (rows[:, 1] - rows[:, 0]).astype(object) * weight.numerator
        short += np.minimum(-(-missing // weight.denominator), PARTS).astype(np.int64)
    good = np.where(some, np.maximum(PARTS - short, 0), 0)
    return np.column_stack([good, some * PARTS]).astype(np.int64)


def ratio_parts(good: Ints, total: Ints) -> Ints:
    """Return good / total in billionths, rounded down; 0 where the total is."""
    whole = np.maximum(total, 1)
    if total.max(initial=0) < 2**63 // PARTS:
        return np.asarray(good * PARTS // whole, dtype=np.int64)
    high, rest = np.divmod(good * _SPLIT, whole)
    return np.asarray(high * (PARTS // _SPLIT) + rest * (PARTS // _SPLIT) // whole, dtype=np.int64)
