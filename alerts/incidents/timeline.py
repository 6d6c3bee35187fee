"""An incident by time: alerts, people, silences, and what changed in the mesh around it. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from alerts.incidents.cause import Cause
from alerts.incidents.changes import Change
from alerts.incidents.incident import Incident
from alerts.silencing.silences import Silence

Kind = Literal[
    "began", "fired", "resolved", "acknowledged", "note", "silenced", "silence_ended", "version",
    "version_gone", "push", "push_refused",
]  # fmt: skip

_ORDER: Final = (
    "version", "version_gone", "push", "push_refused", "began", "silenced", "fired",
    "acknowledged", "note", "silence_ended", "resolved",
)  # fmt: skip
_NS: Final = 10**9


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened; ``who`` did it, or '' when nobody in person did."""

    at_s: float
    kind: Kind
    text: str
    who: str = ""
    service: str = ""


def timeline(
    incident: Incident,
    *,
    cause: Cause | None = None,
    changes: Iterable[Change] = (),
    silences: Sequence[Silence] = (),
    now_s: float,
) -> tuple[Entry, ...]:
    """Return everything known of an incident, by time."""
    found = [
        *_alerts(incident),
        *_said(incident),
        *_silenced(incident, silences, now_s),
        *(Entry(one.at_s, one.kind, one.text, "", _one(one.services)) for one in changes),
    ]
    if cause is not None and cause.began_s is not None:
        told = f"{cause.source} > {cause.destination} got worse"
        found.append(Entry(cause.began_s, "began", told, "", cause.service))
    return tuple(sorted(found, key=lambda one: (one.at_s, _ORDER.index(one.kind), one.text)))


def _alerts(incident: Incident) -> list[Entry]:
    found = []
    for one in incident.alerts:
        summary = one.annotations.get("summary")
        told = f"{one.name}: {summary}" if summary else one.name
        marked = f"{told} ({one.severity})" if one.severity else told
        service = _one(one.services)
        found.append(Entry(one.starts_ns / _NS, "fired", marked, "", service))
        if one.ends_ns is not None:
            found.append(Entry(one.ends_ns / _NS, "resolved", told, "", service))
    return found


def _said(incident: Incident) -> list[Entry]:
    return [
        Entry(
            one.at_ns / _NS,
            "acknowledged" if one.kind == "acknowledged" else "note",
            one.text,
            one.author,
        )
        for one in incident.entries
    ]


def _silenced(incident: Incident, silences: Sequence[Silence], now_s: float) -> list[Entry]:
    """Return silences that covered some alert of the incident while it lasted, or before."""
    end_s = now_s if incident.ends_ns is None else incident.ends_ns / _NS
    found = []
    for one in silences:
        from_s, to_s = one.starts_ms / 1000, one.ends_ms / 1000
        covered = [alert for alert in incident.alerts if one.covers(alert.labels)]
        if not covered or from_s >= end_s or to_s <= incident.starts_ns / _NS:
            continue
        told = f"{', '.join(map(str, one.matchers))}: {one.comment}"
        service = _one(covered[0].services)
        found.append(Entry(from_s, "silenced", told, one.created_by, service))
        if to_s <= now_s:
            found.append(Entry(to_s, "silence_ended", told, one.created_by, service))
    return found


def _one(services: Sequence[str]) -> str:
    return services[0] if len(services) == 1 else ""
