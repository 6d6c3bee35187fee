"""An alert as it went: from when until when, about whom. Rows of what was told -> alerts.

Pure, and free of order: whatever came first, the alerts are the same. One set of labels fires once
at a time, so that starts that differ a little (Alertmanager keeps the earliest of several
senders) and ends that never came are told apart from a second time.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

import orjson

from alerts import names
from collector.semconv import EXTERNAL, UNKNOWN
from collector.store.told_alerts import AlertRow, GroupRow

_SECOND_NS: Final = 10**9
_NOBODY: Final = frozenset({"", EXTERNAL, UNKNOWN})
_SERVICE_LABELS: Final = (names.SERVICE, "destination", "source")
_RANKS: Final = {"page": 0, "critical": 0, "ticket": 1, "warning": 1}


@dataclass(frozen=True, slots=True)
class Alert:
    """One time that an alert fired. ``ends_ns`` is None while it does.

    ``id`` names its first start; ``ids`` are the names of all starts that were told of it.
    """

    fingerprint: str
    starts_ns: int
    ends_ns: int | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    generator_url: str
    peers: tuple[str, ...]
    group_key: str
    ids: tuple[str, ...]

    @property
    def id(self) -> str:
        """The name of the alert: day and a part of a hash."""
        return self.ids[0]

    @property
    def is_firing(self) -> bool:
        """Whether it fires, as far as was told."""
        return self.ends_ns is None

    @property
    def name(self) -> str:
        """The rule that fired."""
        return self.labels.get("alertname", "alert")

    @property
    def severity(self) -> str:
        """Page, ticket, or what the rule says; '' without one."""
        return self.labels.get(names.SEVERITY, "")

    @property
    def services(self) -> tuple[str, ...]:
        """Whom it is about: its service, or the ends of an edge; () for the mesh as a whole."""
        return services_of(self.labels)

    @property
    def order(self) -> tuple[int, int, str]:
        """Sort the most severe first, then the earliest."""
        return severity_rank(self.severity), self.starts_ns, self.fingerprint


def services_of(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return the services that labels name: ``service`` alone, else destination and source."""
    if labels.get(names.SERVICE):
        return (labels[names.SERVICE],)
    found = (labels.get(name, "") for name in _SERVICE_LABELS)
    return tuple(dict.fromkeys(name for name in found if name not in _NOBODY))


def severity_rank(severity: str) -> int:
    """Return 0 for what pages, 1 for tickets, 2 for the rest."""
    return _RANKS.get(severity, 2)


def alert_id(fingerprint: str, starts_ns: int) -> str:
    """Name an alert and its start, the same wherever it is computed."""
    day = datetime.fromtimestamp(starts_ns // _SECOND_NS, UTC).strftime("%Y%m%d")
    digest = hashlib.sha256(f"{fingerprint} {starts_ns}".encode()).hexdigest()
    return f"{day}-{digest[:8]}"


def alerts_of(rows: Iterable[AlertRow], groups: Iterable[GroupRow]) -> tuple[Alert, ...]:
    """Return the alerts, by their start."""
    over_ns = {one.group_key: one.over_ns for one in groups if one.over_ns is not None}
    ordered = sorted(rows, key=lambda row: (row.fingerprint, row.starts_ns))
    found = [
        _alert(part)
        for _, same in groupby(ordered, key=lambda row: row.fingerprint)
        for part in _times([_ended(row, over_ns) for row in same])
    ]
    return tuple(sorted(found, key=lambda one: (one.starts_ns, one.fingerprint)))


def _ended(row: AlertRow, over_ns: Mapping[str, int]) -> tuple[AlertRow, int | None]:
    """Return a row and its end: its own, else that of its group when it began before that."""
    group_ns = over_ns.get(row.group_key)
    if row.ends_ns is None and group_ns is not None and row.starts_ns <= group_ns:
        return row, group_ns
    return row, row.ends_ns


def _times(
    rows: Sequence[tuple[AlertRow, int | None]],
) -> list[tuple[list[AlertRow], int | None]]:
    """Join starts of one time: those that come before the end of the one before."""
    found: list[tuple[list[AlertRow], int | None]] = []
    for row, ends_ns in rows:
        if found and (found[-1][1] is None or row.starts_ns <= found[-1][1]):
            told, before_ns = found[-1]
            known = [end for end in (before_ns, ends_ns) if end is not None]
            found[-1] = ([*told, row], max(known, default=None))
        else:
            found.append(([row], ends_ns))
    return found


def _alert(part: tuple[list[AlertRow], int | None]) -> Alert:
    rows, ends_ns = part
    first = rows[0]
    return Alert(
        fingerprint=first.fingerprint,
        starts_ns=first.starts_ns,
        ends_ns=ends_ns,
        labels=orjson.loads(first.labels),
        annotations=orjson.loads(first.annotations),
        generator_url=first.generator_url,
        peers=tuple(sorted({peer for row in rows for peer in row.peers})),
        group_key=first.group_key,
        ids=tuple(alert_id(row.fingerprint, row.starts_ns) for row in rows),
    )
