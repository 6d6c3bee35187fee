"""Numbers for people, as Prometheus writes them: four digits and a prefix.

https://prometheus.io/docs/prometheus/latest/configuration/template_reference/#numbers
"""

import math
from datetime import UTC, datetime, timedelta
from typing import Final

from alerts.templates.printing import four_digits, shortest, time_text
from alerts.templates.values import FailedTemplate

_LARGE: Final = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALL: Final = ("m", "u", "n", "p", "f", "a", "z", "y")
_MAX_NS: Final = 2**63
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def humanize(value: float) -> str:
    """Return a number with a metric prefix: 123456 -> 123.5k."""
    if value == 0 or not math.isfinite(value):
        return four_digits(value)
    if abs(value) >= 1:
        return _divided(value, 1000, _LARGE)
    return _multiplied(value)


def humanize_1024(value: float) -> str:
    """Return a number with a binary prefix: 2048 -> 2ki."""
    if abs(value) <= 1 or not math.isfinite(value):
        return four_digits(value)
    return _divided(value, 1024, tuple(f"{prefix}i" for prefix in _LARGE))


def humanize_percentage(value: float) -> str:
    """Return a ratio as a percentage: 0.3 -> 30%."""
    return f"{four_digits(value * 100)}%"


def humanize_duration(value: float) -> str:
    """Return seconds in days to seconds, below one with a prefix: 3661 -> 1h 1m 1s."""
    if not math.isfinite(value):
        return four_digits(value)
    if value == 0:
        return "0s"
    if abs(value) < 1:
        return f"{_multiplied(value)}s"
    sign, value = ("-", -value) if value < 0 else ("", value)
    minutes, seconds = divmod(int(value), 60)
    if not minutes:
        return f"{sign}{four_digits(value)}s"
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    text = f"{minutes}m {seconds}s"
    if days or hours:
        text = f"{hours}h {text}"
    return sign + (f"{days}d {text}" if days else text)


def humanize_timestamp(value: float) -> str:
    """Return unix seconds as a time in UTC."""
    return time_text(to_time(value)) if math.isfinite(value) else four_digits(value)


def to_time(value: float) -> datetime:
    """Return the time of unix seconds, to the millisecond; FailedTemplate beyond int64 ns."""
    if not -_MAX_NS <= value * 1e9 < _MAX_NS:
        raise FailedTemplate(
            f"{shortest(value)} cannot be represented as a nanoseconds timestamp "
            "since it overflows int64"
        )
    return _EPOCH + timedelta(milliseconds=math.floor(value * 1000 + 0.5))


def _divided(value: float, by: int, prefixes: tuple[str, ...]) -> str:
    chosen = ""
    for prefix in prefixes:
        if abs(value) < by:
            break
        chosen = prefix
        value /= by
    return four_digits(value) + chosen


def _multiplied(value: float) -> str:
    chosen = ""
    for prefix in _SMALL:
        if abs(value) >= 1:
            break
        chosen = prefix
        value *= 1000
    return four_digits(value) + chosen
