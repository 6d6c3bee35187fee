"""Which rollup tier answers which part of a window: hours inside, minutes around, 10 s at the rim.

Pure arithmetic, no SQL. The law: the parts do not overlap, and together they hold exactly the 10 s
buckets that begin in [from_s, to_s). Where retention has taken the finer tiers away, the rim is
missing and the window is read as if it were rounded inwards.
"""

from dataclasses import dataclass
from typing import Final

TIERS_S: Final = {"10s": 10, "1m": 60, "1h": 3600}
"""Suffix of the tables -> length of a bucket, finest first."""


@dataclass(frozen=True, slots=True)
class Part:
    """Buckets of one tier that begin in [from_s, to_s)."""

    tier: str
    from_s: int
    to_s: int


def split(from_s: int, to_s: int, *, step_s: int | None = None) -> list[Part]:
    """Split [from_s, to_s) into parts in time order; empty windows have none.

    With ``step_s`` the answer is cut at from_s + k * step_s, and a tier is used only when no bucket
    of it would straddle a cut.
    """
    lengths = [
        (tier, length)
        for tier, length in TIERS_S.items()
        if length == TIERS_S["10s"] or step_s is None or _fits(length, from_s, step_s)
    ]
    finest = TIERS_S["10s"]
    return _split(_up(from_s, finest), _up(to_s, finest), lengths)


def _fits(length: int, from_s: int, step_s: int) -> bool:
    return step_s % length == 0 and from_s % length == 0


def _split(from_s: int, to_s: int, lengths: list[tuple[str, int]]) -> list[Part]:
    if from_s >= to_s:
        return []
    if len(lengths) == 1:
        return [Part(lengths[0][0], from_s, to_s)]
    *finer, (tier, length) = lengths
    inner_from, inner_to = _up(from_s, length), to_s - to_s % length
    if inner_from >= inner_to:
        return _split(from_s, to_s, finer)
    return [
        *_split(from_s, inner_from, finer),
        Part(tier, inner_from, inner_to),
        *_split(inner_to, to_s, finer),
    ]


def _up(time_s: int, length: int) -> int:
    return -(-time_s // length) * length
