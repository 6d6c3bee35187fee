"""A suggestion of where an incident comes from, with its reasons in sentences. Pure.

The walk begins at the services that are alerted on and follows edges that got worse from caller to
callee: where it ends is the deepest service that fails. It is a suggestion: telemetry of a mesh
shows who failed first and how, not why.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from alerts.incidents.changes import Change
from alerts.incidents.flags import meaning
from alerts.incidents.worsening import WorseEdge
from slo.formats import percent, span

CHANGE_S: Final = 900
"""A change at the culprit this long before the first failure is named as a reason."""
_FLAGS: Final = 2
_LATE_S: Final = 10
"""A change is told with the export that follows it."""
_FOLLOWERS: Final = 3


@dataclass(frozen=True, slots=True)
class Cause:
    """The service suspected, the edge on which it shows, and why.

    ``path`` leads from a service with an alert to the suspect. ``trace_id`` is an example.
    """

    service: str
    source: str
    destination: str
    kind: str
    began_s: int | None
    path: tuple[str, ...]
    reasons: tuple[str, ...]
    trace_id: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at: a cause, or the sentence why there is none; and the worse edges."""

    cause: Cause | None
    reason: str
    worse: tuple[WorseEdge, ...]


def suggest(
    services: Sequence[str], worse: Sequence[WorseEdge], changes: Sequence[Change]
) -> Finding:
    """Suggest a cause for an incident of these services."""
    near = _near(services, worse)
    if not near:
        return Finding(None, _nothing(services, worse), tuple(worse))
    path = min(_paths(services, near), key=lambda way: _rank(way, near))
    suspect = _suspect(path, near)
    reasons = (
        _how(suspect),
        *_flags(suspect),
        *_first(suspect, near),
        _deepest(suspect, near),
        *_changed(suspect, changes),
    )
    cause = Cause(
        service=suspect.destination,
        source=suspect.source,
        destination=suspect.destination,
        kind=suspect.kind,
        began_s=suspect.began_s,
        path=path,
        reasons=reasons,
    )
    return Finding(cause, "", tuple(worse))


def _near(services: Sequence[str], worse: Sequence[WorseEdge]) -> list[WorseEdge]:
    """Return worse edges that lead to an alerted service, or on from one along worse edges."""
    reached = set(services)
    while True:
        further = {edge.destination for edge in worse if edge.source in reached} - reached
        if not further:
            break
        reached |= further
    return [edge for edge in worse if edge.destination in reached]


def _paths(services: Sequence[str], near: Sequence[WorseEdge]) -> list[tuple[str, ...]]:
    """Return the longest walks along worse edges from each service; none visits a node twice."""
    onward: defaultdict[str, list[str]] = defaultdict(list)
    for edge in near:
        onward[edge.source].append(edge.destination)
    arrived = {edge.destination for edge in near}
    found: list[tuple[str, ...]] = []
    for service in services:
        seen: set[str] = set()
        walks: list[tuple[str, ...]] = [(service,)]
        while walks:
            way = walks.pop()
            steps = [to for to in onward[way[-1]] if to not in way and to not in seen]
            seen.update(steps)
            walks += [(*way, to) for to in steps]
            if not steps and way[-1] in arrived:
                found.append(way)
    return found


def _rank(path: Sequence[str], near: Sequence[WorseEdge]) -> tuple[bool, int, int]:
    """Prefer failures to slowness, then what began first, then the longest way."""
    suspect = _suspect(path, near)
    began = 2**62 if suspect.began_s is None else suspect.began_s
    return suspect.kind != "errors", began, -len(path)


def _suspect(path: Sequence[str], near: Sequence[WorseEdge]) -> WorseEdge:
    """Return the edge by which the end of the path is reached, of several the worst."""
    arriving = [edge for edge in near if edge.destination == path[-1]]
    from_path = [edge for edge in arriving if len(path) > 1 and edge.source == path[-2]]
    return (from_path or arriving)[0]


