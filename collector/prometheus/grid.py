"""At which times the counters derived from rollups have samples: at the ends of their buckets.

Pure arithmetic. Every 10 s where 10 s rollups remain, every minute before that, every hour before
that: the times do not depend on the query. Besides, one sample at the end of a window that ends in
the bucket in progress: it holds what has come so far, as ``/metrics/mesh`` does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from collector.store.tiers import TIERS_S

BUCKET_S: Final = TIERS_S["10s"]


@dataclass(frozen=True, slots=True)
class Region:
    """Buckets of one tier that begin in [from_s, to_s)."""

    tier: str
    from_s: int
    to_s: int


@dataclass(frozen=True, slots=True)
class Grid:
    """Sample k, at times_ms[k], counts what lies before ends_s[k]. Both ascend."""

    times_ms: NDArray[np.int64]
    ends_s: NDArray[np.int64]


def regions(first_s: Mapping[str, int | None], end_s: int) -> list[Region]:
    """Return which tier tells which time, the oldest first, up to ``end_s``.

    ``first_s`` is the oldest bucket of each tier. A tier that begins later than the coarser one has
    lost its older rows, and is read from the next whole bucket of that on.
    """
    found: list[Region] = []
    to_s = end_s
    tiers = list(TIERS_S.items())
    for (tier, _), (coarser, long_s) in pairwise(tiers):
        first, older = first_s.get(tier), first_s.get(coarser)
        if first is None:
            from_s = to_s - to_s % long_s if older is not None else to_s
        else:
            floor = first - first % long_s
            is_cut = older is not None and older < floor
            from_s = min(floor + long_s if is_cut and first % long_s else floor, to_s)
        found.append(Region(tier, from_s, to_s))
        to_s = from_s
    coarsest, _ = tiers[-1]
    first = first_s.get(coarsest)
    found.append(Region(coarsest, to_s if first is None else min(first, to_s), to_s))
    return [one for one in reversed(found) if one.from_s < one.to_s]


def coarsened(spans: Sequence[Region], kept_s: Mapping[str, int]) -> list[Region]:
    """Return regions in which a tier tells only the newest ``kept_s`` seconds, rounded to longer.

    What is older is told by the next coarser tier: whatever a finer one has, it has too. Tiers that
    are not named tell what they told.
    """
    if not spans:
        return []
    begins = {span.tier: span.from_s for span in spans}
    known_s = to_s = end_s = spans[-1].to_s
    found: list[Region] = []
    lengths = [*TIERS_S.values()]
    for (tier, length), longer in zip(TIERS_S.items(), [*lengths[1:], lengths[-1]], strict=True):
        known_s = min(known_s, begins.get(tier, known_s))
        from_s = min(known_s - known_s % length, to_s)
        if tier in kept_s:
            wanted_s = end_s - kept_s[tier]
            from_s = max(from_s, min(wanted_s - wanted_s % longer, to_s))
        found.append(Region(tier, from_s, to_s))
        to_s = from_s
    return [one for one in reversed(found) if one.from_s < one.to_s]


def grid(spans: list[Region], from_ms: int, to_ms: int, now_ms: int) -> Grid:
    """Return the sample times in [from_ms, to_ms], none after now; the first is before all data."""
    last_ms = min(to_ms, now_ms)
    ends = [np.empty(0, np.int64)]
    for place, span in enumerate(spans):
        length = TIERS_S[span.tier]
        begin_s = span.from_s + length if place else span.from_s
        first = max(begin_s, _up(-(-from_ms // 1000), length))
        last = min(span.to_s, last_ms // 1000)
        ends.append(np.arange(first, last + 1, length, dtype=np.int64))
    ends_s = np.concatenate(ends)
    times_ms = ends_s * 1000
    bucket_ms = BUCKET_S * 1000
    is_in_progress = last_ms // bucket_ms == now_ms // bucket_ms and last_ms % bucket_ms
    if spans and is_in_progress and from_ms <= last_ms:
        times_ms = np.append(times_ms, last_ms)
        ends_s = np.append(ends_s, (now_ms // bucket_ms + 1) * BUCKET_S)
    return Grid(times_ms, ends_s)


def _up(time_s: int, length: int) -> int:
    return -(-time_s // length) * length
