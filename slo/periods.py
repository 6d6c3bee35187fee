"""The periods that reports are about: calendar months, quarters and years, or the last days.

``2026-10``, ``2026-Q4``, ``2026``, or ``30d`` for the 30 days that end now. A calendar period
begins at midnight of a time zone, whose days may have 23 or 25 hours. Never reads a clock.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from slo.durations import parse_duration
from slo.sources import Window

_CALENDAR: Final = re.compile(r"([12]\d{3})(?:-(?:(0[1-9]|1[0-2])|[Qq]([1-4])))?")
_ROLLING: Final = re.compile(r"\d{1,4}[hdw]")
_EXPECTED: Final = "expected 2026-10, 2026-Q4, 2026 or 30d"


@dataclass(frozen=True, slots=True)
class Period:
    """[from_s, to_s) in unix seconds and how it is called; ``zone`` says where its days begin."""

    name: str
    from_s: int
    to_s: int
    zone: str = "UTC"

    def days(self) -> tuple[Window, ...]:
        """Return its days in order of time, the first and last perhaps cut; none if empty."""
        if self.from_s >= self.to_s:
            return ()
        zone = ZoneInfo(self.zone)
        at = datetime.fromtimestamp(self.from_s, zone)
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
        found = []
        while midnight.timestamp() < self.to_s:
            following = midnight + timedelta(days=1)  # of the wall clock: 23 to 25 hours
            begin, end = int(midnight.timestamp()), int(following.timestamp())
            found.append((max(begin, self.from_s), min(end, self.to_s)))
            midnight = following
        return tuple(found)

    def date(self, time_s: int) -> str:
        """Return the day of a time in its zone, as 2026-10-31."""
        return datetime.fromtimestamp(time_s, ZoneInfo(self.zone)).date().isoformat()

    def until(self, now_s: int) -> "Period":
        """Return the part of it that is over; all of a past one."""
        return Period(self.name, self.from_s, max(min(self.to_s, now_s), self.from_s), self.zone)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A period and the one before it, which is as long in calendar terms."""

    period: Period
    before: Period


def parse_period(text: str, now_s: int, *, zone: str = "UTC") -> Comparison:
    """Read a period and the one before; a ValueError says what would do."""
    try:
        where = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"no time zone is called {zone!r}; an IANA name, such as UTC") from None
    if _ROLLING.fullmatch(text):
        seconds = parse_duration(text)
        if not 0 < seconds <= now_s // 2:
            raise ValueError(f"{text!r} is no period: {_EXPECTED}")
        begin = now_s - seconds
        before = Period(f"{text} before", begin - seconds, begin, zone)
        return Comparison(Period(text, begin, now_s, zone), before)
    found = _CALENDAR.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no period: {_EXPECTED}")
    year, month, quarter = (int(part) if part else None for part in found.groups())
    months = 1 if month else 3 if quarter else 12
    first = (year or 0) * 12 + (month - 1 if month else 3 * (quarter - 1) if quarter else 0)
    return Comparison(_calendar(first, months, where), _calendar(first - months, months, where))


def _calendar(first: int, months: int, zone: ZoneInfo) -> Period:
    """Return the period of some months from the n-th month of our era on."""
    marks = [
        int(datetime(month // 12, month % 12 + 1, 1, tzinfo=zone).timestamp())
        for month in (first, first + months)
    ]
    year, month = first // 12, first % 12
    names = {1: f"{year}-{month + 1:02}", 3: f"{year}-Q{month // 3 + 1}", 12: f"{year}"}
    return Period(names[months], marks[0], marks[1], zone.key)
