"""``meshscope alerts silence``, ``unsilence``, ``silences`` and ``during``, through Alertmanager.

Exit codes: 0 done, 1 nothing to end, 2 used wrongly or refused, 3 Alertmanager cannot be reached.
``during`` exits as its command does.
"""

import getpass
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from alerts.silencing.silences import Matcher

T = TypeVar("T")

app = typer.Typer()

DEFAULT_URL: Final = "http://127.0.0.1:9093"
_OPERATORS: Final = ("!~", "=~", "!=", "=")

Url = Annotated[str, typer.Option("--alertmanager", envvar="ALERTMANAGER_URL", help="Where it is.")]
Service = Annotated[str | None, typer.Option(help="Alerts of this service.")]
Match = Annotated[
    list[str] | None,
    typer.Option(help="Alerts with this label, such as severity=ticket or slo=~cart-.*; all hold."),
]
By = Annotated[str | None, typer.Option(help="Who silences; the user, if not given.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(
    epilog="Example: meshscope alerts silence --service cart --for 30m --reason 'rollout of v2'"
)
def silence(
    reason: Annotated[str, typer.Option(help="Why; people will ask.")],
    service: Service = None,
    match: Match = None,
    for_: Annotated[str, typer.Option("--for", help="How long, such as 30m or 1h30m.")] = "30m",
    by: By = None,
    alertmanager: Url = DEFAULT_URL,
    json_: Json = False,
) -> None:
    """Silence alerts for a while, and print the id of the silence."""
    from alerts.silencing.silences import create_silence

    matchers, length_ms = _matchers(service, match), _length_ms(for_, "--for")
    now_ms = _now_ms()
    name = _asking(
        lambda: create_silence(
            alertmanager,
            matchers,
            from_ms=now_ms,
            to_ms=now_ms + length_ms,
            by=by or getpass.getuser(),
            why=reason,
        )
    )
    if json_:
        typer.echo(json.dumps({"id": name, "ends_ms": now_ms + length_ms}))
        return
    typer.echo(name)


@app.command(epilog="Example: meshscope alerts unsilence --service cart")
def unsilence(
    ids: Annotated[list[str] | None, typer.Argument(help="Silences, from the list.")] = None,
    service: Annotated[
        str | None, typer.Option(help="Those that are about this service alone.")
    ] = None,
    alertmanager: Url = DEFAULT_URL,
) -> None:
    """End silences now; exit 1 when there is none of the service."""
    from alerts.silencing.silences import Matcher, end_silence, silences

    if not ids and service is None:
        _wrong("name silences, or a --service")
    names = list(ids or ())
    if service is not None:
        found = _asking(lambda: silences(alertmanager))
        whole = (Matcher("service", service),)
        names += [one.id for one in found if one.state != "expired" and one.matchers == whole]
    if not names:
        typer.echo(f"no silence is about {service} alone: see meshscope alerts silences", err=True)
        raise typer.Exit(1)
    for name in names:
        _asking(lambda name=name: end_silence(alertmanager, name))  # type: ignore[misc]
        typer.echo(f"ended {name}")


@app.command(name="silences", epilog="Example: meshscope alerts silences --all --json")
def list_(
    alertmanager: Url = DEFAULT_URL,
    all_: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    json_: Json = False,
) -> None:
    """List silences: what they match, until when, by whom and why."""
    from alerts.silencing.silences import silences
    from slo.formats import moment

    found = [
        one for one in _asking(lambda: silences(alertmanager)) if all_ or one.state != "expired"
    ]
    if json_:
        typer.echo(json.dumps([asdict(one) for one in found], indent=2))
        return
    if not found:
        typer.echo("no silences")
    for one in found:
        typer.echo(
            f"{one.id}  {one.state}  until {moment(one.ends_ms // 1000)} UTC  "
            f"{', '.join(map(str, one.matchers))}  by {one.created_by}: {one.comment}"
        )


@app.command(
    epilog="Example: meshscope alerts during --service cart --reason 'rollout of v2' -- "
    "kubectl rollout restart deployment/cart"
)
def during(
    command: Annotated[list[str], typer.Argument(help="What to run, after --.")],
    reason: Annotated[str, typer.Option(help="Why; people will ask.")],
    service: Service = None,
    match: Match = None,
    by: By = None,
    lease: Annotated[
        str, typer.Option(help="How long alerts stay silent when this machine is lost.")
    ] = "5m",
    alertmanager: Url = DEFAULT_URL,
) -> None:
    """Silence alerts while a command runs, whatever becomes of it; exit as it does.

    Without a silence the command is not run. The silence is prolonged while the command runs.
    """
    from alerts.silencing.holding import silenced
    from alerts.silencing.running import CommandNotRun, run
    from alerts.silencing.silences import AlertmanagerFailed, SilenceRefused

    matchers, lease_ms = _matchers(service, match), _length_ms(lease, "--lease")
    try:
        with silenced(
            alertmanager,
            matchers,
            by=by or getpass.getuser(),
            why=reason,
            now_ms=_now_ms,
            lease_s=lease_ms / 1000,
            tell=lambda told: typer.echo(f"warning: {told}", err=True),
        ) as name:
            typer.echo(f"silenced by {name}", err=True)
            code = run(command)
    except CommandNotRun as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(127) from error
    except (SilenceRefused, AlertmanagerFailed) as error:
        typer.echo(f"error: not run: {error}", err=True)
        raise typer.Exit(2 if isinstance(error, SilenceRefused) else 3) from error
    raise typer.Exit(code)


def _matchers(service: str | None, match: list[str] | None) -> tuple["Matcher", ...]:
    from alerts.silencing.silences import Matcher

    found = [] if service is None else [Matcher("service", service)]
    for text in match or ():
        operator = next((one for one in _OPERATORS if one in text), None)
        name, _, value = text.partition(operator or "=")
        if operator is None or not name.strip():
            _wrong(f"--match {text!r}: must be label=value, or with !=, =~, !~")
        found.append(Matcher(name.strip(), value.strip(), "~" in operator, "!" not in operator))
    if not found:
        _wrong("say what is silenced: --service or --match")
    return tuple(found)


def _length_ms(text: str, flag: str) -> int:
    from alerts.durations import duration_ms

    length = duration_ms(text)
    if not length:
        _wrong(f"{flag} {text!r}: must be a duration such as 90s, 30m or 1h30m")
    return length


def _wrong(told: str) -> NoReturn:
    typer.echo(f"error: {told}", err=True)
    raise typer.Exit(2)


def _now_ms() -> int:
    return time.time_ns() // 10**6


def _asking(ask: Callable[[], T]) -> T:
    from alerts.silencing.silences import AlertmanagerFailed, SilenceRefused

    try:
        return ask()
    except SilenceRefused as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    except AlertmanagerFailed as error:
        typer.echo(f"error: {error}", err=True)
        typer.echo("hint: name it with --alertmanager or ALERTMANAGER_URL", err=True)
        raise typer.Exit(3) from error
