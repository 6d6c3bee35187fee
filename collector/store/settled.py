"""Up to when counts are settled, and how often they changed all the same: what memory stands on.

The writer moves the mark on, some minutes behind the clock; in a transaction that does change a
count before the mark, it says so. Whoever has summed up what is settled then sees in a snapshot of
his own, whether the sum still holds (``remembered``). Kept in ``meta``; a file without it has
nothing settled.
"""

from dataclasses import dataclass
from typing import Final

import duckdb

from collector.store.tiers import TIERS_S

BEHIND_S: Final = 20 * 60
"""Longer than spans are waited for (``span_edges.LATE_S``), and than exports are retried."""

_TO, _CHANGES, _GAP = "settled_to_s", "settled_changes", "settled_gap_s"
_MINUTE_S: Final = TIERS_S["1m"]
_HOUR_S: Final = TIERS_S["1h"]


@dataclass(frozen=True, slots=True)
class Settled:
    """Buckets that begin before ``to_s``, a whole minute, have changed ``changes`` times.

    Up to ``gap_s`` fine buckets were deleted whose hour is still read by them: before the hour of
    the mark has passed it, minutes do not add up to hours.
    """

    to_s: int
    changes: int
    gap_s: int

    @property
    def adds_up(self) -> bool:
        """Whether minutes from the hour of the mark on are whole."""
        return self.to_s - self.to_s % _HOUR_S > self.gap_s


def read_settled(cursor: duckdb.DuckDBPyConnection) -> Settled | None:
    """Return what is settled in the snapshot of this cursor."""
    found = dict(
        cursor.execute(
            "SELECT key, value::BIGINT FROM meta WHERE key IN (?, ?, ?)", [_TO, _CHANGES, _GAP]
        ).fetchall()
    )
    return Settled(found[_TO], found[_CHANGES], found[_GAP]) if found else None


def settle(cursor: duckdb.DuckDBPyConnection, now_s: int) -> int:
    """Move the mark to some minutes ago and return it; the caller has no transaction open.

    A clock that was set back takes the mark back: what was before it may now change unseen, so that
    this is a change.
    """
    to_s = now_s - now_s % _MINUTE_S - BEHIND_S
    cursor.begin()
    try:
        known = read_settled(cursor)
        changes = 0 if known is None else known.changes + (to_s < known.to_s)
        gap_s = 0 if known is None else known.gap_s
        for key, value in ((_TO, to_s), (_CHANGES, changes), (_GAP, gap_s)):
            cursor.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [key, str(value)])
        cursor.commit()
    except BaseException:
        cursor.rollback()
        raise
    return to_s


def note_change(cursor: duckdb.DuckDBPyConnection, first_s: int) -> None:
    """Say in the caller's transaction that buckets from ``first_s`` on change."""
    known = read_settled(cursor)
    if known is not None and first_s < known.to_s:
        _set(cursor, _CHANGES, known.changes + 1)


def note_deleted(cursor: duckdb.DuckDBPyConnection, tier: str, last_s: int) -> None:
    """Say in the caller's transaction that buckets of a tier are deleted, to ``last_s``."""
    known = read_settled(cursor)
    if known is None or (tier != "1h" and last_s < known.to_s - 2 * _HOUR_S):
        return  # nobody reads minutes that are so old: hours stand for them
    _set(cursor, _CHANGES, known.changes + 1)
    if tier != "1h":
        _set(cursor, _GAP, max(known.gap_s, last_s))


def _set(cursor: duckdb.DuckDBPyConnection, key: str, value: int) -> None:
    cursor.execute("UPDATE meta SET value = ? WHERE key = ?", [str(value), key])
