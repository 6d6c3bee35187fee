"""The view of spans: those in the table and those in sealed files, with names instead of numbers.

``attributes`` is one JSON object a span. In a sealed file each key is a column: they are put
together again by the engine, and only when the column is read.
"""

from typing import Final

import duckdb
import orjson

from collector.store.sealed_files import SealedFile, files_between, folder_of
from collector.store.shredding import HOT_JSON, REST, Condition, column
from collector.store.span_conditions import KINDS, STATUSES
from collector.store.store import Store

SPAN_COLUMNS: Final = {
    "time": "TIMESTAMPTZ",
    "start_ns": "BIGINT",
    "duration_ns": "BIGINT",
    "trace_id": "VARCHAR",
    "span_id": "VARCHAR",
    "parent_id": "VARCHAR",
    "service": "VARCHAR",
    "namespace": "VARCHAR",
    "version": "VARCHAR",
    "instance": "VARCHAR",
    "name": "VARCHAR",
    "kind": "VARCHAR",
    "status": "VARCHAR",
    "http_status": "USMALLINT",
    "is_error": "BOOLEAN",
    "route": "VARCHAR",
    "flags": "VARCHAR",
    "adjusted_count": "DOUBLE",
    "attributes": "VARCHAR",
    "events": "VARCHAR",
    "links": "VARCHAR",
}
"""``time`` is the start, to the microsecond; ``start_ns`` has all of it."""

_STORED: Final = (
    "trace_hi, trace_lo, span_id, parent_id, resource_id, name_id, kind, start_ns, duration_ns,"
    " status, http_status, is_error, route_id, flags_id, adjusted_count"
)
_AS_TEXT: Final = "events::VARCHAR AS events, links::VARCHAR AS links"


def span_rows(
    cursor: duckdb.DuckDBPyConnection, store: Store, from_ns: int, to_ns: int
) -> Condition:
    """Return SQL of the spans that started in [from_ns, to_ns).

    The cursor must be in the transaction that runs the SQL: sealing moves spans to files.
    """
    files = [] if store.path is None else files_between(cursor, from_ns, to_ns)
    when = "start_ns >= ? AND start_ns < ?"
    parts = [f"SELECT {_STORED}, {HOT_JSON} AS attributes, {_AS_TEXT} FROM spans WHERE {when}"]
    parameters: list[int | str] = [from_ns, to_ns]
    for file in files:
        parts.append(
            f"SELECT {_STORED}, {_attributes(file)} AS attributes, {_AS_TEXT}"
            f" FROM read_parquet(?) WHERE {when}"
        )
        parameters += [str(folder_of(store) / file.path), from_ns, to_ns]
    return Condition(_named(" UNION ALL ".join(parts)), parameters)


def _attributes(file: SealedFile) -> str:
    """Return SQL that puts the attributes of a sealed span together; nulls are no keys."""
    if not file.attribute_keys:
        return f"{REST}"
    pairs = ", ".join(f"{_literal(key)}, {column(key)}::JSON" for key in file.attribute_keys)
    whole = f"json_merge_patch('{{}}'::JSON, json_object({pairs}))::VARCHAR"
    return f"coalesce({REST}, {whole})"


def _named(stored: str) -> str:
    return (
        "SELECT make_timestamptz(start_ns // 1000) AS time, start_ns, duration_ns,"
        " lower(lpad(to_hex(trace_hi), 16, '0') || lpad(to_hex(trace_lo), 16, '0')) AS trace_id,"
        " lower(lpad(to_hex(span_id), 16, '0')) AS span_id,"
        " lower(lpad(to_hex(parent_id), 16, '0')) AS parent_id,"
        " service, namespace, version, instance, names.value AS name,"
        f" {_words('kind', KINDS)}, {_words('status', STATUSES)}, http_status, is_error,"
        " routes.value AS route, flags.value AS flags, adjusted_count,"
        " found.attributes AS attributes, events, links"
        f" FROM ({stored}) AS found LEFT JOIN resources USING (resource_id)"
        " LEFT JOIN strings AS names ON names.string_id = name_id"
        " LEFT JOIN strings AS routes ON routes.string_id = route_id"
        " LEFT JOIN strings AS flags ON flags.string_id = flags_id"
    )


def _words(name: str, words: tuple[str, ...]) -> str:
    return f"{orjson.dumps(words).decode().replace(chr(34), chr(39))}[{name} + 1] AS {name}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
