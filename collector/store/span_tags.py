"""Which attributes spans have, and which values: what the fields of a search complete to.

For suggestions, so that it looks at the newest: some thousand hot spans, the manifest's key
columns, some files. A key or value that is missing here is still found by a search. Never writes.
"""

from collections.abc import Iterable
from typing import Any, Final

import duckdb
import orjson

from collector.store.sealed_files import SealedFile, files_between, folder_of
from collector.store.shredding import HOT_JSON, REST, Condition, column, text_of_key
from collector.store.store import Store

_HOT_ROWS: Final = 20_000
_FILES: Final = 24
_BETWEEN: Final = "start_ns >= coalesce(?, start_ns) AND start_ns < coalesce(?, start_ns + 1)"
_HOT: Final = f"SELECT {HOT_JSON} AS text FROM spans WHERE rowid > ? AND {_BETWEEN}"


def span_keys(store: Store, from_ns: int | None = None, to_ns: int | None = None) -> list[str]:
    """Return the keys of span attributes, sorted; of spans that started in [from_ns, to_ns)."""
    with store.snapshot() as cursor:
        sql = f"SELECT DISTINCT unnest(json_keys(text)) FROM ({_HOT})"
        asked = _newest(cursor, from_ns, to_ns)
        found = {row[0] for row in cursor.execute(sql, asked).fetchall()}
        files = files_between(cursor, from_ns, to_ns) if store.path else []
        found.update(key for file in files for key in file.attribute_keys)
        for file in [file for file in files if file.has_rest][:_FILES]:
            sql = f"SELECT DISTINCT unnest(json_keys({REST})) FROM read_parquet(?)"
            found.update(row[0] for row in cursor.execute(sql, [_path(store, file)]).fetchall())
    return sorted(found)


def span_values(
    store: Store, key: str, from_ns: int | None = None, to_ns: int | None = None, *, limit: int
) -> list[Any]:
    """Return plain values of a span attribute, sorted as text."""
    with store.snapshot() as cursor:
        text = text_of_key("text", key)
        asked = _newest(cursor, from_ns, to_ns)
        found = _distinct(cursor, _json(text), f"({_HOT})", asked, limit)
        files = files_between(cursor, from_ns, to_ns) if store.path else []
        for file in files[:_FILES]:
            if len(found) >= limit or not file.may_hold([key]):
                continue
            told = (
                Condition(column(key), [])
                if key in file.attribute_keys
                else _json(text_of_key(REST, key))
            )
            found |= _distinct(cursor, told, "read_parquet(?)", [_path(store, file)], limit)
    return _sorted(map(orjson.loads, found))[:limit]


def resource_keys(store: Store) -> list[str]:
    """Return the keys of resource attributes, sorted."""
    with store.snapshot() as cursor:
        sql = "SELECT DISTINCT unnest(json_keys(attributes)) AS key FROM resources ORDER BY key"
        return [row[0] for row in cursor.execute(sql).fetchall()]


def resource_values(store: Store, key: str, *, limit: int) -> list[Any]:
    """Return plain values of a resource attribute, sorted as text."""
    with store.snapshot() as cursor:
        told = _json(text_of_key("attributes", key))
        found = _distinct(cursor, told, "resources", [], limit)
    return _sorted(map(orjson.loads, found))


def _newest(
    cursor: duckdb.DuckDBPyConnection, from_ns: int | None, to_ns: int | None
) -> list[int | None]:
    """Return the parameters of ``_HOT``: the row before the newest, and the range."""
    sql = f"SELECT max(rowid) FROM spans WHERE {_BETWEEN}"
    row = cursor.execute(sql, [from_ns, to_ns]).fetchone()
    last = -1 if row is None or row[0] is None else row[0]
    return [last - _HOT_ROWS, from_ns, to_ns]


def _distinct(
    cursor: duckdb.DuckDBPyConnection, told: Condition, rows: str, parameters: list[Any], limit: int
) -> set[str]:
    sql = f"SELECT DISTINCT {told.sql} AS told FROM {rows}"
    sql = f"SELECT told::VARCHAR FROM ({sql}) WHERE told IS NOT NULL LIMIT {limit}"
    return {row[0] for row in cursor.execute(sql, [*told.parameters, *parameters]).fetchall()}


def _json(text: Condition) -> Condition:
    """Keep the JSON of a value, where ``text_of_key`` gives its text."""
    return Condition(text.sql.replace("json_extract_string", "json_extract"), text.parameters)


def _sorted(values: Iterable[Any]) -> list[Any]:
    return sorted(values, key=lambda value: value if isinstance(value, str) else repr(value))


def _path(store: Store, file: SealedFile) -> str:
    return str(folder_of(store) / file.path)
