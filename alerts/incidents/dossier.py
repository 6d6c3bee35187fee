"""Everything about one incident, read from one moment of the store: cost, cause, changes, timeline.

Reads and puts together; ``impact``, ``worsening``, ``cause``, ``changes`` and ``timeline`` decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from alerts.incidents.alert import Alert
from alerts.incidents.cause import Cause, Finding, suggest
from alerts.incidents.changes import Change, read_changes
from alerts.incidents.impact import Impact, concerned, impacts, whole_minutes
from alerts.incidents.incident import Incident
from alerts.incidents.suspects import read_worse
from alerts.incidents.timeline import Entry, timeline
from alerts.incidents.worsening import WorseEdge
from alerts.silencing.silences import Silence
from collector.store.store import Store
from collector.traces.search import Search, search
from slo.corrections import Correction
from slo.model import Slo
from slo.sources.counting import Counting

CHANGES_S: Final = 1800
"""Changes so long before the beginning are told."""
_MINUTE_S: Final = 60
_TRACES: Final = 200
"""So many traces are looked at for an example."""
_NS: Final = 10**9


@dataclass(frozen=True, slots=True)
class AlertLine:
    """An alert, ready to print."""

    id: str
    name: str
    severity: str
    services: tuple[str, ...]
    slo: str
    summary: str
    description: str
    from_s: float
    to_s: float | None
    is_firing: bool
    labels: dict[str, str]
    runbook_url: str
    dashboard_url: str
    generator_url: str


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Who took an incident, when, and what was said."""

    by: str
    at_s: float
    text: str


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """An incident in a list. Times are seconds since the epoch; ``to_s`` is None while open."""

    id: str
    title: str
    state: str
    severity: str
    services: tuple[str, ...]
    from_s: float
    to_s: float | None
    seconds: float
    alerts: int
    firing: int
    acknowledged: Acknowledgement | None


@dataclass(frozen=True, slots=True)
class Dossier:
    """An incident with everything that is known of it.

    ``began_s`` is when its cause began, or its first alert. ``left_out``: alerts that
    Alertmanager cut off its messages. ``notes`` say what could not be looked at.
    """

    incident: IncidentLine
    began_s: float
    alerts: tuple[AlertLine, ...]
    impacts: tuple[Impact, ...]
    cause: Cause | None
    no_cause: str
    worse: tuple[WorseEdge, ...]
    changes: tuple[Change, ...]
    timeline: tuple[Entry, ...]
    left_out: int
    notes: tuple[str, ...] = ()


def read_dossier(
    incident: Incident,
    store: Store,
    slos: Sequence[Slo],
    *,
    now_s: float,
    corrections: Sequence[Correction] = (),
    counting: Counting | None = None,
    silences: Sequence[Silence] = (),
    left_out: int = 0,
    notes: Sequence[str] = (),
) -> Dossier:
    """Read everything about an incident."""
    first_s = incident.starts_ns / _NS
    end_s = now_s if incident.ends_ns is None else incident.ends_ns / _NS
    with store.snapshot() as cursor:
        leading_s = incident.leading.starts_ns // _NS
        worse = read_worse(cursor, incident.services, leading_s, int(now_s))
        earliest_s = min([first_s, *(one.began_s for one in worse if one.began_s is not None)])
        changes = read_changes(cursor, int(earliest_s) - CHANGES_S, int(end_s) + 1)
        finding = suggest(incident.services, worse, changes)
        from_s = _began_s(finding.cause, first_s)
        named = [one.labels.get("slo", "") for one in incident.alerts]
        span = whole_minutes(from_s, end_s)
        known = counting or Counting()
        cost = impacts(
            concerned(known.slos(cursor, slos, span[1]), incident.services, named),
            lambda spans: known.source(cursor, span[1], spans),
            span,
            corrections,
        )
    finding = _with_trace(finding, store, from_s, end_s)
    return Dossier(
        incident=line(incident, now_s),
        began_s=from_s,
        alerts=tuple(_alert_line(one) for one in incident.alerts),
        impacts=cost,
        cause=finding.cause,
        no_cause=finding.reason,
        worse=finding.worse,
        changes=changes,
        timeline=timeline(
            incident, cause=finding.cause, changes=changes, silences=silences, now_s=now_s
        ),
        left_out=left_out,
        notes=tuple(notes),
    )


def line(incident: Incident, now_s: float) -> IncidentLine:
    """Return an incident as one line of a list."""
    from_s = incident.starts_ns / _NS
    to_s = None if incident.ends_ns is None else incident.ends_ns / _NS
    taken = incident.acknowledged
    return IncidentLine(
        id=incident.id,
        title=incident.title,
        state=incident.state,
        severity=incident.severity,
        services=incident.services,
        from_s=from_s,
        to_s=to_s,
        seconds=max((now_s if to_s is None else to_s) - from_s, 0.0),
        alerts=len(incident.alerts),
        firing=sum(one.is_firing for one in incident.alerts),
        acknowledged=None
        if taken is None
        else Acknowledgement(taken.author, taken.at_ns / _NS, taken.text),
    )


def _began_s(cause: Cause | None, first_s: float) -> float:
    """Return when an incident began: as its cause did, else with its first alert."""
    if cause is None or cause.began_s is None:
        return first_s
    return min(first_s, cause.began_s)


def _with_trace(finding: Finding, store: Store, from_s: float, to_s: float) -> Finding:
    """Add an example of the failure: a trace of that call, failed or the slowest kind."""
    cause = finding.cause
    if cause is None:
        return finding
    failed = True if cause.kind == "errors" else None
    slow = next(
        (one for one in finding.worse if one.pair == (cause.source, cause.destination)), None
    )
    at_least_ns = None
    if failed is None and slow is not None and slow.p95_ms is not None:
        at_least_ns = round(slow.p95_ms / 2 * 10**6)
    asked = Search(
        source=cause.source,
        destination=cause.destination,
        is_error=failed,
        min_duration_ns=at_least_ns,
    )
    answer = search(
        store,
        asked.query(),
        from_ns=round(from_s * _NS),
        to_ns=round((to_s + _MINUTE_S) * _NS),
        limit=1,
        most=_TRACES,
    )
    if not answer.found:
        return finding
    return replace(finding, cause=replace(cause, trace_id=answer.found[0].trace.trace_id))


def _alert_line(alert: Alert) -> AlertLine:
    return AlertLine(
        id=alert.id,
        name=alert.name,
        severity=alert.severity,
        services=alert.services,
        slo=alert.labels.get("slo", ""),
        summary=alert.annotations.get("summary", ""),
        description=alert.annotations.get("description", ""),
        from_s=alert.starts_ns / _NS,
        to_s=None if alert.ends_ns is None else alert.ends_ns / _NS,
        is_firing=alert.is_firing,
        labels=dict(alert.labels),
        runbook_url=alert.annotations.get("runbook_url", ""),
        dashboard_url=alert.annotations.get("dashboard_url", ""),
        generator_url=alert.generator_url,
    )
