"""Where messages come in and incidents go out: a thin shell around the store and its writer.

A message is taken when it is durable, and not before. Incidents are made anew of all that was told
whenever some of it changed. Never fetches anything from an Alertmanager.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from typing import Final, Literal, Protocol

import duckdb
import orjson

from alerts.incidents.alert import alerts_of, services_of
from alerts.incidents.incident import Incident, incidents_of
from alerts.incidents.message import Message
from collector.semconv import EXTERNAL, UNKNOWN
from collector.store import reader
from collector.store.group_queue import Errand
from collector.store.housekeeping import Step
from collector.store.store import Store
from collector.store.told_alerts import (
    AlertRow,
    EntryRow,
    GroupRow,
    Told,
    forget,
    put_entry,
    put_message,
    read_told,
    version,
)

Kind = Literal["acknowledged", "note"]

MOST_ALERTS: Final = 10_000
"""So many alerts are kept, the newest; a storm must not fill the store."""
MOST_ENTRIES: Final = 500
"""So much is kept of what people say about one incident."""
TIMEOUT_S: Final = 30.0
"""A commit that takes longer is told as a failure; Alertmanager asks again."""
_PEERS_S: Final = 3600
_SECOND_NS: Final = 10**9


class SaidTooMuch(ValueError):
    """An incident holds as many entries as it may."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} things were said of this incident, no more are kept")


class UnknownIncident(KeyError):
    """Somebody asked for an incident that is not here."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"There is no incident named {self.name}."


class Sink(Protocol):
    """What writes: ``collector.store.writer.Writer``."""

    def between(self, work: Errand) -> Future[None]:
        """Have work done between two commits."""
        ...


class Desk:
    """The incidents of one store; without a ``sink`` they can only be read."""

    def __init__(self, store: Store, sink: Sink | None, clock_ns: Callable[[], int]) -> None:
        self._store, self._sink, self._clock_ns = store, sink, clock_ns
        self._lock = threading.Lock()
        self._seen: tuple[object, ...] | None = None
        self._incidents: tuple[Incident, ...] = ()
        self._told = Told((), (), ())

    @property
    def is_open(self) -> bool:
        """Whether messages are taken here."""
        return self._sink is not None

    def take(self, message: Message) -> None:
        """Store a message; it is durable on return. Raises StoreError or TimeoutError."""
        told_ns = self._clock_ns()
        peers = self._peers(message)
        rows = [
            AlertRow(
                fingerprint=one.fingerprint,
                starts_ns=one.starts_ns,
                ends_ns=one.ends_ns,
                group_key=message.group_key,
                labels=orjson.dumps(dict(one.labels), option=orjson.OPT_SORT_KEYS).decode(),
                annotations=orjson.dumps(dict(one.annotations)).decode(),
                generator_url=one.generator_url,
                peers=_peers_of(services_of(one.labels), peers),
                told_ns=told_ns,
            )
            for one in message.alerts
        ]
        group = GroupRow(
            message.group_key, message.receiver, message.over_ns, message.left_out, told_ns
        )
        self._write(lambda cursor: put_message(cursor, rows, group))

    def incidents(self) -> tuple[Incident, ...]:
        """Return all incidents: open ones first, then the newest."""
        return self._read()[1]

    def numbers(self) -> Mapping[str, int]:
        """Return how many incidents are open, and how many resolved."""
        states = [one.state for one in self.incidents()]
        return {state: states.count(state) for state in ("open", "resolved")}

    def find(self, name: str) -> Incident:
        """Return an incident by its name, or by that of any of its alerts; UnknownIncident."""
        found = next((one for one in self.incidents() if name in one.ids), None)
        if found is None:
            raise UnknownIncident(name)
        return found

    def left_out(self, incident: Incident) -> int:
        """Return how many alerts of the incident's groups ``max_alerts`` kept from us at most."""
        keys = {one.group_key for one in incident.alerts}
        return sum(one.left_out for one in self._read()[0].groups if one.group_key in keys)

    def say(self, name: str, kind: Kind, *, by: str, text: str) -> Incident:
        """Keep what somebody said about an incident, and return it.

        Raises UnknownIncident, SaidTooMuch, StoreError or TimeoutError.
        """
        incident = self.find(name)
        if len(incident.entries) >= MOST_ENTRIES:
            raise SaidTooMuch(MOST_ENTRIES)
        first = incident.alerts[0]
        entry = EntryRow(first.fingerprint, first.starts_ns, self._clock_ns(), kind, by, text)
        self._write(lambda cursor: put_entry(cursor, entry))
        return self.find(name)

    def _read(self) -> tuple[Told, tuple[Incident, ...]]:
        with self._lock, self._store.snapshot() as cursor:
            seen = version(cursor)
            if seen != self._seen:
                self._told = read_told(cursor)
                alerts = alerts_of(self._told.alerts, self._told.groups)
                self._incidents = incidents_of(alerts, self._told.entries)
                self._seen = seen
            return self._told, self._incidents

    def _write(self, work: Errand) -> None:
        if self._sink is None:
            raise RuntimeError("this server only reads its store")
        self._sink.between(work).result(TIMEOUT_S)

    def _peers(self, message: Message) -> Mapping[str, frozenset[str]]:
        """Return who called whom in the hour before the alerts, from both ends."""
        starts = [one.starts_ns // _SECOND_NS for one in message.alerts]
        if not starts:
            return {}
        with closing(self._store.cursor()) as cursor:
            pairs = reader.edge_counts(
                cursor, min(starts) - _PEERS_S, max(starts) + 1, by=("source", "destination")
            ).to_pylist()
        found: dict[str, set[str]] = {}
        for pair in pairs:
            ends = (pair["source"], pair["destination"])
            if not {EXTERNAL, UNKNOWN} & set(ends):
                for one, other in (ends, ends[::-1]):
                    found.setdefault(one, set()).add(other)
        return {name: frozenset(others) for name, others in found.items()}


def forgetting(keep_s: int, most: int = MOST_ALERTS) -> Step:
    """Return the housekeeping that forgets alerts of long ago, and the oldest of too many."""

    def step(cursor: duckdb.DuckDBPyConnection, now_ns: int) -> None:
        forget(cursor, now_ns - keep_s * _SECOND_NS, most)

    return step


def _peers_of(services: Sequence[str], peers: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    found = {peer for name in services for peer in peers.get(name, ())}
    return tuple(sorted(found - set(services)))
