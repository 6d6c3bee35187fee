"""A verdict for a terminal. Takes the JSON of the API and adds nothing of its own."""

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from slo.formats import NONE, moment, percent

PIPED_WIDTH: Final = 200
STYLES: Final = {"promote": "green", "hold": "yellow", "roll_back": "bold red"}


def print_verdict(found: Mapping[str, Any]) -> None:
    """Print the verdict, why, and both versions side by side."""
    piped = not Console().is_terminal
    console = Console(width=PIPED_WIDTH) if piped else Console()
    canary, baseline = found["canary"]["version"], found["baseline"]["version"]
    head = Text(words(found["verdict"]), style=STYLES.get(found["verdict"], ""))
    head.append(f": {found['service']} {canary} against {baseline}", style="default")
    console.print(head)
    for reason in found["reasons"]:
        console.print(f"  {reason}", highlight=False, markup=False)
    console.print(_sides(found))
    sure = percent(found["confidence"])
    window = f"{moment(found['from_s'])} to {moment(found['to_s'])} UTC"
    look = found["look"]
    judged = f", judged at {look['requests']:,} requests" if look else ""
    console.print(f"{window}, confidence {sure}{judged}", highlight=False, style="dim")


def words(verdict: str) -> str:
    """Return a verdict as people say it."""
    return verdict.replace("_", " ")


def progress(found: Mapping[str, Any]) -> str:
    """Return one line about a verdict that is awaited."""
    side, more = found["canary"], found["more_requests"]
    needed = f", about {more:,} more needed" if more is not None else ""
    return (
        f"{words(found['verdict'])}: {side['version']} has {side['requests']:,} requests, "
        f"{side['errors']:,} failed{needed}; the next look is at {found['next_look_requests']:,}"
    )


def _sides(found: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("VERSION", no_wrap=True)
    headings = ("REQUESTS", "SHARE", "ERRORS", "ERROR RATIO", "BETWEEN", "RETRIES")
    for heading in (*headings, "P50", "P95", "P99"):
        table.add_column(heading, justify="right", no_wrap=True)
    for role in ("canary", "baseline"):
        side = found[role]
        low, high = side["error_low_ratio"], side["error_high_ratio"]
        around = f"{percent(low, places=3)} .. {percent(high, places=3)}"
        table.add_row(
            Text(f"{side['version']} ({role})"),
            f"{side['requests']:,}",
            percent(side["share_ratio"], places=1),
            f"{side['errors']:,}",
            percent(side["error_ratio"], places=3),
            NONE if low is None else around,
            f"{side['retries']:,}",
            *(_ms(side[name]) for name in ("p50_ms", "p95_ms", "p99_ms")),
        )
    return table


def _ms(value: float | None) -> str:
    return NONE if value is None else f"{value:.4g} ms"
