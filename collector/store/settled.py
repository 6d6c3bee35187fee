"""Up to when counts are settled, and how often they changed all the same: what memory stands on.

The writer moves the mark on, some minutes behind the clock; in a transaction that does change a
count before the mark, it says so. Whoever has summed up what is settled then sees in a snapshot of
his own, whether the sum still holds (``remembered``). Changes of what is a day older are counted
apart, since there is much of it and it hardly ever changes. Kept in ``meta``; a file without it has
nothing settled.
"""

from dataclasses import dataclass, replace
from typing import Final

import duckdb

from collector.store.tiers import TIERS_S

BEHIND_S: Final = 20 * 60
"""Longer than spans are waited for (``span_edges.LATE_S``), and than exports are retried."""

_KEYS: Final = {
    "to_s": "settled_to_s",
    "changes": "settled_changes",
    "old_changes": "settled_old_changes",
    "gap_s": "settled_gap_s",
}
_MINUTE_S: Final = TIERS_S["1m"]
_HOUR_S: Final = TIERS_S["1h"]
_DAY_S: Final = 24 * _HOUR_S


@dataclass(frozen=True, slots=True)
class Settled:
    """Buckets that begin before ``to_s``, a whole minute, have changed ``changes`` times.

    ``old_changes`` were of buckets before ``old_to_s``. Up to ``gap_s`` fine buckets were deleted
    whose hour is still read by them: before the hour of the mark has passed it, minutes do not add
    up to hours.
    """

    to_s: int
    changes: int = 0
    old_changes: int = 0
    gap_s: int = 0

    @property
    def old_to_s(self) -> int:
        """A midnight, a day before the mark or more."""
        return self.to_s - self.to_s % _DAY_S - _DAY_S

    @property
    def adds_up(self) -> bool:
        """Whether minutes from the hour of the mark on are whole."""
        return self.to_s - self.to_s % _HOUR_S > self.gap_s

    def changed(self, *, old: bool) -> "Settled":
        """Return it with one change more."""
        return replace(self, changes=self.changes + 1, old_changes=self.old_changes + old)


def read_settled(cursor: duckdb.DuckDBPyConnection) -> Settled | None:
    """Return what is settled in the snapshot of this cursor."""
    found = dict(
        cursor.execute(
            "SELECT key, value::BIGINT FROM meta WHERE key IN (?, ?, ?, ?)", list(_KEYS.values())
        ).fetchall()
    )
    return Settled(**{name: found[key] for name, key in _KEYS.items()}) if found else None


def settle(cursor: duckdb.DuckDBPyConnection, now_s: int) -> int:
    """Move the mark to some minutes ago and return it; the caller has no transaction open.

    A clock that was set back takes the mark back: what was before it may now change unseen, so that
    this is a change.
    """
    to_s = now_s - now_s % _MINUTE_S - BEHIND_S
    cursor.begin()
    try:
        known = read_settled(cursor) or Settled(to_s)
        known = known.changed(old=True) if to_s < known.to_s else known
        _write(cursor, replace(known, to_s=to_s))
        cursor.commit()
    except BaseException:
        cursor.rollback()
        raise
    return to_s


def note_change(cursor: duckdb.DuckDBPyConnection, first_s: int) -> None:
    """Say in the caller's transaction that buckets from ``first_s`` on change."""
    known = read_settled(cursor)
    if known is not None and first_s < known.to_s:
        _write(cursor, known.changed(old=first_s < known.old_to_s))


def note_deleted(cursor: duckdb.DuckDBPyConnection, tier: str, last_s: int) -> None:
    """Say in the caller's transaction that buckets of a tier are deleted, to ``last_s``."""
    known = read_settled(cursor)
    if known is None:
        return
    if tier == "1h":
        _write(cursor, known.changed(old=True))
    elif last_s >= known.to_s - 2 * _HOUR_S:  # for older minutes their hours stand
        _write(cursor, replace(known.changed(old=False), gap_s=max(known.gap_s, last_s)))


def _write(cursor: duckdb.DuckDBPyConnection, settled: Settled) -> None:
    for name, key in _KEYS.items():
        value = str(getattr(settled, name))
        cursor.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [key, value])
