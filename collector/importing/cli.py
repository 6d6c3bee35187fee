"""``meshscope import``: history out of another system, so that there is some on day one.

Exit codes: 0 fine, 1 failed or some samples were refused, 2 used wrongly, 3 a server cannot be
reached, 130 interrupted: go on by --resume.
"""

import contextlib
import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import typer

if TYPE_CHECKING:
    from collector.importing.run import Import, Progress
    from collector.importing.target import Target

app = typer.Typer(no_args_is_help=True, help="History out of another system.")

DEFAULT_TARGET: Final = "http://127.0.0.1:8428"
_EVERYTHING: Final = '{__name__!=""}'
_INTERRUPTED: Final = 130


@app.callback()
def importing() -> None:
    """History out of another system."""


@app.command(
    epilog="Examples: meshscope import prometheus http://prometheus:9090 --since 30d"
    " --match '{job=\"checkout\"}' --dry-run; and after an interruption:"
    " meshscope import prometheus http://prometheus:9090 --resume"
)
def prometheus(
    url: Annotated[str, typer.Argument(help="The Prometheus, or what speaks its API.")],
    since: Annotated[str, typer.Option(help="30d ago, or a time such as 2026-11-01.")] = "30d",
    until: Annotated[str, typer.Option(help="The same, or now.")] = "now",
    match: Annotated[
        list[str] | None, typer.Option(help="A selector; may be repeated.", show_default="all")
    ] = None,
    step: Annotated[
        str, typer.Option(help="raw, or a duration: then values as a graph has them.")
    ] = "raw",
    to: Annotated[
        str, typer.Option(envvar="MESHSCOPE_URL", help="The running meshscope.")
    ] = DEFAULT_TARGET,
    to_token: Annotated[
        str,
        typer.Option(
            envvar=["MESHSCOPE_TOKEN", "MESHSCOPE_OTLP_TOKEN"],
            help="An admin's, if it asks for one.",
        ),
    ] = "",
    store: Annotated[
        Path | None, typer.Option(help="In place of a server: the file of a stopped one.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where it ended.")] = False,
    journal: Annotated[
        Path | None, typer.Option(help="Where to note what is done.", show_default="by the source")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what matches.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON.")] = False,
    max_rate: Annotated[
        float, typer.Option(min=0, help="Samples a second at most; 0: no limit.")
    ] = 0,
    piece: Annotated[
        int, typer.Option(min=1000, help="Samples in memory at a time, and in one query.")
    ] = 200_000,
    token: Annotated[
        str, typer.Option(envvar="MESHSCOPE_IMPORT_TOKEN", help="Bearer token of the source.")
    ] = "",
    username: Annotated[str, typer.Option(help="Of the source, for basic auth.")] = "",
    password: Annotated[
        str, typer.Option(envvar="MESHSCOPE_IMPORT_PASSWORD", help="Better by its variable.")
    ] = "",
    ca: Annotated[
        Path | None, typer.Option(help="Trust these certificates, PEM.", exists=True)
    ] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Trust any certificate.")] = False,
) -> None:
    """Copy the samples of a Prometheus, raw, into a running meshscope (or a stopped one's file).

    Nothing is stored twice: what is there already is left out, and what is done is in the journal.
    """
    from collector.importing.errors import ImportFailed, Unreachable, UsedWrongly
    from collector.importing.plan import Window, parse_match
    from collector.importing.run import Import, Options
    from collector.importing.source import Login, connect
    from collector.importing.times import duration_ms, instant_ms

    path = journal or _journal(url, store)
    try:
        now_ms = time.time_ns() // 10**6
        options = Options(
            whole=Window(instant_ms(since, now_ms), instant_ms(until, now_ms)),
            step_ms=0 if step == "raw" else duration_ms(step),
            piece_samples=piece,
            most_per_s=max_rate,
        )
        matches = tuple(match or (_EVERYTHING,))
        source = connect(url, Login(token, username, password, ca, not insecure))
        parsed = [parse_match(one) for one in matches]
        with _target(to, to_token, store) as target:
            work = Import(source, target, parsed, options)
            if dry_run:
                source.check()
                _report(work.count(), work, is_dry=True, is_json=as_json)
            else:
                _import(work, matches, str(store or to), path, resume=resume, is_json=as_json)
    except UsedWrongly as error:
        raise _ended(error, 2) from error
    except Unreachable as error:
        raise _ended(error, 3) from error
    except ImportFailed as error:
        raise _ended(error, 1) from error
    except KeyboardInterrupt as error:
        typer.echo(f"interrupted; {path} knows what is done: go on by --resume", err=True)
        raise typer.Exit(_INTERRUPTED) from error


def _import(
    work: "Import",
    matches: tuple[str, ...],
    target: str,
    path: Path,
    *,
    resume: bool,
    is_json: bool,
) -> None:
    """Copy, with a journal; take it away when all is done."""
    from collector.importing.display import bar
    from collector.importing.journal import Header, Journal

    asked = work.options
    wanted = Header(
        source=work.source.url,
        target=target,
        matches=matches,
        from_ms=asked.whole.from_ms,
        to_ms=asked.whole.to_ms,
        window_ms=asked.window_ms,
        step_ms=asked.step_ms,
    )
    with Journal(path, wanted, resume=resume) as journal:
        work.go_on(journal)
        work.check()
        with bar() as tell:
            work.tell = tell
            state = work.run()
        journal.remove()
    _report(state, work, is_dry=False, is_json=is_json)


def _report(state: "Progress", work: "Import", *, is_dry: bool, is_json: bool) -> None:
    from collector.importing.display import sentences, summary

    skipped = work.source.skipped_histograms
    told = summary(state, work.options.whole, is_dry=is_dry, skipped=skipped)
    typer.echo(json.dumps(told, indent=2) if is_json else "\n".join(sentences(told)))
    if state.refused:
        raise typer.Exit(1)


def _target(
    url: str, token: str, store: Path | None
) -> contextlib.AbstractContextManager["Target"]:
    if store is not None:
        from collector.importing.file import store_target

        return store_target(store)
    from collector.importing.server import server_target

    return server_target(url, token)


def _journal(url: str, store: Path | None) -> Path:
    """Return where to note what is done: beside the store, or here, by the name of the source."""
    if store is not None:
        return store.with_name(f"{store.name}.import")
    place = re.sub(r"[^a-zA-Z0-9.]+", "-", urlsplit(url).netloc.rpartition("@")[2])
    return Path(f"meshscope-import-{place}.journal")


def _ended(error: Exception, code: int) -> typer.Exit:
    typer.echo(f"error: {error}", err=True)
    return typer.Exit(code)
