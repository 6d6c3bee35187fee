"""``meshscope slo import``: specs of Sloth and Pyrra to OpenSLO files.

Exit codes: 0 written, 1 something in a file is wrong or nothing could be carried over.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(help="Files of Sloth or Pyrra.", exists=True, dir_okay=False),
    ],
    out: Annotated[
        Path | None, typer.Option(help="A folder for NAME.openslo.yaml; stdout if not given.")
    ] = None,
    json_: Annotated[
        bool, typer.Option("--json", help="Print what is missing as JSON, and not the objects.")
    ] = False,
) -> None:
    """Write OpenSLO out of specs of Sloth or Pyrra, and tell what could not be carried over."""
    from slo.errors import OpenSloError
    from slo.importing.readers import read_spec
    from slo.importing.specs import UnknownSpec
    from slo.openslo import parse_openslo

    found = []
    for path in files:
        try:
            one = read_spec(path.read_text(encoding="utf-8"), str(path))
            text = one.text(path.name)
            catalog = parse_openslo([(f"{path} as OpenSLO", text)])
        except (OpenSloError, UnknownSpec, OSError) as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(1) from error
        found.append((path, one, text, len(catalog.slos)))
    for path, one, text, count in found:
        for note in one.notes:
            typer.echo(f"note: {note}", err=True)
        if not count:
            typer.echo(f"error: {path}: no objective could be carried over", err=True)
            raise typer.Exit(1)
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            target = out / f"{path.stem}.openslo.yaml"
            target.write_text(text, encoding="utf-8")
            typer.echo(f"wrote {target}: {count} SLOs", err=json_)
        elif not json_:
            typer.echo(text, nl=False)
    if json_:
        notes = [asdict(note) for _, one, _, _ in found for note in one.notes]
        typer.echo(json.dumps(notes, indent=2))
