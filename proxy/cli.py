"""`meshscope mesh`: serve, validate and look at a mesh from the shell."""

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.table import Table

from proxy.errors import InvalidMesh
from proxy.mesh import Mesh
from proxy.mesh_file import load

app = typer.Typer(
    help="The mesh: its intent in mesh.yaml, and the control plane that brings it to the proxies.",
    no_args_is_help=True,
)

MeshFile = Annotated[Path, typer.Argument(help="The mesh file.", metavar="MESH.yaml")]
DEFAULT_XDS = "127.0.0.1:18000"
DEFAULT_ADMIN = "127.0.0.1:18001"


@app.command(
    epilog="Example: meshscope mesh serve mesh.yaml --xds 127.0.0.1:18000",
)
def serve(
    mesh: MeshFile,
    xds: Annotated[str, typer.Option(help="Listen for proxies (ADS, gRPC) here.")] = DEFAULT_XDS,
    admin: Annotated[str, typer.Option(help="Tell the state as JSON here.")] = DEFAULT_ADMIN,
) -> None:
    """Run the control plane; it follows changes of the file. Ctrl-C ends it."""
    from proxy.controlplane import ControlPlane

    try:
        asyncio.run(ControlPlane(mesh).serve(xds=xds, admin=admin))
    except InvalidMesh as error:
        _fail(error)
    except OSError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


@app.command(epilog="Example: meshscope mesh validate mesh.yaml && git push")
def validate(mesh: MeshFile) -> None:
    """Check a mesh file; exit 1 and name every problem with file and line if there are any."""
    try:
        loaded = load(mesh)
    except InvalidMesh as error:
        _fail(error)
    else:
        workloads = sum(len(service.workloads) for service in loaded.services)
        typer.echo(f"{mesh}: {len(loaded.services)} services, {workloads} workloads, no problems")


@app.command()
def schema() -> None:
    """Print the JSON Schema of mesh.yaml, for editors."""
    typer.echo(json.dumps(Mesh.model_json_schema(by_alias=True), indent=2))


@app.command(epilog="Example: meshscope mesh bootstrap mesh.yaml payments-v1 > envoy.json")
def bootstrap(
    mesh: MeshFile,
    workload: Annotated[str, typer.Argument(help="The workload, which is the proxy's node id.")],
    xds: Annotated[str, typer.Option(help="Where the control plane listens.")] = DEFAULT_XDS,
) -> None:
    """Print the bootstrap that an Envoy of this workload starts from."""
    from proxy import bootstrap as builder

    try:
        loaded = load(mesh)
    except InvalidMesh as error:
        _fail(error)
        return
    found = loaded.find(workload)
    if found is None:
        known = ", ".join(w.name for s in loaded.services for w in s.workloads)
        typer.echo(f"error: no workload is called {workload!r}; the mesh has {known}", err=True)
        raise typer.Exit(1)
    typer.echo(json.dumps(builder.bootstrap(loaded, *found, xds=xds), indent=2))


@app.command()
def status(
    admin: Annotated[str, typer.Option(help="The control plane's --admin.")] = DEFAULT_ADMIN,
    output: Annotated[str, typer.Option("--output", "-o", help="table or json")] = "table",
) -> None:
    """Show what each proxy was sent, took and refused; exit 1 unless all are in sync."""
    try:
        answer = httpx.get(f"http://{admin}/v1/status", timeout=5)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        typer.echo(
            f"error: no control plane answers at {admin}: {error}\n"
            "hint: start one by `meshscope mesh serve`, or name it by --admin",
            err=True,
        )
        raise typer.Exit(3) from error
    state = answer.json()
    proxies = {proxy["node"]: proxy for proxy in state["proxies"]}
    missing = [node for node in state["expected"] if node not in proxies]
    if output == "json":
        typer.echo(json.dumps(state, indent=2))
    else:
        Console().print(_status_table(state))
    if missing or not all(proxy["in_sync"] for proxy in proxies.values()):
        raise typer.Exit(1)


def _status_table(state: dict[str, object]) -> Table:
    table = Table("proxy", "state", "certificate until", "refused")
    proxies = {proxy["node"]: proxy for proxy in state["proxies"]}  # type: ignore[attr-defined]
    certificates: dict[str, str] = state["certificates"]  # type: ignore[assignment]
    for node in sorted({*state["expected"], *proxies}):  # type: ignore[misc]
        proxy = proxies.get(node)
        refused = [
            f"{name}: {told['rejection']}"
            for name, told in (proxy["types"] if proxy else {}).items()
            if told["rejection"]
        ]
        word = "not connected" if proxy is None else "in sync" if proxy["in_sync"] else "stale"
        until = certificates.get(node)
        table.add_row(
            node,
            word,
            f"{datetime.fromisoformat(until):%Y-%m-%d %H:%M:%S} UTC" if until else "-",
            "\n".join(refused) or "-",
        )
    return table


def _fail(error: InvalidMesh) -> None:
    for problem in error.problems:
        typer.echo(f"error: {problem}", err=True)
    raise typer.Exit(1)
