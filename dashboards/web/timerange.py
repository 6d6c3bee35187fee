"""The time range of a URL: ``from`` and ``to`` as text, and the whole 10 s buckets they cover.

Accepts ``now``, ``now-15m``, unix seconds, unix milliseconds (what Grafana's links carry) and
ISO 8601; a time without a zone is UTC. Never reads a clock.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from slo.evaluate import BUCKET_S, window_end_s

DEFAULT_FROM: Final = "now-15m"
DEFAULT_TO: Final = "now"

_UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION: Final = re.compile(r"(\d{1,6})([smhdw])")
_NUMBER: Final = re.compile(r"\d{1,16}(\.\d+)?")
_MILLISECONDS_FROM: Final = 100_000_000_000
"""Larger numbers are milliseconds: as seconds they would be in the year 5138."""
_LATEST_S: Final = 32_503_680_000


class BadTime(ValueError):
    """The client named a time that we cannot read; says which parameter and what would do."""

    def __init__(self, parameter: str, value: str, why: str) -> None:
        super().__init__(f"{parameter}={value}: {why}")
        self.parameter = parameter


@dataclass(frozen=True, slots=True)
class TimeRange:
    """[from_s, to_s), aligned outwards to 10 s buckets, with the texts that the URL keeps."""

    from_text: str
    to_text: str
    from_s: int
    to_s: int

    @property
    def is_live(self) -> bool:
        """True when the range ends now, so that the page may follow the clock."""
        return self.to_text == DEFAULT_TO

    @property
    def query(self) -> str:
        """Return the range as a query string for links to other pages."""
        return urlencode({"from": self.from_text, "to": self.to_text})


def parse_range(from_text: str, to_text: str, *, now_s: float) -> TimeRange:
    """Read both ends; raises BadTime naming the parameter when one is unreadable or they cross."""
    from_s = parse_instant(from_text, parameter="from", now_s=now_s)
    to_s = parse_instant(to_text, parameter="to", now_s=now_s)
    if from_s >= to_s:
        raise BadTime("from", from_text, f"must be earlier than to={to_text}")
    return TimeRange(from_text, to_text, _floor(from_s), _end(to_text, to_s))


def parse_window(text: str, *, now_s: float) -> TimeRange:
    """Read ``15m`` as the range that ends now."""
    parse_duration(text, parameter="window")
    return parse_range(f"now-{text}", DEFAULT_TO, now_s=now_s)


def parse_instant(text: str, *, parameter: str, now_s: float) -> float:
    """Return unix seconds; raises BadTime."""
    text = text.strip()
    if text == "now":
        return now_s
    if text.startswith("now-"):
        return now_s - parse_duration(text.removeprefix("now-"), parameter=parameter)
    seconds = _unix_seconds(text) if _NUMBER.fullmatch(text) else _iso_seconds(text)
    if seconds is None or not 0 <= seconds < _LATEST_S:
        raise BadTime(
            parameter, text, "expected now, now-15m, unix seconds or 2026-11-23T13:30:00Z"
        )
    return seconds


def parse_duration(text: str, *, parameter: str) -> int:
    """Return the seconds of ``90s``, ``15m``, ``6h``, ``30d`` or ``4w``; raises BadTime."""
    found = _DURATION.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise BadTime(parameter, text, "expected a duration such as 90s, 15m, 6h or 30d")
    return int(found[1]) * _UNIT_S[found[2]]


def _unix_seconds(text: str) -> float:
    number = float(text)
    return number / 1000 if number >= _MILLISECONDS_FROM else number


def _iso_seconds(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _end(text: str, seconds: float) -> int:
    """Take the bucket in progress in when the range ends now, as ``slo.evaluate`` does."""
    return window_end_s(int(seconds)) if text.strip() == DEFAULT_TO else -_floor(-seconds)


def _floor(seconds: float) -> int:
    return int(seconds // BUCKET_S) * BUCKET_S
