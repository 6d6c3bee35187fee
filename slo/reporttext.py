"""A report as Markdown: what stands in a review, a ticket or a wiki. Never computes a number."""

from collections.abc import Iterator, Sequence

from slo.formats import NONE, counted, moment, percent, span
from slo.report import Attainment, ObjectiveReport, Report


def markdown(report: Report) -> str:
    """Return the whole report; names are escaped, so that none becomes markup."""
    return "\n".join(_lines(report)) + "\n"


def headline(report: Report) -> str:
    """Say in a sentence how many objectives were met."""
    found = [one.attainment.is_met for one in report.objectives]
    silent = found.count(None)
    rest = f", {silent} had no data" if silent else ""
    return f"{found.count(True)} of {len(found)} objectives were met{rest}."


def _lines(report: Report) -> Iterator[str]:
    state = "" if report.is_over else ", in progress"
    yield f"# Service levels, {report.period}"
    yield ""
    times = f"{moment(report.from_s)} to {moment(report.to_s)} UTC"
    yield f"{times}{state}; days of {report.zone}. {headline(report)}"
    yield ""
    yield from _table(
        ("objective", "service", "target", "measured", "before", "budget spent", "no data"),
        [_summary(one) for one in report.objectives],
    )
    for one in report.objectives:
        yield from _objective(one, report.before)


def _summary(one: ObjectiveReport) -> tuple[str, ...]:
    return (
        escaped(one.display_name),
        escaped(one.service),
        percent(one.target),
        f"{percent(one.attainment.sli_ratio, places=3)}{_mark(one.attainment)}",
        percent(one.before.sli_ratio, places=3),
        percent(one.attainment.budget_spent_ratio, places=1),
        percent(one.no_data_ratio, places=1),
    )


def _mark(found: Attainment) -> str:
    return {True: "", False: " (missed)", None: ""}[found.is_met]


def _objective(one: ObjectiveReport, before: str) -> Iterator[str]:
    yield ""
    yield f"## {escaped(one.display_name)}"
    yield ""
    yield f"- {spent_sentence(one.attainment, one)}"
    yield f"- {before}: {spent_sentence(one.before, one)}"
    yield from (f"- note: {note}" for note in one.notes)
    if one.worst_days:
        yield ""
        yield from _table(
            ("worst day", "bad", "total", "measured", "budget spent"),
            [
                (
                    day.date,
                    counted(day.bad, one.parts_per_event),
                    counted(day.total, one.parts_per_event),
                    percent(day.sli_ratio, places=3),
                    percent(day.budget_spent_ratio, places=1),
                )
                for day in one.worst_days
            ],
        )
    if one.incidents:
        yield ""
        yield from _table(
            ("paged from (UTC)", "to", "for", "by", "bad", "budget spent"),
            [
                (
                    moment(incident.from_s),
                    "still" if incident.is_open else moment(incident.to_s),
                    span(incident.seconds) if incident.seconds else "one instant",
                    ", ".join(incident.tiers),
                    counted(incident.bad, one.parts_per_event),
                    percent(incident.budget_spent_ratio, places=1),
                )
                for incident in one.incidents
            ],
        )


def spent_sentence(found: Attainment, one: ObjectiveReport) -> str:
    """Say what was spent of the budget of an objective, in events and in minutes."""
    if found.sli_ratio is None:
        return "no data"
    parts, unit = one.parts_per_event, one.unit
    minutes = NONE if found.spent_minutes is None else f"{found.spent_minutes:,.1f}"
    return (
        f"{percent(found.sli_ratio, places=3)} of {counted(found.total, parts)} {unit} were good; "
        f"spent {counted(found.bad, parts)} of {found.budget_events / parts:,.1f} {unit}, "
        f"{minutes} of {found.budget_minutes:,.1f} minutes "
        f"({percent(found.budget_spent_ratio, places=1)} of the budget)"
    )


def escaped(text: str) -> str:
    """Return a text that Markdown takes for itself, in a table cell too."""
    flat = " ".join(text.split())
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>#|!&" else char for char in flat)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{' --- |' * len(headings)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
