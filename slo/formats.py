"""How numbers of this package are printed for people: percent, spans of time, moments.

The one place that multiplies a ratio by a hundred. None is "no data", printed as a dash.
"""

from datetime import UTC, datetime
from typing import Final

NONE: Final = "-"
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60))


def percent(ratio: float | None, *, places: int | None = None) -> str:
    """Print a ratio; without places, as short as it is. Rounding never reaches 100 % from below."""
    if ratio is None:
        return NONE
    if places is None:
        return f"{ratio * 100:.6g} %"
    shown = f"{ratio * 100:.{places}f}"
    if ratio < 1 and float(shown) >= 100:
        shown = f"{100 - 10**-places:.{places}f}"
    return f"{shown} %"


def counted(value: float, parts: int = 1) -> str:
    """Print a count of events that may be counted in parts, with two places where they are."""
    return f"{value:,}" if parts == 1 else f"{value / parts:,.2f}"


def burn(rate: float | None) -> str:
    """Print a burn rate."""
    return NONE if rate is None else f"{rate:.2f}x"


def span(seconds: float | None) -> str:
    """Print a span of time in its largest unit; what is over is now."""
    if seconds is None:
        return NONE
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return "now" if seconds <= 0 else f"{seconds:.0f} s"


def moment(time_s: float) -> str:
    """Print a time in UTC, to the minute, and to the second where it has any."""
    at = datetime.fromtimestamp(time_s, UTC)
    return at.strftime("%Y-%m-%d %H:%M:%S" if at.second else "%Y-%m-%d %H:%M")
