"""Incidents as a terminal shows them: a table of all, a page of one. Answers of the API in."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from alerts.incidents.report import WORDS
from slo.formats import NONE, moment, percent, span

Answer = Mapping[str, Any]

_HEADINGS: Final = (
    *("Id", "State", "Severity", "Services", "Since (UTC)", "For", "Alerts", "Taken by", "What"),
)


def incident_table(found: Sequence[Answer]) -> Table:
    """Return a table of incidents."""
    table = Table(box=SIMPLE, header_style="bold", pad_edge=False)
    for heading in (
        "Id",
        "State",
        "Severity",
        "Services",
        "Since (UTC)",
        "For",
        "Alerts",
        "Taken by",
    ):
        table.add_column(heading, no_wrap=heading in {"Id", "State"})
    table.add_column("What", overflow="fold")
    for one in found:
        is_open = one["state"] == "open"
        taken = one["acknowledged"]
        table.add_row(
            one["id"],
            Text(one["state"], style="bold red" if is_open else "green"),
            one["severity"] or NONE,
            ", ".join(one["services"]) or NONE,
            moment(int(one["from_s"])),
            span(one["seconds"]),
            f"{one['firing']} of {one['alerts']}" if is_open else str(one["alerts"]),
            taken["by"] if taken else NONE,
            Text(one["title"]),
        )
    return table


def incident_text(found: Answer) -> str:
    """Return one incident as text."""
    return "\n".join(_lines(found))


def _lines(found: Answer) -> Iterator[str]:
    one = found["incident"]
    until = "now" if one["to_s"] is None else f"{moment(int(one['to_s']))} UTC"
    yield f"{one['id']}  {one['state']}  {one['severity'] or NONE}  {one['title']}"
    yield f"services: {', '.join(one['services']) or NONE}"
    first = moment(int(one["from_s"]))
    yield f"from {moment(int(found['began_s']))} to {until}, first alert {first}"
    taken = one["acknowledged"]
    if taken:
        yield f"taken by {taken['by']} at {moment(int(taken['at_s']))}"
    yield ""
    yield from _cause(found)
    yield ""
    yield "cost:" if found["impacts"] else "cost: no objective covers these services"
    for cost in found["impacts"]:
        burnt = percent(cost["budget_burnt_ratio"], places=1)
        yield (
            f"  {cost['slo']}: {cost['bad']:,} of {cost['total']:,} events bad, {burnt} of the "
            f"{cost['window']} budget, {percent(cost['budget_remaining_ratio'], places=1)} left"
        )
    yield ""
    yield "timeline:"
    for entry in found["timeline"]:
        who = f"  {entry['who']}" if entry["who"] else ""
        yield f"  {moment(int(entry['at_s']))}  {WORDS[entry['kind']]}{who}  {entry['text']}"
    yield from (f"note: {told}" for told in found["notes"])


def _cause(found: Answer) -> Iterator[str]:
    cause = found["cause"]
    if cause is None:
        yield f"suggested cause: none. {found['no_cause']}"
        return
    yield f"suggested cause: {cause['service']}, by {' > '.join(cause['path'])}"
    yield from (f"  - {reason}" for reason in cause["reasons"])
    if cause["trace_id"]:
        yield f"  - an example: trace {cause['trace_id']}"
