"""Backtests as text for a terminal. Takes the JSON of the API and adds nothing of its own."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from slo.formats import NONE, burn, counted, moment, percent, span

PIPED_WIDTH: Final = 200


def print_backtests(backtests: Sequence[Mapping[str, Any]]) -> None:
    """Print each target's summary, its tiers and its firings."""
    piped = not Console().is_terminal
    console = Console(width=PIPED_WIDTH) if piped else Console()
    for one in backtests:
        console.print(_summary(one), highlight=False, markup=False)
        console.print(_tiers(one["tiers"]))
        console.print(_firings(one["firings"]) if one["firings"] else "no alert would have fired")
        for note in one["notes"]:
            console.print(f"note: {note}", highlight=False, markup=False)
        console.print()


def _summary(one: Mapping[str, Any]) -> str:
    parts = one["parts_per_event"]
    lowest = percent(one["lowest_budget_ratio"], places=1)
    return (
        f"{one['name']} with {percent(one['target'])} over {one['window']}, {one['profile']}, "
        f"from {moment(one['from_s'])} to {moment(one['to_s'])} UTC: "
        f"{counted(one['bad'], parts)} bad of {counted(one['total'], parts)}, "
        f"budget left {percent(one['budget_remaining_ratio'], places=1)} (at least {lowest}), "
        f"exhausted for {span(one['exhausted_s']) if one['exhausted_s'] else 'no time'}"
    )


def _tiers(tiers: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("TIER", "FACTOR", "WINDOWS", "FIRED", "FOR", "JUDGED FROM")
    for tier in tiers:
        judged = tier["judged_from_s"]
        table.add_row(
            Text(tier["tier"]),
            f"{tier['factor']:.4g}x",
            f"{tier['long']}/{tier['short']}",
            f"{tier['firings']} times" if tier["fireable"] else "cannot fire",
            span(tier["firing_s"]) if tier["firing_s"] else NONE,
            "never" if judged is None else moment(judged),
        )
    return table


def _firings(firings: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("FIRED", "TIER", "UNTIL", "FOR", "WORST BURN", "BUDGET SPENT BY THEN")
    for firing in firings:
        table.add_row(
            moment(firing["from_s"]),
            Text(firing["tier"], style="red" if firing["severity"] == "page" else "yellow"),
            "still" if firing["is_open"] else moment(firing["to_s"]),
            span(firing["seconds"]) if firing["seconds"] else "one instant",
            burn(firing["worst_burn"]),
            percent(firing["budget_spent_ratio"], places=1),
        )
    return table


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    return table
