"""What was new in the mesh around an incident: versions of services, and configuration pushes.

Versions are those under which proxies export; a push is what the proxies count as a successful or
refused update of their clusters, listeners and routes. Reads the store, never decides what caused
anything.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import duckdb

from collector.store import metrics, reader
from collector.store.increases import increase

Kind = Literal["version", "version_gone", "push", "push_refused"]

LOOK_BACK_S: Final = 86_400
"""A version that was not heard for so long before is new."""
MOST_VERSIONS_S: Final = 86_400
MOST_PUSHES_S: Final = 3 * 3600
"""So much time is looked at: proxies count every few seconds, and a page shall not wait."""
SETTLED_S: Final = 120
"""In the first minutes of a store everything is heard for the first time: nothing is new."""
_STEP_S: Final = 10
_MINUTE_S: Final = 60
_SPREAD_S: Final = 30
_LONGEST_S: Final = 300
_NS: Final = 10**9
_NAMED: Final = 6
_RESOURCES: Final = {
    "cluster_manager.cds": "clusters",
    "listener_manager.lds": "listeners",
    "http.rds": "routes",
}
_OUTCOMES: Final[Mapping[str, Kind]] = {
    "update_success": "push",
    "update_rejected": "push_refused",
}
_PUSHES: Final = {
    f"{prefix}.{counter}": (kind, what)
    for prefix, what in _RESOURCES.items()
    for counter, kind in _OUTCOMES.items()
}
"""Envoy's counters of configuration updates: whether it took them, and of what."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that changed, when, and for whom."""

    at_s: int
    kind: Kind
    text: str
    services: tuple[str, ...]


def read_changes(cursor: duckdb.DuckDBPyConnection, from_s: int, to_s: int) -> tuple[Change, ...]:
    """Return the changes within [from_s, to_s), by time; of a long span those of its beginning."""
    found = [
        *_versions(cursor, from_s, min(to_s, from_s + MOST_VERSIONS_S)),
        *_pushes(cursor, from_s, min(to_s, from_s + MOST_PUSHES_S)),
    ]
    return tuple(sorted(found, key=lambda one: (one.at_s, one.kind, one.text)))


def _versions(cursor: duckdb.DuckDBPyConnection, from_s: int, to_s: int) -> list[Change]:
    heard = reader.versions_heard(cursor, from_s - LOOK_BACK_S, to_s).to_pylist()
    begin_s = min((row["first_s"] for row in heard), default=to_s)
    newest_s = max((row["last_s"] for row in heard), default=0)
    by_service: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in heard:
        by_service[row["service"]].append(row)
    found = []
    for service, rows in by_service.items():
        if len(rows) == 1 and rows[0]["first_s"] < from_s:
            continue
        for row in rows:
            told = f"version {row['version']} of {service}" if row["version"] else service
            first_s, last_s = row["first_s"], row["last_s"]
            if from_s <= first_s and first_s - begin_s > SETTLED_S:
                found.append(Change(first_s, "version", f"{told} was first heard", (service,)))
            if from_s <= last_s < newest_s - _MINUTE_S and len(rows) > 1:
                found.append(Change(last_s, "version_gone", f"{told} was last heard", (service,)))
    return found


def _pushes(cursor: duckdb.DuckDBPyConnection, from_s: int, to_s: int) -> list[Change]:
    known = metrics.series(cursor, names=tuple(_PUSHES)).to_pylist()
    series = {row["series_id"]: row for row in known if row["type"] == "sum"}
    if not series:
        return []
    grown = increase(
        cursor, list(series), from_s * _NS, to_s * _NS, step_ns=_STEP_S * _NS
    ).to_pylist()
    steps: defaultdict[Kind, list[Mapping[str, Any]]] = defaultdict(list)
    for row in sorted(grown, key=lambda row: row["bucket_ns"]):
        if row["increase_double"] > 0:
            of = series[row["series_id"]]
            kind, what = _PUSHES[of["name"]]
            steps[kind].append(of | {"what": what, "at_s": row["bucket_ns"] // _NS})
    return [_push(kind, rows) for kind, found in steps.items() for rows in _together(found)]


def _together(rows: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Part updates into pushes: proxies take one within seconds, and export a little later."""
    found: list[list[Mapping[str, Any]]] = []
    for row in rows:
        known = found and row["at_s"] - found[-1][-1]["at_s"] <= _SPREAD_S
        if known and row["at_s"] - found[-1][0]["at_s"] <= _LONGEST_S:
            found[-1].append(row)
        else:
            found.append([row])
    return found


def _push(kind: Kind, rows: Sequence[Mapping[str, Any]]) -> Change:
    """Tell of all proxies that took, or refused, one push."""
    services = tuple(sorted({row["service"] for row in rows}))
    what = ", ".join(dict.fromkeys(sorted(row["what"] for row in rows)))
    proxies = len({row["resource_id"] for row in rows})
    whose = ", ".join(services[:_NAMED]) + (", ..." if len(services) > _NAMED else "")
    did = "took" if kind == "push" else "refused"
    told = f"{proxies} {'proxy' if proxies == 1 else 'proxies'} {did} new {what} ({whose})"
    return Change(min(row["at_s"] for row in rows), kind, told, services)
