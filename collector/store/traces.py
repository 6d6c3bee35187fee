"""Traces and spans across the hot table and the sealed files, with their names instead of ids.

Never writes. Hot rows and manifest are read at one moment, so that a span is found exactly once
while its hour is being sealed. A search goes from the newest file backwards, and stops when it has
enough.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import duckdb
import pyarrow as pa

from collector.store.sealed_files import SealedFile, files_between, files_of_traces, folder_of
from collector.store.shredding import (
    HOT_JSON,
    AttributeValue,
    Condition,
    hot_match,
    put_together,
    sealed_match,
)
from collector.store.span_conditions import EVERY, SpanCondition, hot_sql, sealed_sql
from collector.store.store import Store

_HOUR_NS: Final = 3600 * 10**9
_MINUTE_NS: Final = 60 * 10**9
_HOT: Final = (
    f"SELECT * REPLACE ({HOT_JSON} AS attributes), NULL::VARCHAR AS keep_reason,"
    " NULL::DOUBLE AS keep_ratio FROM spans"
)
_NARROW: Final = (
    "trace_hi, trace_lo, span_id, parent_id, resource_id, name_id, kind, start_ns, duration_ns,"
    " status, http_status, is_error, route_id, flags_id, adjusted_count, keep_reason, keep_ratio"
)
_NAMED: Final = """
    SELECT found.* EXCLUDE (resource_id, name_id, route_id, flags_id),
           service, namespace, version, instance, resources.attributes AS resource_attributes,
           names.value AS name, routes.value AS route, flags.value AS flags
    FROM found LEFT JOIN resources USING (resource_id)
    LEFT JOIN strings AS names ON names.string_id = found.name_id
    LEFT JOIN strings AS routes ON routes.string_id = found.route_id
    LEFT JOIN strings AS flags ON flags.string_id = found.flags_id
