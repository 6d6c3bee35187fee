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
from typing import Any, Final, Self

import duckdb

from collector.store.errors import SchemaTooNew, SchemaTooOld, StoreUnavailable
from collector.store.limits import EngineLimits, engine_limits

SCHEMA_VERSION: Final = 4
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


def open_store(
    path: Path | None = None,
    *,
    clock_ns: Callable[[], int] = time.time_ns,
    limits: EngineLimits | None = None,
) -> Store:
    """Open or create a store; raise SchemaTooNew, SchemaTooOld or StoreUnavailable."""
    connection = connect(path, limits=limits)
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return Store(path, clock_ns, connection)


def connect(
    path: Path | None, *, must_exist: bool = False, limits: EngineLimits | None = None
) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file, or memory, whatever is in it; raise StoreUnavailable."""
    if must_exist and path is not None and not path.exists():
        raise StoreUnavailable(path, "there is no such file")
    try:
        config: Any = (limits or engine_limits()).config(path)
        connection = duckdb.connect(":memory:" if path is None else str(path), config=config)
    except (duckdb.IOException, duckdb.CatalogException, duckdb.SerializationException) as error:
        raise StoreUnavailable(path, str(error)) from error
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def schema_version(connection: duckdb.DuckDBPyConnection, path: Path | None) -> int:
    """Return the version in the file; raise SchemaTooNew, or StoreUnavailable if it has none."""
    try:
        query = "SELECT value::INTEGER FROM meta WHERE key = 'schema_version'"
        row = connection.execute(query).fetchone()
    except (duckdb.CatalogException, duckdb.BinderException, duckdb.ConversionException):
        row = None
    if row is None:
        raise StoreUnavailable(path, "it is a DuckDB file, but not one of meshscope")
    found = int(row[0])
    if found > SCHEMA_VERSION:
        raise SchemaTooNew(path, found, SCHEMA_VERSION)
    return found


def _prepare(connection: duckdb.DuckDBPyConnection, path: Path | None) -> None:
    if _is_empty(connection):
        connection.begin()
        connection.execute(_SCHEMA_SQL.read_text(encoding="utf-8"))
        connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)])
        connection.commit()
        return
    found = schema_version(connection, path)
    if found < SCHEMA_VERSION:
        raise SchemaTooOld(path, found, SCHEMA_VERSION)


def _is_empty(connection: duckdb.DuckDBPyConnection) -> bool:
    row = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE NOT internal").fetchone()
    return row is not None and row[0] == 0
