"""``meshscope slo``: how the objectives stand, and whether their files are right.

Exit codes: 0 fine, 1 found wanting, 2 used wrongly, 3 the server cannot be reached.
"""

import json
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

app = typer.Typer(no_args_is_help=True, help="Objectives, error budgets and burn rates.")

DEFAULT_URL: Final = "http://127.0.0.1:8428"
WATCH_S: Final = 5.0
PIPED_WIDTH: Final = 200
"""A pipe has no width; wide enough that no name is cut."""


class Output(StrEnum):
    """How to print statuses."""

    TABLE = "table"
    JSON = "json"


@app.command(epilog="Example: meshscope slo status --service checkout --check")
def status(
    url: Annotated[
        str, typer.Option(envvar="MESHSCOPE_URL", help="Where the server is.")
    ] = DEFAULT_URL,
    output: Annotated[Output, typer.Option("--output", "-o", help="How to print.")] = Output.TABLE,
    service: Annotated[str | None, typer.Option(help="Only the objectives of this one.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show again every 5 s until ^C.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit 1 when a budget is burning or exhausted.")
    ] = False,
) -> None:
    """Show every objective, the worst first: its budget, how fast it burns, who is alerted."""
    from rich.console import Console

    statuses = _fetch(url, service)
    _show(statuses, output)
    while watch:
        try:
            time.sleep(WATCH_S)
        except KeyboardInterrupt:
            break
        statuses = _fetch(url, service)
        if output is Output.TABLE:
            Console().clear()
        _show(statuses, output)
    if check and any(item["state"] in {"burning", "exhausted"} for item in statuses):
        raise typer.Exit(1)


@app.command(epilog="Example: meshscope slo validate slo/objectives/*.yaml")
def validate(
    files: Annotated[
        list[Path], typer.Argument(help="OpenSLO v1 files.", exists=True, dir_okay=False)
    ],
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Ignore op and value on ratio indicators.")
    ] = False,
) -> None:
    """Read OpenSLO files together and list every mistake with its line; exit 1 on any."""
    from slo.errors import OpenSloError
    from slo.openslo import load_openslo
    from slo.windows import never_firing

    try:
        catalog = load_openslo(files, strict=not lenient)
    except OpenSloError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        typer.echo(f"{len(error.problems)} to mend", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{len(catalog.services)} services and {len(catalog.slos)} SLOs are right")
    for name, tiers in never_firing(catalog.slos):
        typer.echo(f"note: {name}: no outage can fire {tiers}: the target is too low")


def _fetch(url: str, service: str | None) -> list[dict[str, Any]]:
    from slo.client import ServerUnreachable, fetch_statuses

    try:
        statuses = fetch_statuses(url)
    except ServerUnreachable as error:
        typer.echo(f"error: {error}", err=True)
        typer.echo("hint: start one with `meshscope demo`, or name it with --url", err=True)
        raise typer.Exit(3) from error
    return [item for item in statuses if service is None or item["service"] == service]


def _show(statuses: list[dict[str, Any]], output: Output) -> None:
    if output is Output.JSON:
        typer.echo(json.dumps(statuses, indent=2))
        return
    if not statuses:
        typer.echo("no objectives")
        return
    from rich.console import Console

    from slo.statustable import status_table

    piped = not Console().is_terminal
    console = Console(width=PIPED_WIDTH) if piped else Console()
    console.print(status_table(statuses))
