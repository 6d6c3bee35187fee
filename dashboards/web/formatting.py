"""Numbers as people read them, for the templates. static/js/format.js says the same in a browser.

A missing value is an en dash: no data is neither zero nor fine. Percent exists only here.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from slo.status import SloStatus

Health = Literal["ok", "warn", "bad", "idle"]

WARN_RATIO: Final = 0.01
"""Error ratio from which a service or an edge asks for attention."""
BAD_RATIO: Final = 0.05
"""Error ratio from which it is failing."""
MISSING: Final = "\N{EN DASH}"


def health(error_ratio: float | None) -> Health:
    """Say how an error ratio is to be shown; None, no traffic, is idle."""
    if error_ratio is None:
        return "idle"
    if error_ratio >= BAD_RATIO:
        return "bad"
    return "warn" if error_ratio >= WARN_RATIO else "ok"


def rate(per_second: float) -> str:
    """Return ``0``, ``0.04``, ``12.3`` or ``1.2k``."""
    if per_second <= 0:
        return "0"
    if per_second < 1:
        return f"{per_second:.2f}"
    if per_second < 100:
        return f"{per_second:.1f}"
    return f"{per_second:.0f}" if per_second < 1000 else f"{per_second / 1000:.1f}k"


def percent(ratio: float | None) -> str:
    """Return ``0 %``, ``0.013 %``, ``2.40 %``: small failures stay visible, at both ends."""
    if ratio is None:
        return MISSING
    value = ratio * 100
    if value in {0, 100}:
        return f"{value:.0f} %"
    if 99.9 < value < 100:
        return "> 99.9 %"
    decimals = 3 if abs(value) < 0.1 else 2 if abs(value) < 10 else 1
    return f"{value:.{decimals}f} %"


def exact_percent(ratio: float | None) -> str:
    """Return ``99.9 %`` or ``99.987 %``: a target or an SLI, never rounded up to 100 %."""
    if ratio is None:
        return MISSING
    scale = 1e5 if ratio >= 0.999 else 1e3
    cut = int(ratio * 100 * scale + 1e-6) / scale
    return f"{f'{cut:.5f}'.rstrip('0').rstrip('.')} %"


def milliseconds(value: float | None) -> str:
    """Return ``0.84 ms``, ``12 ms``, ``1.30 s``."""
    if value is None:
        return MISSING
    if value >= 1000:
        return f"{value / 1000:.2f} s"
    return (
        f"{value:.2f} ms" if value < 1 else f"{value:.1f} ms" if value < 10 else f"{value:.0f} ms"
    )


def count(value: float | None) -> str:
    """Return ``12 345``, grouped by thin spaces."""
    return MISSING if value is None else f"{value:,.0f}".replace(",", "\N{THIN SPACE}")


def events(value: float | None, status: SloStatus) -> str:
    """Return a count of events, slices or samples, which may be counted in parts."""
    if value is None or status.parts_per_event == 1:
        return count(value)
    whole = value / status.parts_per_event
    return count(whole) if whole >= 100 else f"{whole:.2f}"


def bytes_(value: float | None) -> str:
    """Return ``0 B``, ``1.5 KiB``, ``64 MiB``."""
    if value is None:
        return MISSING
    power = next((power for power in range(4) if abs(value) < 1024 ** (power + 1)), 4)
    size, unit = value / 1024**power, ("B", "KiB", "MiB", "GiB", "TiB")[power]
    return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"


def burn(rate_of_burn: float | None) -> str:
    """Return ``14.4x``: how many times faster than allowed the budget goes."""
    if rate_of_burn is None:
        return MISSING
    return f"{rate_of_burn:.2g}x" if rate_of_burn < 10 else f"{rate_of_burn:.3g}x"


def duration(seconds: float | None) -> str:
    """Return ``42 s``, ``7 min``, ``3.2 h``, ``12 d``."""
    if seconds is None:
        return MISSING
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} d"


def iso_time(seconds: float) -> str:
    """Return ``2026-11-23T13:30:00Z`` for a time element; the browser shows it in local time."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc_time(seconds: float) -> str:
    """Return ``11-23 13:30:00``, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%m-%d %H:%M:%S")


def worst_burn(status: SloStatus) -> float:
    """Return the number that the burn column sorts by: the fastest burn of any long window."""
    return max((tier.long_burn or 0.0 for tier in status.burn_rates), default=0.0)


def is_link(url: str) -> bool:
    """Tell whether a text from elsewhere may be the address of a link: http, https or a path."""
    return url.startswith(("http://", "https://")) or (url[:1] == "/" and url[1:2] not in "/\\")


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    function.__name__.rstrip("_"): function
    for function in (
        health,
        rate,
        percent,
        exact_percent,
        milliseconds,
        count,
        events,
        bytes_,
        burn,
        duration,
        iso_time,
        utc_time,
        worst_burn,
        is_link,
    )
}
