"""Calendar-aligned time windows: months, quarters, years, weeks and days of a time zone.

A window begins at a wall-clock time and repeats by the calendar, so that a month has 28 to 31 days
and a day 23 to 25 hours, to the second. Hours and minutes repeat by the clock. A start on the 31st
is the last day of a shorter month. A time that a clock change skips is taken as if the clock had
not changed yet; of one that comes twice, the first. Never reads a clock.
"""

from bisect import bisect_left
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Unit = Literal["m", "h", "d", "w", "M", "Q", "Y"]

_MONTHS: Final = {"M": 1, "Q": 3, "Y": 12}
_DAYS: Final = {"d": 1, "w": 7}
_SECONDS: Final = {"m": 60, "h": 3_600}
_NOMINAL_DAYS: Final = {"d": 1, "w": 7, "M": 30, "Q": 91, "Y": 365}


@dataclass(frozen=True, slots=True)
class Calendar:
    """``count`` units from ``start`` on, a wall-clock time of the zone, again and again."""

    start: datetime
    zone: str
    count: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.start.tzinfo is not None:
            raise ValueError("a start must be a wall-clock time: its zone is a field of its own")
        if self.count <= 0:
            raise ValueError(f"a calendar window must be longer than 0, got {self.count}")
        zone_of(self.zone)

    def period(self, at_s: int) -> tuple[int, int]:
        """Return [from_s, to_s) of the period that holds a moment, in unix seconds."""
        number = self._guess(at_s)
        while self._begin_s(number) > at_s:
            number -= 1
        while self._begin_s(number + 1) <= at_s:
            number += 1
        return self._begin_s(number), self._begin_s(number + 1)

    def marks(self, from_s: int, to_s: int) -> list[int]:
        """Return where periods begin, in order: the last at or before ``from_s``, to ``to_s``."""
        begin, end = self.period(from_s)
        found = [begin]
        while end <= to_s:
            found.append(end)
            _, end = self.period(end)
        return found

    def _guess(self, at_s: int) -> int:
        """Return the number of a period near a moment, at most a few off."""
        at = datetime.fromtimestamp(at_s, zone_of(self.zone)).replace(tzinfo=None)
        if self.unit in _SECONDS:
            first = self.start.replace(tzinfo=zone_of(self.zone)).timestamp()
            return int((at_s - first) // (_SECONDS[self.unit] * self.count))
        days = (at - self.start).days
        return days // (_NOMINAL_DAYS[self.unit] * self.count)

    def _begin_s(self, number: int) -> int:
        """Return where the n-th period begins; the one at ``start`` is 0."""
        units = number * self.count
        zone = zone_of(self.zone)
        if self.unit in _SECONDS:
            first = self.start.replace(tzinfo=zone).timestamp()
            return int(first) + units * _SECONDS[self.unit]
        if self.unit in _DAYS:
            wall = self.start + timedelta(days=units * _DAYS[self.unit])
        else:
            wall = _months_later(self.start, units * _MONTHS[self.unit])
        return int(wall.replace(tzinfo=zone).timestamp())


def zone_of(name: str) -> ZoneInfo:
    """Return a zone of the IANA database; a ValueError names what would do."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"no time zone is called {name!r}; an IANA name, such as UTC") from None


def begin_before(marks: list[int], at_s: int) -> int:
    """Return the last mark before a moment: a window that ends where a period begins is whole."""
    return marks[bisect_left(marks, at_s) - 1]


def _months_later(start: datetime, months: int) -> datetime:
    month = start.year * 12 + start.month - 1 + months
    year, index = divmod(month, 12)
    day = min(start.day, monthrange(year, index + 1)[1])
    return start.replace(year=year, month=index + 1, day=day)
