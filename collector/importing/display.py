"""How an import is shown: a bar while it runs, and what came of it at the end.

The bar is on standard error, so that --json can be piped. Never reads or writes a sample.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from collector.importing.plan import Window
from collector.importing.run import Progress as State
from collector.importing.run import Tell
from collector.importing.times import iso


@contextlib.contextmanager
def bar() -> Iterator[Tell]:
    """Give what moves the bar."""
    columns = (
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[samples]:,} samples"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[metric]}"),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("import", total=1.0, samples=0, metric="")

        def tell(state: State) -> None:
            progress.update(
                task, completed=state.ratio, samples=state.read, metric=state.metric[:60]
            )

        yield tell


def summary(state: State, whole: Window, *, is_dry: bool, skipped: int) -> dict[str, Any]:
    """Return what came of it, for --json."""
    return {
        "from": iso(whole.from_ms),
        "to": iso(whole.to_ms),
        "dry_run": is_dry,
        "metrics": state.metrics,
        "samples_read": state.read,
        "samples_written": state.written,
        "samples_present_already": state.present,
        "samples_refused": state.refused,
        "samples_of_earlier_runs": state.before,
        "native_histograms_skipped": skipped,
        "messages": list(state.messages),
    }


def sentences(told: dict[str, Any]) -> list[str]:
    """Return the same for people."""
    ends = f"{told['from']} to {told['to']}"
    if told["dry_run"]:
        return [f"{told['samples_read']:,} samples of {told['metrics']:,} metrics, {ends}"]
    lines = [
        f"{told['samples_written']:,} samples of {told['metrics']:,} metrics are stored, {ends}"
    ]
    if told["samples_of_earlier_runs"]:
        lines.append(f"{told['samples_of_earlier_runs']:,} samples were done before")
    if told["samples_present_already"]:
        lines.append(f"{told['samples_present_already']:,} samples were there already")
    if told["native_histograms_skipped"]:
        number = told["native_histograms_skipped"]
        lines.append(f"note: {number:,} native histograms were left out: the API tells no schema")
    if told["samples_refused"]:
        lines.append(f"error: {told['samples_refused']:,} samples were refused")
    return lines + [f"  {message}" for message in told["messages"]]
