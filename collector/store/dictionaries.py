"""Interned ids: a value gets a small integer once, and keeps it for the life of the file.

New ids live in an open layer until their rows are committed; a rollback forgets them, so that an id
is never used without its row. Never writes: ``rows`` tells what is to be inserted.
"""

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import duckdb

from collector.edges import Edge
from collector.otlp.batch import Resource, Scope, Series
from collector.otlp.cardinality import DEFAULT_LIMITS
from collector.otlp.histograms import Bounds

Key = TypeVar("Key", bound=Hashable)


@dataclass(slots=True)
class Dictionary(Generic[Key]):
    """Ids of one kind of value, in two layers: committed, and of the open transaction."""

    _ids: dict[Key, int] = field(default_factory=dict)
    _new: dict[Key, int] = field(default_factory=dict)

    def load(self, rows: Iterable[tuple[Key, int]]) -> None:
        """Take the ids the file already has."""
        self._ids = dict(rows)

    def id_of(self, key: Key) -> int:
        """Return the id of a value, a new one if need be."""
        found = self._ids.get(key)
        if found is None:
            found = self._new.setdefault(key, len(self._ids) + len(self._new))
        return found

    def find(self, key: Key) -> int | None:
        """Return the id of a value that has one."""
        return self._ids.get(key, self._new.get(key))

    def is_new(self, number: int) -> bool:
        """Tell whether an id was given in the open transaction."""
        return number >= len(self._ids)

    def new(self) -> dict[Key, int]:
        """Return the values of the open transaction."""
        return self._new

    def items(self) -> Iterable[tuple[Key, int]]:
        """Return all committed values and their ids."""
        return self._ids.items()

    def commit(self) -> None:
        """Keep the new ids: their rows are committed."""
        self._ids |= self._new
        self._new.clear()

    def rollback(self) -> None:
        """Forget the new ids; they will be given to others."""
        self._new.clear()


@dataclass(slots=True)
class EdgeDictionary(Dictionary[Edge]):
    """Ids of edges, of so many for each service that reports; the rest share overflow rows.

    Their counts still add up: by code always, by peer until even these are too many.
    """

    limit: int = DEFAULT_LIMITS.edges_per_service
    overflowed: Counter[str] = field(default_factory=Counter)
    """Counts of the open transaction that went to an overflow row, by who reported them."""
    _sizes: Counter[str] = field(default_factory=Counter)

    def load(self, rows: Iterable[tuple[Edge, int]]) -> None:
        """Take the ids the file already has."""
        self._ids = dict(rows)
        self._sizes = Counter(edge.exporter for edge in self._ids)

    def id_of(self, key: Edge) -> int:
        """Return the id of an edge, or of its overflow row when it is one too many."""
        found = self._ids.get(key, self._new.get(key))
        if found is not None:
            return found
        size = self._sizes[key.exporter]
        if size >= self.limit:
            self.overflowed[key.exporter] += 1
            key = key.without_detail() if size < 2 * self.limit else key.without_peer()
        number = len(self._ids) + len(self._new)
        found = self._ids.get(key, self._new.setdefault(key, number))
        if found == number:
            self._sizes[key.exporter] += 1
        return found

    def rollback(self) -> None:
        """Forget the new ids; they will be given to others."""
        self._sizes.subtract(edge.exporter for edge in self._new)
        self._new.clear()


