"""Incidents as the API and the pages show them: lists, one with everything, and its report.

Never decides what belongs together or what caused it: ``alerts.incidents`` does.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from alerts.incidents.desk import Desk, UnknownIncident
from alerts.incidents.dossier import Dossier, IncidentLine, line, read_dossier
from alerts.incidents.incident import Incident
from alerts.incidents.report import html, markdown
from alerts.notify.sender import without_password
from alerts.silencing.silences import AlertmanagerFailed, Silence, SilenceRefused, silences
from dashboards.web.answers import NotFound, encode
from dashboards.web.deps import Deps

MOST: Final = 500
"""Incidents of one list."""
SILENCES_TIMEOUT_S: Final = 2.0
KEPT_S: Final = 10.0
DOSSIER_KEPT_S: Final = 4.0
"""A page fetches itself every 5 s: so it is new each time, and many viewers share it."""
MOST_DOSSIERS: Final = 32


@dataclass(frozen=True, slots=True)
class Format:
    """How a report becomes a file."""

    media_type: str
    suffix: str
    write: Callable[[Dossier], str | bytes]


FORMATS: Final = {
    "html": Format("text/html", "html", html),
    "markdown": Format("text/markdown", "md", markdown),
    "json": Format("application/json", "json", encode),
}


class SharedSilences:
    """The silences of all Alertmanagers, asked for at most every ``kept_s`` seconds."""

    def __init__(self, urls: Sequence[str], *, kept_s: float = KEPT_S) -> None:
        self._urls, self._kept_s = tuple(urls), kept_s
        self._lock = threading.Lock()
        self._read_s = float("-inf")
        self._found: tuple[tuple[Silence, ...], tuple[str, ...]] = ((), ())

    def read(self) -> tuple[tuple[Silence, ...], tuple[str, ...]]:
        """Return the silences, each once, and what to say of Alertmanagers that are away."""
        with self._lock:
            if self._urls and time.monotonic() - self._read_s > self._kept_s:
                self._found = _ask_all(self._urls)
                self._read_s = time.monotonic()
            return self._found


def _ask_all(urls: Sequence[str]) -> tuple[tuple[Silence, ...], tuple[str, ...]]:
    with ThreadPoolExecutor(len(urls)) as pool:
        answers = list(pool.map(_ask, urls))
    found = {one.id: one for answer in answers if not isinstance(answer, str) for one in answer}
    return tuple(found.values()), tuple(told for told in answers if isinstance(told, str))


def _ask(url: str) -> tuple[Silence, ...] | str:
    try:
        return silences(url, timeout_s=SILENCES_TIMEOUT_S)
    except (AlertmanagerFailed, SilenceRefused):
        return f"Its silences are not known: {without_password(url)} cannot be asked."


def read_lines(
    desk: Desk, now_s: float, *, state: str | None = None, service: str | None = None
) -> list[IncidentLine]:
    """Return incidents, open ones first, then the newest."""
    chosen = [
        one
        for one in desk.incidents()
        if state in {None, one.state} and (service is None or service in one.services)
    ]
    return [line(one, now_s) for one in chosen[:MOST]]


def find(desk: Desk, name: str) -> Incident:
    """Return an incident by its name or that of one of its alerts; raises NotFound."""
    try:
        return desk.find(name)
    except UnknownIncident as error:
        raise NotFound(str(error)) from error


class SharedDossiers:
    """Answers many readers of one incident from one reading, until it changes or gets old."""

    def __init__(
        self, known: SharedSilences, *, kept_s: float = DOSSIER_KEPT_S, most: int = MOST_DOSSIERS
    ) -> None:
        self._known, self._kept_s, self._most = known, kept_s, most
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Incident, Dossier]] = {}

    def read(self, deps: Deps, desk: Desk, incident: Incident) -> Dossier:
        """Return everything about an incident, at most ``kept_s`` old."""
        with self._lock:
            now_s = time.monotonic()
            kept = self._kept.pop(incident.id, None)
            if kept is None or kept[1] is not incident or now_s - kept[0] > self._kept_s:
                kept = (now_s, incident, self._read(deps, desk, incident))
            self._kept[incident.id] = kept
            while len(self._kept) > self._most:
                del self._kept[next(iter(self._kept))]
            return kept[2]

    def _read(self, deps: Deps, desk: Desk, incident: Incident) -> Dossier:
        silenced, notes = self._known.read()
        return read_dossier(
            incident,
            deps.store,
            deps.slos,
            now_s=deps.clock_s(),
            corrections=deps.corrections(),
            counting=deps.counting,
            silences=silenced,
            left_out=desk.left_out(incident),
            notes=notes,
        )
