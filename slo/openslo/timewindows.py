"""``timeWindow``: exactly one, rolling or aligned to a calendar of a time zone.

Never computes a period; ``slo.calendars`` does.
"""

from datetime import datetime
from typing import Final, get_args

from slo.calendars import Calendar, Unit
from slo.durations import UNIT_SECONDS
from slo.model import MINUTE_S, TimeWindow
from slo.openslo.reading import Reading, duration_s
from slo.yamltree import Fields, Place

DEFAULT: Final = TimeWindow(30 * 86_400)
_HOUR_S: Final = 3_600


def read_time_window(fields: Fields, reading: Reading, *, is_v2: bool) -> TimeWindow | None:
    """Read the one window of an SLO."""
    place = fields.get("timeWindow")
    items = place.items() if place is not None else []
    if len(items) == 1:
        return _window(items[0], reading, is_v2=is_v2)
    if place is not None and (items or reading.strict):
        place.complain(f"exactly one time window is required, got {len(items)}")
    if items or reading.strict:
        return None
    told = "no time window is given: read as 30 days, rolling"
    reading.warn(place or fields.place, "no-time-window", told)
    return DEFAULT


def _window(place: Place, reading: Reading, *, is_v2: bool) -> TimeWindow | None:
    fields = place.fields(("duration", "isRolling", "calendar"), required=("duration",))
    duration, calendar = fields.get("duration"), fields.get("calendar")
    rolling = fields.get("isRolling")
    is_rolling = calendar is None if rolling is None else rolling.boolean()
    if duration is None or (seconds := duration_s(duration, is_v2=is_v2)) is None:
        return None
    text = duration.shown
    if text.endswith("m") and 0 < seconds < _HOUR_S:
        count = text.removesuffix("m")
        reading.trap(
            duration,
            "minute-for-month",
            f"{text} is {seconds // 60} minutes, too short for a budget; {count}M is months",
            f"{text} is minutes and was read as months, {count}M",
        )
        text, seconds = f"{count}M", int(count) * UNIT_SECONDS["M"]
        if reading.strict:
            return None
    if calendar is not None and is_rolling:
        calendar.complain("must not be given for a rolling window")
        return None
    if calendar is None and not is_rolling:
        place.complain("calendar is required for a window that is not rolling")
        return None
    try:
        aligned = None if calendar is None else _calendar(calendar, text)
        if calendar is not None and aligned is None:
            return None
        return TimeWindow(seconds, aligned)
    except ValueError as error:
        duration.complain(str(error))
        return None


def _calendar(place: Place, duration: str) -> Calendar | None:
    names = ("startTime", "timeZone")
    fields = place.fields(names, required=names)
    start, zone = fields.get("startTime"), fields.get("timeZone")
    if start is None or zone is None:
        return None
    try:
        at = datetime.fromisoformat(start.shown)
    except ValueError:
        at = None
    if at is None or at.tzinfo is not None:
        start.complain(
            f"must be a time as 2026-01-01 00:00:00, without a zone, got {start.shown!r}"
        )
        return None
    if at.second % MINUTE_S or at.microsecond:
        start.complain(
            f"must be at a whole minute: shorter than that is no data, got {start.shown}"
        )
        return None
    unit = next(one for one in get_args(Unit) if one == duration[-1])
    try:
        return Calendar(at, zone.text(), int(duration[:-1]), unit)
    except ValueError as error:
        zone.complain(str(error))
        return None
