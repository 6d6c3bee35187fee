"""``meshscope alerts``: rule files out of objectives, and whether committed ones still are them.

Exit codes: 0 fine, 1 found wanting, 2 used wrongly.
"""

import difflib
from pathlib import Path
from typing import Annotated, Final

import typer

import alerts.silencing.cli

SHOP: Final = Path("slo/objectives/shop.yaml")
OUT: Final = Path("alerts/rules/shop.yaml")

app = typer.Typer(no_args_is_help=True, help="Prometheus rules, and silences of their alerts.")
app.add_typer(alerts.silencing.cli.app)


@app.callback()
def root() -> None:
    """Prometheus rules out of objectives, and silences of their alerts."""


@app.command(epilog="Example: meshscope alerts generate --slo shop.yaml --out rules.yaml --check")
def generate(
    slo: Annotated[
        list[Path] | None,
        typer.Option(help="OpenSLO files; may be repeated.", show_default=str(SHOP)),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Rule file; mesh.yaml and NAME.test.yaml go beside it.")
    ] = OUT,
    base_url: Annotated[
        str, typer.Option(help="Where people reach the dashboard, for links in alerts.")
    ] = "http://127.0.0.1:8428",
    min_bad_events: Annotated[
        int, typer.Option(min=1, help="Fewer bad events in the long window alert nobody.")
    ] = 10,
    profile: Annotated[
        str, typer.Option(help="Table of alert windows; three_x_30d pages at 3 times the burn.")
    ] = "google_30d",
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 with the difference.")
    ] = False,
) -> None:
    """Write the rules of every objective and of the mesh, and promtool's tests that prove them."""
    from alerts.generate import DEFAULT_PROFILE, MESH_FILE, Options, generated_files
    from slo.errors import OpenSloError
    from slo.openslo import load_openslo
    from slo.windows import load_tiers, never_firing, profiles

    sources = slo or [SHOP]
    try:
        catalog = load_openslo(sources)
    except (OpenSloError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    if out.name == MESH_FILE:
        typer.echo(f"error: --out: {MESH_FILE} is the file of the mesh's own alerts", err=True)
        raise typer.Exit(2)
    if profile not in profiles():
        typer.echo(f"error: --profile: {profile} is none of {', '.join(profiles())}", err=True)
        raise typer.Exit(2)
    for name, tiers in never_firing(catalog.slos, load_tiers(profile)):
        typer.echo(f"note: {name}: no alert for {tiers}: not even a full outage fires it", err=True)
    command = f"meshscope alerts generate {' '.join(f'--slo {p}' for p in sources)} --out {out}"
    if profile != DEFAULT_PROFILE:
        command += f" --profile {profile}"
    options = Options(base_url.rstrip("/"), min_bad_events, command, profile)
    wanted = generated_files(catalog, out, options)
    if check:
        difference = "".join(_difference(path, text) for path, text in wanted.items())
        typer.echo(difference, nl=False)
        raise typer.Exit(1 if difference else 0)
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {path}")


def _difference(path: Path, text: str) -> str:
    """Return a unified diff from the file to what would be written; a missing file is empty."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        text.splitlines(keepends=True),
        fromfile=str(path),
        tofile=f"{path} as generated",
    )
    return "".join(lines)
