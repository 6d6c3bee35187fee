"""``meshscope slo``: how the objectives stand, and whether their files are right.

Exit codes: 0 fine, 1 found wanting, 2 used wrongly, 3 the server cannot be reached.
"""

import json
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import quote

import typer

import slo.canary.cli
from slo.importing.cli import import_

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Objectives, error budgets and burn rates.")

app.command(epilog=slo.canary.cli.EXAMPLES)(slo.canary.cli.canary)

DEFAULT_URL: Final = "http://127.0.0.1:8428"
Url = Annotated[str, typer.Option(envvar="MESHSCOPE_URL", help="Where the server is.")]
Token = Annotated[
    str, typer.Option(envvar="MESHSCOPE_TOKEN", help="If it asks for one; better by its variable.")
]
WATCH_S: Final = 5.0
PIPED_WIDTH: Final = 200
"""A pipe has no width; wide enough that no name is cut."""


class Output(StrEnum):
    """How to print statuses."""

    TABLE = "table"
    JSON = "json"


@app.command(epilog="Example: meshscope slo status --service checkout --check")
def status(
    url: Url = DEFAULT_URL,
    token: Token = "",
    output: Annotated[Output, typer.Option("--output", "-o", help="How to print.")] = Output.TABLE,
    service: Annotated[str | None, typer.Option(help="Only the objectives of this one.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show again every 5 s until ^C.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit 1 when a budget is burning or exhausted.")
    ] = False,
) -> None:
    """Show every objective, the worst first: its budget, how fast it burns, who is alerted."""
    from rich.console import Console

    statuses = _fetch(url, token, service)
    _show(statuses, output)
    while watch:
        try:
            time.sleep(WATCH_S)
        except KeyboardInterrupt:
            break
        statuses = _fetch(url, token, service)
        if output is Output.TABLE:
            Console().clear()
        _show(statuses, output)
    if check and any(item["state"] in {"burning", "exhausted"} for item in statuses):
        raise typer.Exit(1)


