"""Which requests may be compared: same caller, same route, same sixth of the time until a look.

Weights and troubles change with time, so that a canary that got most of its requests in a bad hour
looks bad. Within a stratum both versions had the same hour.
"""

from typing import Final

import numpy as np

from slo.canary.looks import look_number, look_size
from slo.canary.trial import BUCKET_S, CANARY, Histograms, Ints, Look, Rows, Tables, tables_by

PERIODS: Final = 6


def newest_look(rows: Rows, first: int) -> tuple[int, int] | None:
    """Return the newest look that the canary's requests allow: its number, and until when.

    It ends with the bucket in which the canary reached the size of the look.
    """
    mine = rows.version == CANARY
    number = look_number(int(rows.requests[mine].sum()), first)
    if number is None:
        return None
    order = np.argsort(rows.bucket_s[mine], kind="stable")
    reached = np.cumsum(rows.requests[mine][order]) >= look_size(number, first)
    return number, int(rows.bucket_s[mine][order][np.argmax(reached)]) + BUCKET_S


def period_s(from_s: int, to_s: int) -> int:
    """Return the length of a sixth of a window, in whole buckets."""
    return max(-(-(to_s - from_s) // (PERIODS * BUCKET_S)), 1) * BUCKET_S


def strata(pair: Ints, bucket_s: Ints, from_s: int, step_s: int) -> Ints:
    """Return the number of the stratum of each row; a pair has PERIODS of them."""
    numbers: Ints = pair * PERIODS + (bucket_s - from_s) // step_s
    return numbers


def taken(number: int, window: tuple[int, int], rows: Rows, histograms: Histograms) -> Look:
    """Return a look at the rows of a window, with its latencies by the same strata."""
    return Look(number, window[1], until_now(rows, window), histograms)


def until_now(rows: Rows, window: tuple[int, int]) -> Tables:
    """Return the tables of a window's strata, of those in which both versions were asked."""
    from_s, to_s = window
    seen = rows.before(to_s)
    stratum = strata(seen.pair, seen.bucket_s, from_s, period_s(from_s, to_s))
    return tables_by(seen, stratum).comparable()
