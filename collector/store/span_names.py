"""Which services have spans, under which names and kinds: what search forms offer.

Hot spans are asked each time. A sealed file never changes, so that what was read of it is kept
until retention takes the file. Never writes.
"""

import threading
from dataclasses import dataclass, field
from typing import Final

import duckdb

from collector.store.sealed_files import files_between, folder_of
from collector.store.store import Store

_TRIPLES: Final = "SELECT DISTINCT resource_id, name_id, kind FROM"
Triple = tuple[int, int, int]


@dataclass(frozen=True, slots=True, order=True)
class Operation:
    """A name that spans of a service have; ``kind`` is OTLP's number."""

    service: str
    name: str
    kind: int


@dataclass(slots=True)
class SpanNames:
    """The names of one store, for any thread."""

    store: Store
    _sealed: dict[int, frozenset[Triple]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def operations(self, service: str | None = None) -> list[Operation]:
        """Return the operations of one service, or of all, sorted."""
        with self.store.snapshot() as cursor:
            triples = set(cursor.execute(f"{_TRIPLES} spans").fetchall())
            if self.store.path is not None:
                triples |= self._of_files(cursor)
            services = _known(cursor, "SELECT resource_id, service FROM resources")
            names = _known(cursor, "SELECT string_id, value FROM strings")
        found = {
            Operation(services.get(resource_id, ""), names.get(name_id, ""), kind)
            for resource_id, name_id, kind in triples
        }
        return sorted(one for one in found if service in {None, one.service})

    def services(self) -> list[str]:
        """Return the services that have spans, sorted."""
        return sorted({operation.service for operation in self.operations()})

    def _of_files(self, cursor: duckdb.DuckDBPyConnection) -> set[Triple]:
        files = {file.file_id: file.path for file in files_between(cursor)}
        with self._lock:
            known = {number: names for number, names in self._sealed.items() if number in files}
            for number in files.keys() - known.keys():
                path = str(folder_of(self.store) / files[number])
                rows = cursor.execute(f"{_TRIPLES} read_parquet(?)", [path]).fetchall()
                known[number] = frozenset(rows)
            self._sealed = known
        return set().union(*known.values())


def _known(cursor: duckdb.DuckDBPyConnection, sql: str) -> dict[int, str]:
    return dict(cursor.execute(sql).fetchall())
