"""Alerts -> incidents: what belongs together by service, time and who calls whom.

Two alerts are of one incident when they are about the same service and not more than five minutes
lie between them, or when one of their services calls the other and they began within a quarter
of an hour; so are all that are linked by such pairs. Alerts of no service go by their rule. Pure:
the incidents depend on the alerts alone, not on how they came. The choice is argued in ADR 15.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from alerts.incidents.alert import Alert, alert_id
from collector.store.told_alerts import EntryRow

CALM_NS: Final = 5 * 60 * 10**9
"""Alerts of one service that are further apart are of two incidents."""
CASCADE_NS: Final = 15 * 60 * 10**9
"""A failure reaches callers within this: burn rates of slow windows fire later than of fast."""
UNHEARD: Final = frozenset({"none"})
"""Severities that are no incident, such as that of a watchdog that always fires."""

State = Literal["open", "resolved"]


@dataclass(frozen=True)
class Incident:
    """Alerts of one failure, by their start, and what people said; the first names it."""

    alerts: tuple[Alert, ...]
    entries: tuple[EntryRow, ...] = ()

    @property
    def id(self) -> str:
        """The name of the first alert."""
        return self.alerts[0].id

    @cached_property
    def ids(self) -> frozenset[str]:
        """Every name that finds this incident: those of all its alerts."""
        return frozenset(name for one in self.alerts for name in one.ids)

    @property
    def state(self) -> State:
        """Open while an alert fires."""
        return "open" if any(one.is_firing for one in self.alerts) else "resolved"

    @property
    def starts_ns(self) -> int:
        """When the first alert fired."""
        return self.alerts[0].starts_ns

    @property
    def ends_ns(self) -> int | None:
        """When the last alert was over; None while one fires."""
        if self.state == "open":
            return None
        return max(one.ends_ns or one.starts_ns for one in self.alerts)

    @property
    def leading(self) -> Alert:
        """The most severe alert, of several the first."""
        return min(self.alerts, key=lambda one: one.order)

    @property
    def severity(self) -> str:
        """That of the leading alert."""
        return self.leading.severity

    @property
    def title(self) -> str:
        """What the leading alert says of itself."""
        return self.leading.annotations.get("summary") or self.leading.name

    @property
    def services(self) -> tuple[str, ...]:
        """Whom the alerts are about, those that fired first in front."""
        return tuple(dict.fromkeys(name for one in self.alerts for name in one.services))

    @property
    def acknowledged(self) -> EntryRow | None:
        """The first acknowledgement."""
        return next((one for one in self.entries if one.kind == "acknowledged"), None)


def incidents_of(alerts: Iterable[Alert], entries: Iterable[EntryRow] = ()) -> tuple[Incident, ...]:
    """Return the incidents of alerts: open ones first, then the newest."""
    heard = sorted(
        (one for one in alerts if one.severity not in UNHEARD),
        key=lambda one: (one.starts_ns, one.fingerprint),
    )
    said: defaultdict[str, list[EntryRow]] = defaultdict(list)
    for entry in sorted(entries, key=lambda one: one.at_ns):
        said[entry.fingerprint].append(entry)
    found = [Incident(tuple(part), tuple(_said(part, said))) for part in _parts(heard)]
    return tuple(sorted(found, key=lambda one: (one.state != "open", -one.starts_ns, one.id)))


def _said(part: Sequence[Alert], said: dict[str, list[EntryRow]]) -> list[EntryRow]:
    """Return what was said of the alerts of one incident, by time."""
    ids = {name for one in part for name in one.ids}
    found = [
        entry
        for fingerprint in dict.fromkeys(one.fingerprint for one in part)
        for entry in said.get(fingerprint, ())
        if alert_id(entry.fingerprint, entry.starts_ns) in ids
    ]
    return sorted(found, key=lambda one: (one.at_ns, one.kind, one.author, one.text))


def _parts(alerts: Sequence[Alert]) -> list[list[Alert]]:
    """Return the connected parts, each by its start, as the alerts are."""
    joined = _Joined(len(alerts))
    by_place: defaultdict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(alerts):
        for name in one.services or (f"rule {one.name}",):
            by_place[name].append(place)
    for places in by_place.values():
        _join_calm(alerts, places, joined)
    starts = {name: [alerts[at].starts_ns for at in places] for name, places in by_place.items()}
    for place, one in enumerate(alerts):
        for peer in one.peers:
            near = starts.get(peer, [])
            first = bisect_left(near, one.starts_ns - CASCADE_NS)
            last = bisect_right(near, one.starts_ns + CASCADE_NS)
            for other in by_place[peer][first:last] if near else ():
                joined.join(place, other)
    parts: defaultdict[int, list[Alert]] = defaultdict(list)
    for place, one in enumerate(alerts):
        parts[joined.root(place)].append(one)
    return list(parts.values())


def _join_calm(alerts: Sequence[Alert], places: Sequence[int], joined: "_Joined") -> None:
    """Join alerts of one service until it was calm for long enough."""
    before, until_ns = places[0], _end_ns(alerts[places[0]])
    for place in places[1:]:
        if alerts[place].starts_ns <= until_ns + CALM_NS:
            joined.join(before, place)
            until_ns = max(until_ns, _end_ns(alerts[place]))
        else:
            until_ns = _end_ns(alerts[place])
        before = place


def _end_ns(alert: Alert) -> int:
    return 2**63 if alert.ends_ns is None else alert.ends_ns


class _Joined:
    """Disjoint sets of places."""

    def __init__(self, number: int) -> None:
        self._above = list(range(number))

    def root(self, place: int) -> int:
        """Return the place that stands for the set."""
        while self._above[place] != place:
            self._above[place] = self._above[self._above[place]]
            place = self._above[place]
        return place

    def join(self, one: int, other: int) -> None:
        """Make one set of two."""
        self._above[self.root(other)] = self.root(one)
