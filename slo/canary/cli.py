"""``meshscope slo canary``: is a new version good enough to get all of the traffic?

Exit codes: 0 promote, 1 roll back, 2 used wrongly or no server, 3 hold.
"""

import json
import time
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

EXAMPLES: Final = (
    "Example: meshscope slo canary payments --canary v2 --baseline v1 --max-error-increase 0.01"
    " --wait && promote"
)
DEFAULT_URL: Final = "http://127.0.0.1:8428"
POLL_S: Final = 10.0
"""Counts come in buckets of 10 s."""


def canary(
    service: Annotated[str, typer.Argument(help="The service.")],
    canary_: Annotated[str, typer.Option("--canary", help="The new version.")],
    baseline: Annotated[str, typer.Option(help="The version that runs now.")],
    since: Annotated[
        str | None,
        typer.Option(help="How far back, such as 10m; default: the canary's first request."),
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", help="From a moment on.")] = None,
    to: Annotated[str, typer.Option(help="Until a moment.")] = "now",
    source: Annotated[str | None, typer.Option(help="Only requests of this caller.")] = None,
    route: Annotated[str | None, typer.Option(help="Only requests by this route.")] = None,
    confidence: Annotated[float, typer.Option(help="How sure a verdict must be.")] = 0.95,
    max_error_increase: Annotated[
        float, typer.Option(help="Of all requests, how many more may fail: 0.001 is 0.1 %.")
    ] = 0.001,
    max_latency_increase: Annotated[
        float, typer.Option(help="How much higher the quantile may be: 0.1 is a tenth.")
    ] = 0.1,
    quantile: Annotated[float, typer.Option(help="The quantile of latency.")] = 0.99,
    min_requests: Annotated[
        int, typer.Option(help="Requests of the canary before the first look.")
    ] = 200,
    ignore_latency: Annotated[
        bool, typer.Option("--ignore-latency", help="Judge errors alone.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Ask until it is not hold.")] = False,
    timeout: Annotated[
        int | None, typer.Option(help="Wait so many seconds at most; then exit 3.", min=1)
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    url: Annotated[
        str, typer.Option(envvar="MESHSCOPE_URL", help="Where the server is.")
    ] = DEFAULT_URL,
    token: Annotated[
        str,
        typer.Option(envvar="MESHSCOPE_TOKEN", help="If it asks for one; better by its variable."),
    ] = "",
) -> None:
    """Compare two versions: exit 0 promote, 1 roll back, 3 hold; 2 is a wrong question.

    Errors and latency are compared over the same callers, routes and times. A verdict is wrong with
    a chance of at most 1 - confidence, however often this is asked.
    """
    if since is not None and from_ is not None:
        typer.echo("error: --since and --from say the same; leave one out", err=True)
        raise typer.Exit(2)
    start = f"now-{since}" if since is not None else from_
    asked = {
        "service": service,
        "canary": canary_,
        "baseline": baseline,
        "from": start,
        "to": to,
        "source": source,
        "route": route,
        "confidence": confidence,
        "max_error_increase": max_error_increase,
        "max_latency_increase": max_latency_increase,
        "quantile": quantile,
        "min_requests": min_requests,
        "ignore_latency": "true" if ignore_latency else None,
    }
    given = {name: str(value) for name, value in asked.items() if value is not None}
    found = _until_told(url, given, timeout, token) if wait else _ask(url, given, token)
    if json_:
        typer.echo(json.dumps(found, indent=2))
    else:
        from slo.canary.table import print_verdict

        print_verdict(found)
    from slo.canary.verdict import EXIT_CODES

    raise typer.Exit(EXIT_CODES[found["verdict"]])


def _until_told(
    url: str, asked: dict[str, str], timeout_s: int | None, token: str
) -> dict[str, Any]:
    """Ask until the verdict is not hold; the start stays where it was at first."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        found = _ask(url, asked, token)
        if "from" in asked:
            asked["from"] = str(found["from_s"])
        left = None if deadline is None else deadline - time.monotonic()
        if found["verdict"] != "hold" or (left is not None and left <= 0):
            _clear()
            return found
        _say(found)
        time.sleep(POLL_S if left is None else min(POLL_S, left))


def _ask(url: str, asked: Mapping[str, str], token: str) -> dict[str, Any]:
    from slo.client import Refused, ServerUnreachable, fetch_canary

    try:
        return fetch_canary(url, asked, token)
    except Refused as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    except ServerUnreachable as error:
        typer.echo(f"error: {error}", err=True)
        typer.echo("hint: start one with `meshscope demo`, or name it with --url", err=True)
        raise typer.Exit(2) from error


def _say(found: Mapping[str, Any]) -> None:
    """Show progress: one line that is written over on a terminal, a line each time in a log."""
    import sys

    from slo.canary.table import progress

    is_terminal = sys.stderr.isatty()
    line = progress(found)
    typer.echo(f"\r\x1b[K{line}" if is_terminal else line, err=True, nl=not is_terminal)


def _clear() -> None:
    import sys

    if sys.stderr.isatty():
        typer.echo("\r\x1b[K", err=True, nl=False)