"""
_TRACE: Final = "trace_hi, trace_lo, span_id, start_ns"
_ID: Final = ("trace_hi", "trace_lo")
_PLACE: Final = ("file_id", "file_row_number")
_ONE_A_TRACE: Final = (
    "QUALIFY row_number() OVER"
    " (PARTITION BY trace_hi, trace_lo ORDER BY start_ns DESC, span_id) = 1"
)
_FILES_AT_ONCE: Final = 4
_FEW: Final = 32
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class SpanFilter:
    """What a span must be: all that is given. Times are those of its start, [from_ns, to_ns)."""

    from_ns: int | None = None
    to_ns: int | None = None
    service: str | None = None
    name: str | None = None
    route: str | None = None
    min_duration_ns: int | None = None
    max_duration_ns: int | None = None
    http_status: int | None = None
    is_error: bool | None = None
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    also: SpanCondition = EVERY


def trace(store: Store, trace_hi: int, trace_lo: int, *, hint_ns: int | None = None) -> pa.Table:
    """Return the spans of a trace by start; empty when it is unknown.

    ``hint_ns``, a time within the trace, spares the look at files more than an hour away from it.
    keep_reason and keep_ratio are NULL until the trace's hour is sealed.
    """
    where = Condition("trace_hi = ?::UBIGINT AND trace_lo = ?::UBIGINT", [trace_hi, trace_lo])
    ids, order = [(trace_hi, trace_lo)], "ORDER BY start_ns, span_id"
    return _whole(store, (where, where), ids, hint_ns, order)


def traces(store: Store, ids: Sequence[tuple[int, int]]) -> pa.Table:
    """Return the spans of several traces, as ``trace`` does, by trace and start."""
    if not ids:
        return trace(store, 0, 0)  # an id that no trace has
    hot = "rowid IN (SELECT spans.rowid FROM spans SEMI JOIN wanted USING (trace_hi, trace_lo))"
    known = "(trace_hi, trace_lo) IN (SELECT (trace_hi, trace_lo) FROM wanted)"
    if len(ids) <= _FEW:  # the numbers themselves let whole groups of rows be left out
        known += f" AND trace_hi IN ({', '.join(f'{trace_hi}::UBIGINT' for trace_hi, _ in ids)})"
    order = "ORDER BY trace_hi, trace_lo, start_ns, span_id"
    return _whole(store, (Condition(hot, []), Condition(known, [])), ids, None, order)


def _whole(
    store: Store,
    where: tuple[Condition, Condition],
    ids: Sequence[tuple[int, int]],
    hint_ns: int | None,
    order: str,
) -> pa.Table:
    """Return whole spans, by conditions on hot and on sealed rows; ``wanted`` has the ids."""
    hot, sealed = where
    wanted = {
        name: pa.array(half, pa.uint64())
        for name, half in zip(_ID, zip(*ids, strict=True), strict=True)
    }

    def ask(cursor: duckdb.DuckDBPyConnection) -> pa.Table:
        cursor.register("wanted", pa.table(wanted))
        keys = [trace_hi ^ trace_lo for trace_hi, trace_lo in ids]
        files = files_of_traces(cursor, keys) if store.path is not None else []
        if hint_ns is not None:
            files = [file for file in files if _is_near(file, hint_ns)]
        tables = [_rows(cursor, _HOT, hot)]
        tables += [_sealed_rows(cursor, store, file, sealed) for file in files]
        return _named(cursor, tables, order)

    return _at_one_moment(store, ask)


def find_spans(
    store: Store, wanted: SpanFilter, *, limit: int = 100, whole: bool = False
) -> pa.Table:
    """Return the newest spans that match, newest first, at most ``limit``.

    Attributes, events and links come only with ``whole``: to put them together costs more than to
    find the spans, and a list of spans seldom shows them.
    """
    if limit < 1:
        raise ValueError(f"limit must be positive, got {limit}")

    def ask(cursor: duckdb.DuckDBPyConnection) -> pa.Table:
        search = _Search(cursor, store, wanted, limit, columns="*" if whole else _NARROW)
        search.look_everywhere()
        return _named(cursor, search.tables, search.newest)

    return _at_one_moment(store, ask)


def find_traces(store: Store, wanted: SpanFilter, *, limit: int = 20) -> list[tuple[int, int]]:
    """Return (trace_hi, trace_lo) of the traces with a span that may match, newest first.

    The newest such span of a trace decides its place. Of ``also`` see ``span_conditions``: it may
    let a trace through.
    """
    if limit < 1:
        raise ValueError(f"limit must be positive, got {limit}")

    def ask(cursor: duckdb.DuckDBPyConnection) -> list[tuple[int, int]]:
        search = _Search(cursor, store, wanted, limit, columns=_TRACE, per_trace=True)
        search.look_everywhere()
        cursor.register("found", pa.concat_tables(search.tables))
        try:
            sql = f"SELECT trace_hi, trace_lo FROM found {search.newest}"
            return cursor.execute(sql).fetchall()
        finally:
            cursor.unregister("found")

    return _at_one_moment(store, ask)


class _Search:
    """One search at one moment: what was found so far, and the next places to look at."""

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        store: Store,
        wanted: SpanFilter,
        limit: int,
        *,
        columns: str,
        per_trace: bool = False,
    ) -> None:
        self._cursor, self._store, self._wanted, self._limit = cursor, store, wanted, limit
        self._columns, self._per_trace = columns, per_trace
        self._common = _condition(cursor, wanted)
        first = _ONE_A_TRACE if per_trace else ""
        self.newest = f"{first} ORDER BY start_ns DESC, span_id LIMIT {limit}"
        nothing = f"SELECT {columns} FROM ({_HOT} WHERE false)"
        self.tables: list[pa.Table] = [cursor.execute(nothing).to_arrow_table()]

    def look_everywhere(self) -> None:
        """Look at the hot spans, then into the files."""
        self._look_at_hot()
        wanted = self._wanted
        files = (
            files_between(self._cursor, wanted.from_ns, wanted.to_ns) if self._store.path else []
        )
        for some in _some_at_once(files):
            self._look_into(some)

    def _look_at_hot(self) -> None:
        """Look at the newest minute, then at longer and longer times before it."""
        where = _both(self._common, hot_match(self._wanted.attributes))
        where = _both(where, hot_sql(self._cursor, self._wanted.also))
        for from_ns, to_ns in _backwards(self._hot_range()):
            if self._oldest_ns() is not None:
                return
            slice_ = Condition("start_ns >= ? AND start_ns < ?", [from_ns, to_ns])
            first = _both(slice_, where)
            rows = _rows(self._cursor, f"SELECT rowid, {_TRACE} FROM spans", first, self.newest)
            found = rows.drop_columns("rowid")
            self.tables.append(found if self._per_trace else self._hot_rows(rows["rowid"]))

    def _look_into(self, files: list[SealedFile]) -> None:
        """Look into those of the files that may have a span among the newest."""
        oldest_ns = self._oldest_ns()
        near = [
            file
            for file in files
            if (oldest_ns is None or file.to_ns >= oldest_ns)
            and file.may_hold(self._wanted.attributes)
        ]
        if near:
            found = self._newest_of(near)
            if self._per_trace:
                self.tables.append(found.select(_TRACE.split(", ")))
            else:
                self.tables += self._sealed_rows(near, found)

    def _sealed_rows(self, files: list[SealedFile], found: pa.Table) -> Iterator[pa.Table]:
        rows: dict[int, list[int]] = {}
        for file_id, row in zip(*(found[name].to_pylist() for name in _PLACE), strict=True):
            rows.setdefault(file_id, []).append(row)
        for file in files:
            if at := rows.get(file.file_id):
                where = Condition("file_row_number IN ?", [at])
                yield _sealed_rows(self._cursor, self._store, file, where, self._columns)

    def _newest_of(self, files: list[SealedFile]) -> pa.Table:
        """Return the places of the newest matches, having read only the columns asked for."""
        parts, parameters = [], []
        for file in files:
            sealed = sealed_match(self._wanted.attributes, file.attribute_keys)
            where = _both(self._common, sealed)
            also = sealed_sql(self._cursor, self._wanted.also, file.attribute_keys)
            where = _both(where, also)
            parts.append(
                f"SELECT {file.file_id} AS file_id, file_row_number, {_TRACE}"
                f" FROM read_parquet(?, file_row_number = true) WHERE {where.sql}"
            )
            parameters += [str(folder_of(self._store) / file.path), *where.parameters]
        sql = f"FROM ({' UNION ALL '.join(parts)}) {self.newest}"
        return self._cursor.execute(sql, parameters).to_arrow_table()

    def _hot_rows(self, at: pa.ChunkedArray) -> pa.Table:
        sql = f"SELECT {self._columns} FROM ({_HOT} WHERE rowid IN ?)"
        return self._cursor.execute(sql, [at.to_pylist()]).to_arrow_table()

    def _hot_range(self) -> tuple[int, int] | None:
        """Return the first start of the hot spans within the time asked for, and the last."""
        at = [self._wanted.from_ns, self._wanted.to_ns]
        row = self._cursor.execute(
            "SELECT min(start_ns), max(start_ns) FROM spans WHERE start_ns >= coalesce(?, start_ns)"
            " AND start_ns < coalesce(?, start_ns + 1)",
            at,
        ).fetchone()
        return None if row is None or row[0] is None else (row[0], row[1])

    def _oldest_ns(self) -> int | None:
        """Return the start of the last span among the newest; None while there is room."""
        starts = [one for table in self.tables for one in table["start_ns"].to_pylist()]
        if self._per_trace:
            ids = [
                one
                for table in self.tables
                for one in zip(*(table[name].to_pylist() for name in _ID), strict=True)
            ]
            order = sorted(zip(starts, ids, strict=True))  # of a trace the newest comes last
            starts = list({trace_id: start for start, trace_id in order}.values())
        return sorted(starts)[-self._limit] if len(starts) >= self._limit else None


def _backwards(range_ns: tuple[int, int] | None) -> Iterator[tuple[int, int]]:
    """Split [first, last] into times [from, to), the newest and shortest first."""
    if range_ns is None:
        return
    first_ns, end_ns, length_ns = range_ns[0], range_ns[1] + 1, _MINUTE_NS
    while end_ns > first_ns:
        from_ns = max(first_ns, end_ns - length_ns)
        yield from_ns, end_ns
        end_ns, length_ns = from_ns, length_ns * 8


def _at_one_moment(store: Store, ask: Callable[[duckdb.DuckDBPyConnection], Answer]) -> Answer:
    """Ask in one snapshot; once more if a file of it was removed by retention meanwhile."""
    try:
        with store.snapshot() as cursor:
            return ask(cursor)
    except duckdb.IOException:
        with store.snapshot() as cursor:
            return ask(cursor)


def _is_near(file: SealedFile, hint_ns: int) -> bool:
    return file.from_ns - _HOUR_NS <= hint_ns <= file.to_ns + _HOUR_NS


def _rows(
    cursor: duckdb.DuckDBPyConnection, spans: str, where: Condition, order: str = ""
) -> pa.Table:
    return cursor.execute(f"{spans} WHERE {where.sql} {order}", where.parameters).to_arrow_table()


def _sealed_rows(
    cursor: duckdb.DuckDBPyConnection,
    store: Store,
    file: SealedFile,
    where: Condition,
    columns: str = "*",
) -> pa.Table:
    path = str(folder_of(store) / file.path)
    rows = cursor.execute(
        f"SELECT {columns} FROM read_parquet(?, file_row_number = true) WHERE {where.sql}",
        [path, *where.parameters],
    ).to_arrow_table()
    return put_together(rows.drop_columns("file_row_number")) if columns == "*" else rows


def _named(cursor: duckdb.DuckDBPyConnection, tables: list[pa.Table], order: str) -> pa.Table:
    cursor.register("found", pa.concat_tables(tables, promote_options="default"))
    try:
        return cursor.execute(f"{_NAMED} {order}").to_arrow_table()
    finally:
        cursor.unregister("found")


def _condition(cursor: duckdb.DuckDBPyConnection, wanted: SpanFilter) -> Condition:
    """Return what hot and sealed spans are asked alike: names become ids first."""
    asked: list[tuple[str, Any]] = [
        ("start_ns >= ?", wanted.from_ns),
        ("start_ns < ?", wanted.to_ns),
        ("duration_ns >= ?", wanted.min_duration_ns),
        ("duration_ns <= ?", wanted.max_duration_ns),
        ("http_status = ?", wanted.http_status),
        ("is_error = ?", wanted.is_error),
        ("resource_id IN ?", _ids(cursor, "resource_id", "resources", "service", wanted.service)),
        ("name_id IN ?", _ids(cursor, "string_id", "strings", "value", wanted.name)),
        ("route_id IN ?", _ids(cursor, "string_id", "strings", "value", wanted.route)),
    ]
    given = [(sql, value) for sql, value in asked if value is not None]
    return Condition(" AND ".join(sql for sql, _ in given) or "true", [value for _, value in given])


def _ids(
    cursor: duckdb.DuckDBPyConnection, number: str, table: str, column: str, value: str | None
) -> list[int] | None:
    if value is None:
        return None
    sql = f"SELECT {number} FROM {table} WHERE {column} = ?"
    return [row[0] for row in cursor.execute(sql, [value]).fetchall()]


def _some_at_once(files: list[SealedFile]) -> Iterator[list[SealedFile]]:
    """Give a few files, then more: the newest often are enough, a rare span is in none of them."""
    size, at = _FILES_AT_ONCE, 0
    while at < len(files):
        yield files[at : at + size]
        at, size = at + size, size * 2


def _both(one: Condition, other: Condition) -> Condition:
    return Condition(f"{one.sql} AND {other.sql}", [*one.parameters, *other.parameters])
