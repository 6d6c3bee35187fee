"""`meshscope demo`."""

import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dashboards.demo.faults import DESCRIPTIONS, FAULT_NAMES, FaultName

MISMATCHES_SHOWN = 20


def demo(
    fault: Annotated[
        str | None,
        typer.Option(help=f"Inject a fault through the mesh: {', '.join(FAULT_NAMES)}."),
    ] = None,
    after: Annotated[str, typer.Option(help="When the fault starts.")] = "60s",
    fault_for: Annotated[
        str | None, typer.Option("--for", help="How long the fault lasts; default: to the end.")
    ] = None,
    duration: Annotated[
        str | None, typer.Option(help="End by itself after this long; default: at Ctrl-C.")
    ] = None,
    rate: Annotated[float, typer.Option(help="Requests per second to the gateway.", min=0.1)] = 25,
    web: Annotated[str, typer.Option(help="Where the dashboard listens.")] = "127.0.0.1:8428",
    token: Annotated[
        str,
        typer.Option(
            envvar=["MESHSCOPE_TOKEN", "MESHSCOPE_WEB_TOKEN"], help="If the dashboard asks for one."
        ),
    ] = "",
    free_ports: Annotated[
        bool, typer.Option("--free-ports", help="Take any free ports instead of the usual ones.")
    ] = False,
    directory: Annotated[
        Path | None,
        typer.Option("--dir", help="Keep store, logs and mesh.yaml here; default: a new one."),
    ] = None,
) -> None:
    """Run a shop of eight services behind real Envoys, observed by meshscope.

    Ends with the load generator's ledger held against meshscope's counts; exit 1 if they differ.

    Faults: latency, errors, canary, overload, cert-expiry.

    Example: meshscope demo --fault errors --after 30s
    """
    from dashboards.demo.intent import free_port, free_subnet, taken
    from dashboards.demo.run import DemoFailed, DemoSettings, run_demo

    console = Console()
    if fault is not None and fault not in FAULT_NAMES:
        known = "\n".join(f"  {name:12} {said}" for name, said in DESCRIPTIONS.items())
        _fail(f"there is no fault {fault!r}; choose one of\n{known}", code=2)
    settings = DemoSettings(
        directory=directory or Path(tempfile.mkdtemp(prefix="meshscope-demo-")),
        subnet=free_subnet(),
        web=web,
        otlp_grpc="127.0.0.1:4317",
        otlp_http="127.0.0.1:4318",
        xds="127.0.0.1:18000",
        admin="127.0.0.1:18001",
        objectives=Path(__file__).parents[2] / "slo" / "objectives" / "shop.yaml",
        rate_rps=rate,
        token=token,
        duration_s=_seconds(duration, "--duration"),
        fault=_fault(fault),
        fault_after_s=_seconds(after, "--after") or 0.0,
        fault_for_s=_seconds(fault_for, "--for"),
    )
    if free_ports:
        names = ("web", "otlp_grpc", "otlp_http", "xds", "admin")
        settings = replace(settings, **{name: f"127.0.0.1:{free_port()}" for name in names})  # type: ignore[arg-type]
    busy = taken(
        [settings.web, settings.otlp_grpc, settings.otlp_http, settings.xds, settings.admin]
    )
    if busy:
        _fail(f"in use: {', '.join(busy)}; end what listens there, or add --free-ports", code=1)
    try:
        outcome = run_demo(settings, console)
    except DemoFailed as error:
        _fail(str(error), code=1)
        return
    except KeyboardInterrupt:
        _fail("aborted; the ledger was not settled", code=130)
        return
    edges = len({(exchange.source, exchange.destination) for exchange in outcome.ledger.counts})
    console.print(
        f"ledger: {outcome.ledger.total} requests over {edges} edges; "
        f"meshscope counted {sum(outcome.measured.values())}"
    )
    if outcome.mismatches:
        table = Table("source", "destination", "route", "status", "ledger", "meshscope")
        for mismatch in outcome.mismatches[:MISMATCHES_SHOWN]:
            table.add_row(
                *map(str, mismatch.exchange), str(mismatch.recorded), str(mismatch.measured)
            )
        console.print(table)
        _fail(f"{len(outcome.mismatches)} counts differ", code=1)
    console.print("[green]difference: 0[/] on every edge, route and status")


def _fault(name: str | None) -> FaultName | None:
    return next((known for known in FAULT_NAMES if known == name), None)


def _seconds(text: str | None, flag: str) -> float | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    if match is None:
        _fail(f"{flag} is a number and one of s m h, for example 45s or 2m, not {text!r}", code=2)
        return None
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


def _fail(said: str, *, code: int) -> None:
    typer.echo(f"error: {said}", err=True)
    raise typer.Exit(code)
