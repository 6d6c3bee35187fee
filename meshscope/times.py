"""Times and durations as people write them in notebooks -> what the server's API takes.

``"1h"`` is that long before the end, a datetime without a zone is UTC, as is a pandas Timestamp.
Never reads a clock: "now" is the server's.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import pandas as pd

from meshscope.errors import BadTime

Time = str | datetime | pd.Timestamp
"""``"30d"``, ``"1h"``, ``"now"``, ``"2026-11-23T13:30Z"``, a datetime or a pandas Timestamp."""
Duration = str | timedelta | pd.Timedelta
"""``"30s"``, ``"5m"``, a timedelta or a pandas Timedelta."""

_UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION: Final = re.compile(r"(\d{1,6})([smhdw])")
_NANOSECONDS: Final = 10**9


@dataclass(frozen=True, slots=True)
class Window:
    """``start`` and ``end`` as the API takes them: ``now``, ``now-1h`` or unix seconds."""

    start: str
    end: str

    def query(self) -> dict[str, str]:
        """Return the parameters of the API."""
        return {"from": self.start, "to": self.end}


def window(start: Time, end: Time | None) -> Window:
    """Return the range that a pair of times means; the end is now when it is None."""
    end_text = "now" if end is None else instant(end)
    seconds = _seconds(start)
    if seconds is None:
        return Window(instant(start), end_text)
    if end_text == "now":
        return Window(f"now-{start}", "now")
    return Window(_number(float(end_text) - seconds), end_text)


def instant(time: Time) -> str:
    """Return ``now`` or unix seconds; a duration is that long before now."""
    if isinstance(time, str) and (time == "now" or _seconds(time) is not None):
        return time if time == "now" else f"now-{time}"
    try:
        stamp = pd.Timestamp(time)
    except (ValueError, TypeError) as error:
        told = "expected '1h', 'now', '2026-11-23T13:30Z', a datetime or a pandas Timestamp"
        raise BadTime(f"{time!r}: {told}") from error
    if pd.isna(stamp):
        raise BadTime(f"{time!r} is no time")
    stamp = stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp
    return _number(stamp.as_unit("ns").value / _NANOSECONDS)


def duration_s(duration: Duration) -> float:
    """Return the seconds of a duration."""
    if seconds := _seconds(duration):
        return float(seconds)
    try:
        found = pd.Timedelta(duration).total_seconds()
    except ValueError as error:
        raise BadTime(f"{duration!r}: expected a duration such as '30s', '5m' or '1h'") from error
    if not found > 0:
        raise BadTime(f"{duration!r}: a duration must be longer than nothing")
    return float(found)


def unix_s(text: str, now_s: float) -> float:
    """Return the unix seconds of an instant that ``instant`` gave."""
    if text.startswith("now"):
        return now_s - (duration_s(text.removeprefix("now-")) if text != "now" else 0)
    return float(text)


def step_of(seconds: float) -> int:
    """Return a step for a range of so many seconds: a 250th of it, 15 s at least."""
    return max(15, round(seconds / 250))


def from_seconds(seconds: Iterable[float]) -> pd.DatetimeIndex:
    """Return unix seconds as tz-aware times; exact to the microsecond."""
    micros = [round(one * 1_000_000) for one in seconds]
    index = pd.to_datetime(pd.Series(micros, dtype="int64"), unit="us", utc=True)
    return pd.DatetimeIndex(index).as_unit("us")


def _seconds(time: object) -> int | None:
    found = _DURATION.fullmatch(time) if isinstance(time, str) else None
    return None if found is None else int(found[1]) * _UNIT_S[found[2]]


def _number(seconds: float) -> str:
    return f"{seconds:.6f}".rstrip("0").rstrip(".")
