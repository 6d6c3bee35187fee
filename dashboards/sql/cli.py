"""``meshscope sql``: read-only SQL over the views of a running server.

Exit codes: 0 fine, 1 the statement has no answer, 2 used wrongly, 3 the server cannot be reached.
"""

import csv
import io
import sys
from typing import Annotated, Final

import typer

from slo.cli import DEFAULT_URL, PIPED_WIDTH, Token, Url

EXAMPLES: Final = (
    'Examples: meshscope sql "SHOW TABLES" · meshscope sql "DESCRIBE spans" · meshscope sql --from'
    ' now-6h "SELECT service, count(*) AS spans FROM spans GROUP BY ALL ORDER BY 2 DESC" ·'
    " meshscope sql --csv - < report.sql"
)


def sql(
    statement: Annotated[
        str, typer.Argument(help="One SELECT, DESCRIBE...; - reads it from stdin.")
    ],
    url: Url = DEFAULT_URL,
    token: Token = "",
    from_: Annotated[
        str | None, typer.Option("--from", help="now-6h, unix seconds or ISO 8601.")
    ] = None,
    to: Annotated[str, typer.Option(help="The end of the range.")] = "now",
    limit: Annotated[int, typer.Option(help="No more rows than this.", min=1)] = 1000,
    timeout_s: Annotated[float, typer.Option("--timeout", help="Seconds.", min=0.1, max=60)] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="A list of objects.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="With a line of names.")] = False,
) -> None:
    """Run one read-only statement over the views of a running server."""
    from dashboards.sql.client import Refused, Rows, ask
    from slo.client import ServerUnreachable

    if as_json and as_csv:
        typer.echo("error: --json and --csv exclude each other", err=True)
        raise typer.Exit(2)
    text = sys.stdin.read() if statement == "-" else statement
    question = {"sql": text, "from": from_, "to": to, "limit": limit, "timeout_s": timeout_s}
    try:
        answer: Rows = ask(url, question, token)
    except Refused as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    except ServerUnreachable as error:
        typer.echo(f"error: {error}", err=True)
        typer.echo("hint: start one with `meshscope demo`, or name it with --url", err=True)
        raise typer.Exit(3) from error
    if as_json:
        _show_json(answer.columns, answer.rows)
    elif as_csv:
        typer.echo(_csv(answer.columns, answer.rows), nl=False)
    else:
        _show_table(answer.columns, answer.rows)
    for note in answer.notes:
        typer.echo(note, err=True)


def _show_json(columns: list[str], rows: list[list[object]]) -> None:
    import json

    typer.echo(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], indent=2))


def _csv(columns: list[str], rows: list[list[object]]) -> str:
    text = io.StringIO()
    written = csv.writer(text, lineterminator="\n")
    written.writerow(columns)
    written.writerows(rows)
    return text.getvalue()


def _show_table(columns: list[str], rows: list[list[object]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold")
    for place, name in enumerate(columns):
        numeric = all(isinstance(row[place], int | float | None) for row in rows)
        table.add_column(Text(name), justify="right" if numeric and rows else "left")
    for row in rows:
        table.add_row(*(Text(_cell(cell)) for cell in row))
    console = Console() if Console().is_terminal else Console(width=PIPED_WIDTH)
    console.print(table)


def _cell(value: object) -> str:
    """Return a cell for people; --json and --csv have all digits."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return "–" if value is None else str(value)
