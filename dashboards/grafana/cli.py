"""``meshscope grafana generate``: write the dashboards, or tell how the files differ from them."""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

GENERATED: Final = Path(__file__).with_name("generated")

app = typer.Typer(no_args_is_help=True, help="Grafana dashboards as code.")


@app.callback()
def grafana() -> None:
    """Grafana dashboards as code."""


@app.command()
def generate(
    out: Annotated[Path, typer.Option(help="Folder of the JSON files.")] = GENERATED,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 with the difference.")
    ] = False,
) -> None:
    """Write every dashboard to its JSON file."""
    from dashboards.grafana.catalog import files

    wanted = files()
    if check:
        found = list(_drift(wanted, out))
        print("".join(found), end="")
        raise typer.Exit(1 if found else 0)
    out.mkdir(parents=True, exist_ok=True)
    for name, text in wanted.items():
        (out / name).write_text(text, encoding="utf-8")
        print(out / name)


def _drift(wanted: Mapping[str, str], out: Path) -> Iterator[str]:
    """Yield the unified diff from the files in ``out`` to the boards, strangers included."""
    present = {path.name for path in out.glob("*.json")}
    for name in sorted(present | wanted.keys()):
        path = out / name
        before = path.read_text(encoding="utf-8") if name in present else ""
        yield from difflib.unified_diff(
            before.splitlines(keepends=True),
            wanted.get(name, "").splitlines(keepends=True),
            fromfile=str(path),
            tofile=f"{name} as generated" if name in wanted else "no such board",
        )
