"""Statuses as a table for a terminal. The one place of this package that prints percent.

Takes the JSON of the API, so that it shows what the server says and nothing of its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.table import Table
from rich.text import Text

STATE_STYLES: Final = {
    "ok": "green",
    "burning": "yellow",
    "exhausted": "bold red",
    "no_data": "dim",
}
_NONE: Final = "-"


def status_table(statuses: Sequence[Mapping[str, Any]]) -> Table:
    """Return one row per objective, in the order given."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("SLO", "SERVICE", "STATE"):
        table.add_column(heading, no_wrap=True)
    for heading in ("TARGET", "SLI", "BAD/TOTAL", "BUDGET LEFT", "BURN 1h", "GONE IN", "COVERED"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("FIRING")
    for status in statuses:
        table.add_row(*_row(status))
    return table


def _row(status: Mapping[str, Any]) -> list[Text | str]:
    rates = status["burn_rates"]
    firing = [
        f"{rate['severity']} {rate['long']}/{rate['short']}" for rate in rates if rate["firing"]
    ]
    return [
        Text(status["name"]),
        Text(status["service"]),
        Text(status["state"].replace("_", " "), style=STATE_STYLES.get(status["state"], "")),
        f"{_percent(status['target'])} {status['window']}",
        _percent(status["sli_ratio"], places=3),
        f"{status['bad']:,}/{status['total']:,}",
        _percent(status["budget_remaining_ratio"], places=1),
        _burn(rates[0]["long_burn"] if rates else None),
        _span(status["time_to_exhaustion_s"]),
        _percent(status["coverage_ratio"], places=1),
        Text(", ".join(firing) or _NONE, style="red" if firing else ""),
    ]


def _percent(ratio: float | None, *, places: int | None = None) -> str:
    """Print a ratio; without places, as short as it is. Rounding never reaches 100 % from below."""
    if ratio is None:
        return _NONE
    if places is None:
        return f"{ratio * 100:.6g} %"
    shown = f"{ratio * 100:.{places}f}"
    if ratio < 1 and float(shown) >= 100:
        shown = f"{100 - 10**-places:.{places}f}"
    return f"{shown} %"


def _burn(rate: float | None) -> str:
    return _NONE if rate is None else f"{rate:.2f}x"


def _span(seconds: float | None) -> str:
    if seconds is None:
        return _NONE
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return "now" if seconds <= 0 else f"{seconds:.0f} s"
