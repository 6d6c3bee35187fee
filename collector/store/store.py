"""One DuckDB file, or memory: opened, its schema checked, cursors handed out.

Never reads or writes a row of telemetry; that is for ``reader`` and ``writer``. A process that has
a file open owns it: DuckDB lets nobody else in.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import duckdb

from collector.store.errors import SchemaTooNew, StoreUnavailable

SCHEMA_VERSION: Final = 1
_SCHEMA_SQL: Final = Path(__file__).with_name("schema.sql")


@dataclass(frozen=True, slots=True)
class Store:
    """An open database. ``path`` is None for one in memory."""

    path: Path | None
    clock_ns: Callable[[], int]
    connection: duckdb.DuckDBPyConnection

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a connection of its own to the same data: one per thread, never shared."""
        return self.connection.cursor()

    @contextmanager
    def snapshot(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a cursor that sees one moment: several questions, one consistent answer."""
        with closing(self.cursor()) as cursor:
            cursor.begin()
            try:
                yield cursor
            finally:
                cursor.rollback()

    def close(self) -> None:
        """Write the checkpoint and let the file go. Cursors are dead afterwards."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_store(path: Path | None = None, *, clock_ns: Callable[[], int] = time.time_ns) -> Store:
    """Open or create a store; raise SchemaTooNew or StoreUnavailable."""
    try:
        connection = duckdb.connect(":memory:" if path is None else str(path))
    except (duckdb.IOException, duckdb.CatalogException, duckdb.SerializationException) as error:
        raise StoreUnavailable(path, str(error)) from error
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return Store(path, clock_ns, connection)


def _prepare(connection: duckdb.DuckDBPyConnection, path: Path | None) -> None:
    connection.execute("SET TimeZone = 'UTC'")
    if not _has_meta(connection):
        connection.begin()
        connection.execute(_SCHEMA_SQL.read_text(encoding="utf-8"))
        connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)])
        connection.commit()
        return
    found = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    if found is None:
        raise StoreUnavailable(path, "it is a DuckDB file, but not one of meshscope")
    if int(found[0]) > SCHEMA_VERSION:
        raise SchemaTooNew(path, int(found[0]), SCHEMA_VERSION)


def _has_meta(connection: duckdb.DuckDBPyConnection) -> bool:
    tables = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'meta'")
    row = tables.fetchone()
    return row is not None and row[0] > 0
