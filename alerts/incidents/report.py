"""A draft of the review after an incident, as Markdown and as HTML of the same.

Facts are filled in, questions are left to people. Never computes a number, never judges anybody.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from typing import Final

from markdown_it import MarkdownIt

from alerts.incidents.dossier import Dossier
from slo.formats import NONE, moment, percent, span
from slo.reporttext import escaped

WORDS: Final = {
    "began": "began",
    "fired": "alert",
    "resolved": "alert over",
    "acknowledged": "acknowledged",
    "note": "note",
    "silenced": "silenced",
    "silence_ended": "silence over",
    "version": "new version",
    "version_gone": "version gone",
    "push": "configuration",
    "push_refused": "configuration refused",
}
"""How each kind of entry of the timeline is called."""
_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;color:#1d2733;max-width:72rem;margin:2rem auto;"
    "padding:0 1rem}table{border-collapse:collapse;display:block;overflow-x:auto;margin:1rem 0}"
    "th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #d9dfe6;"
    "vertical-align:top}h2{margin-top:2rem;border-top:1px solid #d9dfe6;padding-top:1rem}"
)


def markdown(found: Dossier) -> str:
    """Return the draft; texts that came from elsewhere are escaped."""
    return "\n".join(_lines(found)) + "\n"


def html(found: Dossier) -> str:
    """Return the draft as a page that needs nothing else."""
    title = escape(f"Incident {found.incident.id}")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body>\n"
        f"{_renderer().render(markdown(found))}</body></html>\n"
    )


def lasted(found: Dossier) -> tuple[tuple[str, float | None], ...]:
    """Return the spans that reviews ask for, in seconds; None for what has not happened."""
    one = found.incident
    taken = one.acknowledged
    return (
        ("to detect", one.from_s - found.began_s),
        ("to acknowledge", None if taken is None else taken.at_s - one.from_s),
        ("to resolve", None if one.to_s is None else one.to_s - found.began_s),
    )


def _lines(found: Dossier) -> Iterator[str]:
    one = found.incident
    yield f"# Incident {one.id}: {escaped(one.title)}"
    yield ""
    yield "Draft, made of what meshscope knows. Times are UTC. Fill in what only people know."
    yield ""
    yield from _facts(found)
    yield from _section("What happened")
    yield "_In three sentences, for somebody who was not there._"
    yield from _section("Impact")
    yield from _impact(found)
    yield from _section("Suggested cause")
    yield from _cause(found)
    yield from _section("Timeline")
    yield from _table(
        ("time", "what", "who", "details"),
        [
            (moment(entry.at_s), WORDS[entry.kind], escaped(entry.who), escaped(entry.text))
            for entry in found.timeline
        ],
    )
    yield from _section("Alerts")
    yield from _table(
        ("alert", "severity", "about", "from", "to"),
        [
            (
                escaped(alert.name),
                escaped(alert.severity),
                escaped(", ".join(alert.services)),
                moment(alert.from_s),
                "firing" if alert.to_s is None else moment(alert.to_s),
            )
            for alert in found.alerts
        ],
    )
    if found.left_out:
        yield f"\nAlertmanager left out up to {found.left_out} more (max_alerts)."
    for title, question in (
        ("What went well", "What limited the damage, or helped to see it?"),
        ("What went badly", "What made it worse, longer, or hard to see?"),
        ("Root cause", "Why could it happen, and why did nobody notice before?"),
    ):
        yield from _section(title)
        yield f"_{question}_"
    yield from _section("Actions")
    yield from _table(("action", "owner", "due"), [("", "", "")])


def _facts(found: Dossier) -> Iterator[str]:
    one = found.incident
    taken = one.acknowledged
    until = "still open" if one.to_s is None else moment(one.to_s)
    by = NONE if taken is None else f"{moment(taken.at_s)} by {escaped(taken.by)}"
    rows = [
        ("state", one.state),
        ("severity", escaped(one.severity) or NONE),
        ("services", escaped(", ".join(one.services)) or NONE),
        ("began", moment(found.began_s)),
        ("first alert", moment(one.from_s)),
        ("acknowledged", by),
        ("resolved", until),
        *((f"time {name}", span(seconds) if seconds else NONE) for name, seconds in lasted(found)),
    ]
    yield from _table(("fact", "value"), rows)


def _impact(found: Dossier) -> Iterator[str]:
    if not found.impacts:
        yield "No objective covers these services: nobody promised anything that can be counted."
        return
    yield from _table(
        ("objective", "bad events", "of", "measured", "target", "budget burnt", "budget left"),
        [
            (
                escaped(one.display_name),
                f"{one.bad:,}",
                f"{one.total:,}",
                percent(one.sli_ratio, places=3),
                percent(one.target),
                percent(one.budget_burnt_ratio, places=1),
                percent(one.budget_remaining_ratio, places=1),
            )
            for one in found.impacts
        ],
    )
    first = found.impacts[0]
    yield f"\nEvents from {moment(first.from_s)} to {moment(first.to_s)}."


def _cause(found: Dossier) -> Iterator[str]:
    cause = found.cause
    if cause is None:
        yield escaped(found.no_cause)
        return
    yield f"**{escaped(cause.service)}**, by {' > '.join(map(escaped, cause.path))}:"
    yield ""
    yield from (f"- {escaped(reason)}" for reason in cause.reasons)
    if cause.trace_id:
        yield f"- an example: trace `{cause.trace_id}`"


def _section(title: str) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{' --- |' * len(headings)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


@cache
def _renderer() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")
