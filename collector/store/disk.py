"""How much room the disk has left, and what must be given up for it.

Raw spans and logs go first: the rates of metrics need none of them, only edges that nothing but
spans report wait meanwhile. Counts go last, and then openly: an export that cannot be kept is
refused, and the sender may come again. Never deletes; see ``quota``.
"""

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

_LOG: Final = logging.getLogger(__name__)
_MIB: Final = 2**20
_LOOK_EVERY_S: Final = 0.1


class DiskLevel(IntEnum):
    """What is given up, in order."""

    ROOMY = 0
    SHED_RAW = 1
    """Spans and logs are not kept; the sender is told how many. Metrics are."""
    FULL = 2
    """Nothing is taken; the sender shall come again."""


SHED_TABLES: Final[dict[DiskLevel, frozenset[str]]] = {
    DiskLevel.ROOMY: frozenset(),
    DiskLevel.SHED_RAW: frozenset({"spans", "logs"}),
    DiskLevel.FULL: frozenset({"spans", "logs"}),
}


@dataclass(frozen=True, slots=True)
class Watermarks:
    """Free bytes below which a level begins. The reserve lets a checkpoint always end well."""

    shed_below_bytes: int = 1024 * _MIB
    refuse_below_bytes: int = 256 * _MIB


DEFAULT_WATERMARKS: Final = Watermarks()


def free_bytes(path: Path | None) -> int | None:
    """Return what is free where the file lies; None for a store in memory."""
    return None if path is None else shutil.disk_usage(path.absolute().parent).free


class DiskWatch:
    """Looks at the free space ten times a second at most, and tells of each change of level."""

    def __init__(
        self,
        free: Callable[[], int | None],
        watermarks: Watermarks = DEFAULT_WATERMARKS,
    ) -> None:
        self._free, self.watermarks = free, watermarks
        self._seen, self._next_s = free(), 0.0
        self._told = DiskLevel.ROOMY

    def free(self) -> int | None:
        """Return the free bytes of a moment ago; None in memory."""
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._seen, self._next_s = self._free(), now_s + _LOOK_EVERY_S
        return self._seen

    def level(self) -> DiskLevel:
        """Return what must be given up now."""
        found = level_of(self.free(), self.watermarks)
        if found is not self._told:
            self._told = found
            say = _LOG.info if found is DiskLevel.ROOMY else _LOG.warning
            say("disk: %s bytes free, now %s", self._seen, found.name)
        return found


def level_of(free: int | None, watermarks: Watermarks) -> DiskLevel:
    """Return the level of so many free bytes."""
    if free is None or free >= max(watermarks.shed_below_bytes, watermarks.refuse_below_bytes):
        return DiskLevel.ROOMY
    return DiskLevel.SHED_RAW if free >= watermarks.refuse_below_bytes else DiskLevel.FULL