@dataclass(slots=True)
class Dictionaries:
    """All interned values of a store. The resource of a Series is its id here, not a position."""

    resources: Dictionary[Resource] = field(default_factory=Dictionary)
    strings: Dictionary[str] = field(default_factory=Dictionary)
    series: Dictionary[Series] = field(default_factory=Dictionary)
    edges: EdgeDictionary = field(default_factory=EdgeDictionary)
    bounds: Dictionary[Bounds] = field(default_factory=Dictionary)
    scopes: Dictionary[Scope] = field(default_factory=Dictionary)
    first_ns: dict[int, int] = field(default_factory=dict)
    """Times of the first points of series that are new in the open transaction."""

    def note_first(self, series_id: int, time_ns: int) -> None:
        """Note a point of a new series."""
        self.first_ns[series_id] = min(self.first_ns.get(series_id, time_ns), time_ns)

    def commit(self) -> None:
        """Keep the new ids of all."""
        for dictionary in self._all():
            dictionary.commit()
        self.first_ns.clear()

    def rollback(self) -> None:
        """Forget the new ids of all."""
        for dictionary in self._all():
            dictionary.rollback()
        self.first_ns.clear()

    def _all(self) -> tuple[Dictionary[Any], ...]:
        return (self.resources, self.strings, self.series, self.edges, self.bounds, self.scopes)

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Return the new rows by table."""
        return {
            "resources": [
                {
                    "resource_id": number,
                    "service": key.service,
                    "namespace": key.namespace,
                    "version": key.version,
                    "instance": key.instance,
                    "attributes": key.attributes,
                }
                for key, number in self.resources.new().items()
            ],
            "strings": [
                {"string_id": number, "value": key} for key, number in self.strings.new().items()
            ],
            "metric_series": [
                {
                    "series_id": number,
                    "resource_id": key.resource,
                    "scope": key.scope,
                    "name": key.name,
                    "unit": key.unit,
                    "type": key.type,
                    "temporality": key.temporality,
                    "is_monotonic": key.is_monotonic,
                    "attributes": key.attributes,
                    "first_ns": self.first_ns.get(number, 0),
                }
                for key, number in self.series.new().items()
            ],
            "bounds": [
                {"bounds_id": number, "bounds": list(key)}
                for key, number in self.bounds.new().items()
            ],
            "scopes": [
                {
                    "scope_id": number,
                    "name": key.name,
                    "version": key.version,
                    "attributes": key.attributes,
                }
                for key, number in self.scopes.new().items()
            ],
            "edges": [
                {
                    "edge_id": number,
                    "reporter": key.reporter,
                    "source": key.source,
                    "destination": key.destination,
                    "version": key.version,
                    "route": key.route,
                    "code": key.code,
                    "flags": key.flags,
                    "mtls": key.mtls,
                    "canonical": key.canonical,
                    "signal": key.signal,
                    "workload": key.workload,
                }
                for key, number in self.edges.new().items()
            ],
        }


def load_dictionaries(cursor: duckdb.DuckDBPyConnection) -> Dictionaries:
    """Read all interned values of a file."""
    loaded = Dictionaries()
    loaded.resources.load(
        (Resource(*row), number)
        for number, *row in cursor.execute(
            "SELECT resource_id, service, namespace, version, instance, attributes FROM resources"
        ).fetchall()
    )
    loaded.strings.load(cursor.execute("SELECT value, string_id FROM strings").fetchall())
    loaded.series.load(
        (Series(*row), number)
        for number, *row in cursor.execute(
            "SELECT series_id, resource_id, scope, name, unit, type, temporality, is_monotonic,"
            " attributes FROM metric_series"
        ).fetchall()
    )
    loaded.bounds.load(
        (tuple(bounds), number)
        for number, bounds in cursor.execute("SELECT bounds_id, bounds FROM bounds").fetchall()
    )
    loaded.scopes.load(
        (Scope(*row), number)
        for number, *row in cursor.execute(
            "SELECT scope_id, name, version, attributes FROM scopes"
        ).fetchall()
    )
    loaded.edges.load(
        (_edge(replace(Edge(*row), workload=workload), canonical=canonical), number)
        for number, canonical, workload, *row in cursor.execute(
            "SELECT edge_id, canonical, workload, reporter, source, destination, version, route,"
            " code, flags, mtls, signal FROM edges"
        ).fetchall()
    )
    return loaded


def _edge(stored: Edge, *, canonical: bool) -> Edge:
    """Tell the twin that does not count from the row that does."""
    return stored if stored.canonical == canonical else stored.as_evidence()
