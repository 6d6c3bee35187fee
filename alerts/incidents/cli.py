"""``meshscope incidents``: what is open, what it costs, where it comes from; to take and to note.

Exit codes: 0 fine, 1 an incident is open (``list --check``), 2 used wrongly, 3 no server.
"""

import getpass
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from slo.cli import asking

app = typer.Typer(no_args_is_help=True, help="What Alertmanager told, made into incidents.")

DEFAULT_URL: Final = "http://127.0.0.1:8428"
PIPED_WIDTH: Final = 200

Url = Annotated[str, typer.Option(envvar="MESHSCOPE_URL", help="Where the server is.")]
Token = Annotated[
    str, typer.Option(envvar="MESHSCOPE_TOKEN", help="If it asks for one; better by its variable.")
]
Name = Annotated[str, typer.Argument(metavar="ID", help="The incident, or an alert of it.")]
By = Annotated[str | None, typer.Option(help="Who; the user, if not given.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(name="list", epilog="Example: meshscope incidents list --open --service cart")
def list_(
    open_: Annotated[bool, typer.Option("--open", help="Only those that are open.")] = False,
    service: Annotated[str | None, typer.Option(help="Only those of this service.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 when one is open.")] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    json_: Json = False,
) -> None:
    """List incidents, open ones first, then the newest."""
    from alerts.incidents.client import fetch_incidents

    asked = {"state": "open"} if open_ else {}
    asked |= {"service": service} if service else {}
    found = asking(lambda: fetch_incidents(url, asked, token))
    if json_:
        typer.echo(json.dumps(found, indent=2))
    elif found:
        from rich.console import Console

        from alerts.incidents.printing import incident_table

        console = Console() if Console().is_terminal else Console(width=PIPED_WIDTH)
        console.print(incident_table(found))
    else:
        typer.echo("no open incidents" if open_ else "no incidents")
    if check and any(one["state"] == "open" for one in found):
        raise typer.Exit(1)


@app.command(epilog="Example: meshscope incidents show 20261128-1f3a9c2b")
def show(name: Name, url: Url = DEFAULT_URL, token: Token = "", json_: Json = False) -> None:
    """Show an incident: cost, suggested cause with reasons, timeline."""
    from alerts.incidents.client import fetch_incident

    found = asking(lambda: fetch_incident(url, name, token))
    if json_:
        typer.echo(json.dumps(found, indent=2))
        return
    from alerts.incidents.printing import incident_text

    typer.echo(incident_text(found))


@app.command(epilog="Example: meshscope incidents ack 20261128-1f3a9c2b --text 'on it'")
def ack(
    name: Name,
    text: Annotated[str, typer.Option(help="What you are doing.")] = "",
    by: By = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
    json_: Json = False,
) -> None:
    """Say that somebody takes an incident."""
    _say(url, name, "ack", {"by": by or getpass.getuser(), "text": text}, token, json_=json_)


@app.command(epilog="Example: meshscope incidents note 20261128-1f3a9c2b 'rolled back to v1'")
def note(
    name: Name,
    text: Annotated[str, typer.Argument(help="What others should know.")],
    by: By = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
    json_: Json = False,
) -> None:
    """Add a note to the timeline of an incident."""
    _say(url, name, "note", {"by": by or getpass.getuser(), "text": text}, token, json_=json_)


class ReportFormat(StrEnum):
    """How to write a report."""

    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"


@app.command(epilog="Example: meshscope incidents report 20261128-1f3a9c2b -o review.md")
def report(
    name: Name,
    format_: Annotated[
        ReportFormat, typer.Option("--format", help="How to write it.")
    ] = ReportFormat.MARKDOWN,
    out: Annotated[Path | None, typer.Option("-o", help="The file; stdout if not given.")] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Write a draft of the review of an incident, for people to go on with."""
    from alerts.incidents.client import fetch_report

    text = asking(lambda: fetch_report(url, name, format_.value, token))
    if out is None:
        typer.echo(text, nl=not text.endswith("\n"))
    else:
        out.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {out}")


def _say(url: str, name: str, kind: str, asked: dict[str, str], token: str, *, json_: bool) -> None:
    from alerts.incidents.client import say

    found = asking(lambda: say(url, name, kind, asked, token))
    if json_:
        typer.echo(json.dumps(found, indent=2))
        return
    did = "acknowledged" if kind == "ack" else "noted"
    typer.echo(f"{did} {found['id']}: {found['title']}")