def _how(edge: WorseEdge) -> str:
    since = "" if edge.began_s is None else f" since {clock(edge.began_s)}"
    until = "" if edge.began_s is None else f" from {clock(edge.began_s)} to {clock(edge.until_s)}"
    if edge.kind == "latency":
        return (
            f"{edge.destination} answers {edge.source} slowly{since}: the p95 is "
            f"{edge.p95_ms or 0:,.0f} ms, in the hour before {edge.before_p95_ms or 0:,.0f} ms"
        )
    before = (
        "there were none in the hour before"
        if edge.before_error_ratio is None
        else f"{percent(edge.before_error_ratio, places=2)} in the hour before"
    )
    return (
        f"{edge.errors:,} of {edge.requests:,} requests of {edge.source} to {edge.destination} "
        f"failed{until} ({percent(edge.error_ratio, places=1)}; {before}){_codes(edge)}"
    )


def _codes(edge: WorseEdge) -> str:
    if not edge.codes:
        return ""
    code = max(edge.codes, key=lambda one: (edge.codes[one], one))
    return ", without any response" if code == "0" else f", mostly with {code}"


def _flags(edge: WorseEdge) -> tuple[str, ...]:
    told = sorted(
        ((number, flag) for flag, number in edge.flags.items() if flag not in {"", "-"}),
        reverse=True,
    )
    return tuple(
        f"response flag {flag} on {number:,} of them: {meaning(flag) or 'see the docs of Envoy'}"
        for number, flag in told[:_FLAGS]
    )


def _first(suspect: WorseEdge, near: Sequence[WorseEdge]) -> tuple[str, ...]:
    """Say which edge worsened first, and what followed."""
    if suspect.began_s is None:
        return ()
    others = [edge for edge in near if edge.pair != suspect.pair and edge.began_s is not None]
    earlier = [edge for edge in others if (edge.began_s or 0) < suspect.began_s]
    if earlier:
        one = min(earlier, key=lambda edge: edge.began_s or 0)
        ahead = span(suspect.began_s - (one.began_s or 0))
        return (f"{name(one)} worsened {ahead} earlier: look there too",)
    later = sorted(others, key=lambda edge: edge.began_s or 0)[:_FOLLOWERS]
    followed = ", ".join(
        f"{name(edge)} {_after((edge.began_s or 0) - suspect.began_s)}" for edge in later
    )
    return (f"{name(suspect)} worsened first" + (f"; {followed}" if followed else ""),)


def _after(seconds: int) -> str:
    return "at the same time" if seconds <= 0 else f"{span(seconds)} later"


def _deepest(suspect: WorseEdge, near: Sequence[WorseEdge]) -> str:
    onward = [edge.destination for edge in near if edge.source == suspect.destination]
    if onward:
        return f"{suspect.destination} and what it calls ({', '.join(onward)}) fail in a circle"
    return f"{suspect.destination} calls nobody that got worse: the failure goes no deeper"


def _changed(suspect: WorseEdge, changes: Sequence[Change]) -> tuple[str, ...]:
    """Name the last change of each kind at either end of the suspected call, just before."""
    if suspect.began_s is None:
        return ()
    ends = {suspect.source, suspect.destination}
    last = {
        one.kind: one
        for one in sorted(changes, key=lambda one: one.at_s)
        if ends & set(one.services) and -_LATE_S <= suspect.began_s - one.at_s <= CHANGE_S
    }
    return tuple(f"{one.text}, {_before(suspect.began_s - one.at_s)}" for one in last.values())


def _before(seconds: int) -> str:
    return f"{span(seconds)} before it began" if seconds > 0 else "as it began"


def _nothing(services: Sequence[str], worse: Sequence[WorseEdge]) -> str:
    if not services:
        return "The alerts name no service, so that there is no edge to follow."
    told = f"No call to {', '.join(services)}, nor of them, got worse in the time before the alert"
    if worse:
        return f"{told}; elsewhere these did: {', '.join(map(name, worse[:_FOLLOWERS]))}."
    return f"{told}."


def name(edge: WorseEdge) -> str:
    """Return how an edge is named in a sentence."""
    return f"{edge.source} > {edge.destination}"


def clock(at_s: float) -> str:
    """Return the time of day in UTC."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%H:%M:%S")
