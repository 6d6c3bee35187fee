"""Interned ids: a value gets a small integer once, and keeps it for the life of the file.

New ids live in an open layer until their rows are committed; a rollback forgets them, so that an id
is never used without its row. Never writes: ``rows`` tells what is to be inserted.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import duckdb

from collector.edges import Edge
from collector.otlp.batch import Resource, Series

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
class Dictionaries:
    """All interned values of a store. The resource of a Series is its id here, not a position."""

    resources: Dictionary[Resource] = field(default_factory=Dictionary)
    strings: Dictionary[str] = field(default_factory=Dictionary)
    series: Dictionary[Series] = field(default_factory=Dictionary)
    edges: Dictionary[Edge] = field(default_factory=Dictionary)

    def commit(self) -> None:
        """Keep the new ids of all."""
        for dictionary in (self.resources, self.strings, self.series, self.edges):
            dictionary.commit()

    def rollback(self) -> None:
        """Forget the new ids of all."""
        for dictionary in (self.resources, self.strings, self.series, self.edges):
            dictionary.rollback()

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
                }
                for key, number in self.series.new().items()
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
    loaded.edges.load(
        (Edge(*row), number)
        for number, *row in cursor.execute(
            "SELECT edge_id, reporter, source, destination, version, route, code, flags, mtls"
            " FROM edges"
        ).fetchall()
    )
    return loaded
