"""Span attributes: how the hot table keeps them, how sealed files do, and the way back.

The only place that knows. Hot, they are one JSON text a span. Sealed, each key of the file is a
column ``@key`` of JSON values, so that a search reads one column and not all; spans with a key that
cannot be a column, or with a null, keep their whole text in ``rest``. Never loses one: what comes
back is what went in, in the same notation.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import orjson
import pyarrow as pa

from collector.otlp.attributes import to_json

HOT_JSON: Final = "attributes::VARCHAR"
"""SQL of a hot span's attributes, as a JSON object with sorted keys."""
REST: Final = "rest"
MAX_KEYS: Final = 200
"""More keys than this in one file are left in ``rest``, the rarest first."""

_PREFIX: Final = "@"
_MAX_KEY_LENGTH: Final = 200

AttributeValue = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Shape:
    """``keys`` become columns; spans with one of ``others`` keep their text whole."""

    keys: tuple[str, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL with its parameters."""

    sql: str
    parameters: list[Any]


def shape_of(
    cursor: duckdb.DuckDBPyConnection, spans_sql: str, parameters: list[Any]
) -> Shape | None:
    """Return how the attributes of these spans are best laid out; None when there are no spans."""
    rows = cursor.execute(
        f"SELECT json_keys({HOT_JSON}) AS keys, count(*) FROM ({spans_sql}) GROUP BY keys",
        parameters,
    ).fetchall()
    if not rows:
        return None
    counts: Counter[str] = Counter()
    for names, spans in rows:
        counts.update(dict.fromkeys(names, spans))
    keys: dict[str, str] = {}
    others = []
    for key in sorted(counts, key=lambda key: (-counts[key], key)):
        if len(keys) < MAX_KEYS and key.lower() not in keys and _is_column(key):
            keys[key.lower()] = key
        else:
            others.append(key)
    return Shape(tuple(sorted(keys.values())), tuple(others))


def shredded_sql(shape: Shape, spans_sql: str) -> str:
    """Return SQL of the spans with columns for their attributes, and ``rest``.

    The keys are part of the text: DuckDB wants the structure as a constant.
    """
    if not shape.keys:
        return f"SELECT * EXCLUDE (attributes), {HOT_JSON} AS {REST} FROM ({spans_sql})"
    structure = orjson.dumps(dict.fromkeys(shape.keys, "JSON")).decode()
    columns = ", ".join(
        f"CAST(struct_extract(shred, {_literal(key)}) AS VARCHAR) AS {column(key)}"
        for key in shape.keys
    )
    whole = "contains(text, ':null')"
    if shape.others:
        others = ", ".join(map(_literal, shape.others))
        whole += f" OR list_has_any(json_keys(text), [{others}])"
    return (
        f"SELECT * EXCLUDE (attributes, text, shred), {columns},"
        f" CASE WHEN {whole} THEN text END AS {REST} FROM (SELECT *, {HOT_JSON} AS text,"
        f" from_json({HOT_JSON}, {_literal(structure)}) AS shred FROM ({spans_sql}))"
    )


def column(key: str) -> str:
    """Return the quoted name of a key's column."""
    return '"' + _PREFIX + key.replace('"', '""') + '"'


def put_together(rows: pa.Table) -> pa.Table:
    """Return sealed rows with ``attributes`` as the text that the hot table had."""
    shredded = [name for name in rows.column_names if name.startswith(_PREFIX)]
    texts = [
        row[REST]
        if row[REST] is not None
        else to_json(
            {
                name.removeprefix(_PREFIX): orjson.loads(row[name])
                for name in shredded
                if row[name] is not None
            }
        )
        for row in rows.select([*shredded, REST]).to_pylist()
    ]
    kept = rows.drop_columns([*shredded, REST])
    return kept.append_column("attributes", pa.array(texts, pa.string()))


def hot_match(attributes: Mapping[str, AttributeValue]) -> Condition:
    """Return the condition that a hot span has all of these attributes."""
    return _all(_text_match(HOT_JSON, key, value) for key, value in attributes.items())


def sealed_match(attributes: Mapping[str, AttributeValue], keys: Iterable[str]) -> Condition:
    """Return the condition that a span of a sealed file with these key columns has them all."""
    known = frozenset(keys)
    return _all(
        _column_match(key, value) if key in known else _text_match(REST, key, value)
        for key, value in attributes.items()
    )


def text_of_key(text: str, key: str) -> Condition:
    """Return SQL of an attribute as text, out of a JSON text that may lack it: then NULL."""
    name = orjson.dumps(key).decode() + ":"
    sql = f"CASE WHEN contains({text}, ?) THEN json_extract_string({text}, ?) END"
    return Condition(sql, [name, "/" + _pointer(key)])


def _is_column(key: str) -> bool:
    return bool(key) and len(key) <= _MAX_KEY_LENGTH and "\0" not in key and key.isascii()


def _column_match(key: str, value: AttributeValue) -> Condition:
    if isinstance(value, float):
        return Condition(f"TRY_CAST({column(key)} AS DOUBLE) = ?", [value])
    forms = _forms(value)
    return Condition(f"{column(key)} IN ({', '.join('?' for _ in forms)})", forms)


def _text_match(text: str, key: str, value: AttributeValue) -> Condition:
    """Find the pair as text, then make sure of it: it could be a nested one, or a longer number."""
    name, pointer = orjson.dumps(key).decode(), "/" + _pointer(key)
    if isinstance(value, float):
        number = f"TRY_CAST(CAST(json_extract({text}, ?) AS VARCHAR) AS DOUBLE) = ?"
        return Condition(f"contains({text}, ?) AND {number}", [f"{name}:", pointer, value])
    forms = _forms(value)
    found = " OR ".join(f"contains({text}, ?)" for _ in forms)
    sure = f"CAST(json_extract({text}, ?) AS VARCHAR) IN ({', '.join('?' for _ in forms)})"
    pairs = [f"{name}:{form}" for form in forms]
    return Condition(f"({found}) AND {sure}", [*pairs, pointer, *forms])


def _forms(value: AttributeValue) -> list[str]:
    """Return a value's JSON texts; text may stand for a number or a truth value as well."""
    forms = [orjson.dumps(value).decode()]
    if isinstance(value, str):
        forms.append(_as_duckdb_writes(value))
        try:
            if isinstance(orjson.loads(value), int | float):
                forms.append(value)
        except orjson.JSONDecodeError:
            pass
    return list(dict.fromkeys(forms))


def _as_duckdb_writes(value: str) -> str:
    r"""Return a JSON text with the digits of control characters in capitals, as in ``\u001F``."""
    pieces = (orjson.dumps(character).decode()[1:-1] for character in value)
    written = (f"\\u{piece[2:].upper()}" if piece.startswith("\\u") else piece for piece in pieces)
    return f'"{"".join(written)}"'


def _pointer(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _all(conditions: Iterable[Condition]) -> Condition:
    found = list(conditions)
    return Condition(
        " AND ".join(one.sql for one in found) or "true",
        [parameter for one in found for parameter in one.parameters],
    )
