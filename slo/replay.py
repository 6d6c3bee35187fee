"""The replay: what the status was at each of many instants, and which tiers fired then.

Takes the counts of all instants at once, in integers: an instant here is the same as one status of
``slo.evaluate`` at that instant, and a law holds the two together. Never reads a source.
Method of the alerts: ``slo.burnrate``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Final

import numpy as np
from numpy.typing import NDArray

from slo.budget import Counts, budget, error_budget
from slo.burnrate import MIN_BAD_EVENTS, Tier, Verdict, factor, judge, tiers_within
from slo.model import Slo, TimeWindow, least_bad
from slo.tape import Ints, Tape

Bools = NDArray[np.bool_]

_INT64_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of instants at which something held: [from_s, to_s). ``is_open``: it held at the last.

    ``to_s`` is the first instant at which it no longer held, or the last instant of all.
    """

    from_s: int
    to_s: int
    first: int
    last: int
    is_open: bool

    @property
    def seconds(self) -> int:
        """How long it held."""
        return self.to_s - self.from_s


@dataclass(frozen=True, slots=True)
class Replay:
    """One objective at many instants: columns of one length, in order of time.

    ``good`` and ``total`` hold the windows that end at each instant, by their length in seconds.
    ``firing`` has a column per tier, False before ``judged_from_s``: there the buckets are too long
    for the tier's windows. ``judged_from_s`` is None where they are too long throughout.
    """

    slo: Slo
    at_s: Ints
    tiers: tuple[Tier, ...]
    good: Mapping[int, Ints]
    total: Mapping[int, Ints]
    firing: tuple[Bools, ...]
    judged_from_s: tuple[int | None, ...]
    min_bad_events: int

    def counts(self, instant: int, length_s: int | None = None) -> Counts:
        """Return the counts of the objective's window, or another one, at the n-th instant."""
        length_s = length_s or self.slo.window.seconds
        return Counts(int(self.good[length_s][instant]), int(self.total[length_s][instant]))

    def verdict(self, instant: int, tier: Tier) -> Verdict:
        """Return what a tier said at the n-th instant, as ``judge`` says it."""
        return judge(
            tier,
            long=self.counts(instant, tier.long_s),
            short=self.counts(instant, tier.short_s),
            target=self.slo.objective.target,
            period_s=self.slo.window.seconds,
            min_bad_events=self.min_bad_events,
        )

    def spent_ratio(self, instant: int) -> Fraction | None:
        """Return the part of the budget that was spent at the n-th instant; None without events."""
        left = budget(self.counts(instant), self.slo.objective.target).remaining_ratio
        return None if left is None else 1 - left

    def exhausted(self) -> Bools:
        """Return at which instants nothing was left of the budget."""
        period_s = self.slo.window.seconds
        total, good = self.total[period_s], self.good[period_s]
        return (total > 0) & ~exceeds(good, total, Fraction(self.slo.objective.target))

    def stretches(self, held: Bools) -> Iterator[Stretch]:
        """Give the runs of instants at which a column holds, in order of time."""
        edges = np.flatnonzero(np.diff(held.astype(np.int8), prepend=0, append=0))
        for first, after in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            is_open = after == len(self.at_s)
            to_s = int(self.at_s[after - 1 if is_open else after])
            yield Stretch(int(self.at_s[first]), to_s, first, after - 1, is_open)


def replay(
    slo: Slo,
    tape: Tape,
    at_s: Ints,
    tiers: Sequence[Tier],
    *,
    min_bad_events: int = MIN_BAD_EVENTS,
) -> Replay:
    """Judge an objective at all instants. The tape must reach back by the longest window."""
    period_s = slo.window.seconds
    kept = tiers_within(tiers, period_s)
    lengths = {length for tier in kept for length in (tier.long_s, tier.short_s)}
    counts = {length: tape.windows(at_s, length) for length in lengths}
    counts[period_s] = tape.between(begins_s(slo.window, at_s), at_s)
    min_bad_events = least_bad(slo.sli, min_bad_events)
    known = tuple(_judged_from_s(tape, at_s, tier) for tier in kept)
    return Replay(
        slo=slo,
        at_s=at_s,
        tiers=kept,
        good={length: good for length, (good, _) in counts.items()},
        total={length: total for length, (_, total) in counts.items()},
        firing=tuple(
            _firing(slo, tier, counts[tier.long_s], counts[tier.short_s], min_bad_events)
            & (at_s >= since if since is not None else np.zeros(len(at_s), dtype=np.bool_))
            for tier, since in zip(kept, known, strict=True)
        ),
        judged_from_s=known,
        min_bad_events=min_bad_events,
    )


def begins_s(window: TimeWindow, at_s: Ints) -> Ints:
    """Return where the time windows begin that end at these instants, in order of time."""
    if window.calendar is None or not len(at_s):
        return at_s - window.seconds
    marks = np.array(window.calendar.marks(int(at_s[0]) - 1, int(at_s[-1])), dtype=np.int64)
    begun: Ints = marks[np.searchsorted(marks, at_s) - 1]
    return begun


def exceeds(part: Ints, whole: Ints, limit: Fraction) -> Bools:
    """Tell where part / whole is above a limit, exactly; False where the whole is zero.

    Compares products, in Python integers where 64 bits could overflow.
    """
    largest = (int(part.max(initial=1)), int(whole.max(initial=1)))
    most = max(largest[0] * limit.denominator, largest[1] * limit.numerator)
    if most > _INT64_MAX:
        part, whole = part.astype(object), whole.astype(object)
    above = part * limit.denominator > whole * limit.numerator
    return np.asarray(above, dtype=np.bool_) & np.asarray(whole > 0, dtype=np.bool_)


def _firing(
    slo: Slo, tier: Tier, long: tuple[Ints, Ints], short: tuple[Ints, Ints], min_bad_events: int
) -> Bools:
    """Do what ``judge`` does: burn = bad / total / allowed is above the factor, long and short."""
    limit = factor(tier.budget_ratio, slo.window.seconds, tier.long_s)
    allowed = error_budget(slo.objective.target)
    both = [exceeds(total - good, total, limit * allowed) for good, total in (long, short)]
    return both[0] & both[1] & (long[1] - long[0] >= min_bad_events)


def _judged_from_s(tape: Tape, at_s: Ints, tier: Tier) -> int | None:
    """Return the first instant whose windows begin and end with whole buckets; None: there is none.

    Windows begin anywhere that instants allow, so buckets must divide their distance as well.
    """
    apart_s = int(np.gcd.reduce(at_s)) if len(at_s) else 0
    since = tape.known_from_s(gcd(apart_s, tier.short_s, tier.long_s))
    return None if since is None else since + tier.long_s