@app.command(epilog="Example: meshscope slo validate slo/objectives/*.yaml")
def validate(
    files: Annotated[
        list[Path], typer.Argument(help="OpenSLO files.", exists=True, dir_okay=False)
    ],
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Read known traps, and warn of each by name.")
    ] = False,
) -> None:
    """Read OpenSLO files together and list every mistake with its line; exit 1 on any."""
    from slo.errors import OpenSloError
    from slo.lint import objective_problems
    from slo.openslo import load_openslo

    try:
        catalog = load_openslo(files, strict=not lenient)
    except OpenSloError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        typer.echo(f"{len(error.problems)} to mend", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{len(catalog.services)} services and {len(catalog.slos)} SLOs are right")
    for warning in catalog.warnings:
        typer.echo(f"warning: {warning}")
    for name, odd in objective_problems(catalog.slos):
        for what in odd:
            typer.echo(f"note: {name}: {what}")


@app.command(
    epilog="Example: meshscope slo whatif checkout-availability --target 99.95 --since 30d"
)
def whatif(
    name: Annotated[str, typer.Argument(help="The objective.")],
    target: Annotated[
        list[str] | None, typer.Option(help="Another target in percent; may be repeated.")
    ] = None,
    window: Annotated[str | None, typer.Option(help="Another time window, such as 7d.")] = None,
    profile: Annotated[
        str, typer.Option(help="The alert table: own, google_30d, three_x_30d.")
    ] = "own",
    since: Annotated[str, typer.Option(help="How far back to replay.")] = "30d",
    every: Annotated[str, typer.Option(help="How far apart the alerts are judged.")] = "1m",
    url: Url = DEFAULT_URL,
    token: Token = "",
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Replay an objective, or another target, over the past: which alerts would have fired."""
    from slo.client import fetch_whatif

    asked: dict[str, str | list[str]] = {"since": since, "every": every, "profile": profile}
    asked |= {"target": target} if target else {}
    asked |= {"window": window} if window else {}
    backtests = asking(lambda: fetch_whatif(url, name, asked, token))
    if json_:
        typer.echo(json.dumps(backtests, indent=2))
        return
    from slo.whatiftable import print_backtests

    print_backtests(backtests)


@app.command(epilog="Example: meshscope slo gate checkout --min-budget 10 && deploy")
def gate(
    service: Annotated[str, typer.Argument(help="The service that is about to change.")],
    min_budget: Annotated[
        float | None, typer.Option(help="Percent of the budget that must be left.")
    ] = None,
    max_burn: Annotated[
        float | None, typer.Option(help="The highest burn rate of the last hour and minutes.")
    ] = None,
    ignore_page: Annotated[
        bool | None, typer.Option("--ignore-page/--block-page", help="What a firing page does.")
    ] = None,
    allow_silence: Annotated[
        bool | None, typer.Option("--allow-silence/--no-silence", help="Pass without traffic.")
    ] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say whether a service may be changed now: exit 0 go, 1 no-go, 2 unknown or unreachable.

    Without options the annotations of its objectives decide, meshscope.dev/gate-min-budget and
    others; without these, that a budget is left, no page is firing and there was traffic.
    """
    from slo.client import Refused, ServerUnreachable, fetch_gate

    flags = {
        "min_budget": min_budget,
        "max_burn": max_burn,
        "ignore_page": ignore_page,
        "allow_silence": allow_silence,
    }
    asked = {name: str(value) for name, value in flags.items() if value is not None}
    try:
        verdict = fetch_gate(url, {"service": service, **asked}, token)
    except (Refused, ServerUnreachable) as error:
        verdict = {"service": service, "decision": "unknown", "reasons": [str(error)]}
    if json_:
        typer.echo(json.dumps(verdict, indent=2))
    else:
        typer.echo(f"{verdict['decision'].replace('_', '-')}: {service}")
        for reason in verdict["reasons"]:
            typer.echo(f"  {reason}")
    raise typer.Exit({"go": 0, "no_go": 1}.get(verdict["decision"], 2))


app.command("import", epilog="Example: meshscope slo import sloth.yaml --out objectives/")(import_)


class ReportFormat(StrEnum):
    """How to write a report."""

    HTML = "html"
    MARKDOWN = "markdown"
    JSON = "json"


@app.command(epilog="Example: meshscope slo report --period 2026-10 --format html -o october.html")
def report(
    period: Annotated[str, typer.Option(help="2026-10, 2026-Q4, 2026, or 30d until now.")] = "30d",
    format_: Annotated[
        ReportFormat, typer.Option("--format", help="How to write it.")
    ] = ReportFormat.MARKDOWN,
    out: Annotated[Path | None, typer.Option("-o", help="The file; stdout if not given.")] = None,
    service: Annotated[str | None, typer.Option(help="Only the objectives of this one.")] = None,
    zone: Annotated[str, typer.Option(help="The time zone whose midnight counts.")] = "UTC",
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Report on a period: attainment, budget spent, worst days, incidents, the period before."""
    from slo.client import fetch_report

    asked = {"period": period, "format": format_.value, "zone": zone}
    asked |= {"service": service} if service else {}
    text = asking(lambda: fetch_report(url, asked, token))
    if out is None:
        typer.echo(text, nl=not text.endswith("\n"))
    else:
        out.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {out}")


@app.command(epilog="Example: meshscope slo starter --out objectives.yaml")
def starter(
    service: Annotated[str | None, typer.Option(help="Only for this one.")] = None,
    since: Annotated[str, typer.Option(help="How far back to look for services.")] = "1d",
    uncovered: Annotated[
        bool, typer.Option("--uncovered", help="Only for services without objectives.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="The file; stdout if not given.")] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Write objectives to start with for every service that is seen, as OpenSLO to adopt."""
    from slo.client import fetch_starter

    asked = {"since": since, "uncovered": str(uncovered).lower()}
    asked |= {"service": service} if service else {}
    text = asking(lambda: fetch_starter(url, asked, token))
    if out is None:
        typer.echo(text, nl=False)
    elif out.exists():
        typer.echo(f"error: {out} is there already; name another file", err=True)
        raise typer.Exit(2)
    else:
        out.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {out}: serve it with `meshscope serve --slo {out}`")


correct = typer.Typer(no_args_is_help=True, help="Spans of time that do not count.")
app.add_typer(correct, name="correct")


@correct.command(
    "add",
    epilog="Example: meshscope slo correct add checkout-availability --from 2026-11-20T02:00Z "
    "--to 2026-11-20T04:00Z --by ann --why 'database upgrade'",
)
def correct_add(
    objectives: Annotated[list[str], typer.Argument(help="The objectives.")],
    from_: Annotated[str, typer.Option("--from", help="Whole minutes, with a time zone.")],
    to: Annotated[str, typer.Option(help="Whole minutes, exclusive.")],
    by: Annotated[str, typer.Option(help="Who excludes it.")],
    why: Annotated[str, typer.Option(help="What happened then.")],
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Exclude a span of time from objectives; their history is computed anew."""
    from slo.client import change_corrections

    asked = {"objectives": objectives, "from": from_, "to": to, "by": by, "why": why}
    typer.echo(f"added {asking(lambda: change_corrections(url, '', asked, token))['id']}")


@correct.command("list")
def correct_list(
    url: Url = DEFAULT_URL,
    token: Token = "",
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List every correction that was ever made, withdrawn ones too."""
    from slo.client import fetch_corrections
    from slo.formats import moment

    found = asking(lambda: fetch_corrections(url, token))
    if json_:
        typer.echo(json.dumps(found, indent=2))
        return
    for one in found:
        taken = one["withdrawn"]
        state = f"; withdrawn by {taken['by']}: {taken['why']}" if taken else ""
        typer.echo(
            f"{one['id']}  {moment(one['from_s'])} to {moment(one['to_s'])} UTC  "
            f"{', '.join(one['objectives'])}  by {one['by']}: {one['why']}{state}"
        )


@correct.command("remove")
def correct_remove(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The correction, from the list.")],
    by: Annotated[str, typer.Option(help="Who withdraws it.")],
    why: Annotated[str, typer.Option(help="Why it counts after all.")],
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Withdraw a correction: its time counts again, and the list keeps it."""
    from slo.client import change_corrections

    path = f"/{quote(id_, safe='')}/withdraw"
    asked = {"by": by, "why": why}
    typer.echo(f"withdrew {asking(lambda: change_corrections(url, path, asked, token))['id']}")


def asking(ask: Callable[[], T]) -> T:
    """Return what a server answers; exit with 2 where it refuses, with 3 where there is none."""
    from slo.client import Refused, ServerUnreachable

    try:
        return ask()
    except Refused as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    except ServerUnreachable as error:
        typer.echo(f"error: {error}", err=True)
        typer.echo("hint: start one with `meshscope demo`, or name it with --url", err=True)
        raise typer.Exit(3) from error


def _fetch(url: str, token: str, service: str | None) -> list[dict[str, Any]]:
    from slo.client import fetch_statuses

    statuses = asking(lambda: fetch_statuses(url, token))
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
