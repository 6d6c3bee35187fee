"""Statuses as a table for a terminal.

Takes the JSON of the API, so that it shows what the server says and nothing of its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from slo.formats import NONE, burn, counted, percent, span

STATE_STYLES: Final = {
    "ok": "green",
    "burning": "yellow",
    "exhausted": "bold red",
    "no_data": "dim",
}


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
        f"{percent(status['target'])} {status['window']}",
        percent(status["sli_ratio"], places=3),
        "/".join(counted(status[name], status["parts_per_event"]) for name in ("bad", "total")),
        percent(status["budget_remaining_ratio"], places=1),
        burn(rates[0]["long_burn"] if rates else None),
        span(status["time_to_exhaustion_s"]),
        percent(status["coverage_ratio"], places=1),
        Text(", ".join(firing) or NONE, style="red" if firing else ""),
    ]
