"""What a span must be, as a tree of comparisons, and the SQL that asks it of hot and sealed spans.

The SQL never leaves out a span that matches, but may let one through: what it cannot ask, such as
the duration of the whole trace, it takes for true. Who wants to be sure looks at the trace
(``collector.traces.evaluate``). Never runs a query but those for interned names.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, assert_never

import duckdb

from collector.store.shredding import (
    HOT_JSON,
    REST,
    Condition,
    column,
    hot_match,
    sealed_match,
    text_of_key,
)

Scope = Literal["intrinsic", "span", "resource", "any"]
Operator = Literal["=", "!=", "=~", "!~", ">", ">=", "<", "<="]
Literals = str | int | float | bool | None

STATUSES: Final = ("unset", "ok", "error")
"""By OTLP StatusCode."""
KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
"""By OTLP SpanKind."""
SERVICE_KEY: Final = "service.name"

_ALWAYS: Final = Condition("true", [])
_SQL_OPERATORS: Final = {"=": "=", "!=": "<>", ">": ">", ">=": ">=", "<": "<", "<=": "<="}
_NAMES: Final = {"name": "name_id", "route": "route_id"}
_DOMAINS: Final = {"status": STATUSES, "kind": KINDS}
_MOST_IDS: Final = 5_000
"""More names than this are not worth a list: the trace decides."""


@dataclass(frozen=True, slots=True)
class Field:
    """What is compared: an attribute of a scope, or something every span has.

    Intrinsics of a span are name, route, status, kind, duration (ns) and error; any other intrinsic
    is of the trace, and unknown to the SQL.
    """

    scope: Scope
    name: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """``value`` None asks whether the attribute is there. A missing one compares as false."""

    field: Field
    operator: Operator
    value: Literals


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; true when there are none."""

    parts: tuple["SpanCondition", ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some part holds; false when there are none."""

    parts: tuple["SpanCondition", ...]


SpanCondition = Comparison | All | AnyOf
EVERY: Final = All()


def hot_sql(cursor: duckdb.DuckDBPyConnection, wanted: SpanCondition) -> Condition:
    """Return the condition on rows of the hot table."""

    def ask(comparison: Comparison) -> Condition:
        key, value = comparison.field.name, comparison.value
        if comparison.operator == "=" and isinstance(value, str):
            return hot_match({key: value})
        return _compared(text_of_key(HOT_JSON, key), comparison)

    return _sql(cursor, wanted, ask)


def sealed_sql(
    cursor: duckdb.DuckDBPyConnection, wanted: SpanCondition, keys: Sequence[str]
) -> Condition:
    """Return the condition on rows of a sealed file with these key columns."""

    def ask(comparison: Comparison) -> Condition:
        key, value = comparison.field.name, comparison.value
        if comparison.operator == "=" and isinstance(value, str):
            return sealed_match({key: value}, keys)
        if key in keys:
            return _compared(Condition(f"json_extract_string({column(key)}, '$')", []), comparison)
        return _compared(text_of_key(REST, key), comparison)

    return _sql(cursor, wanted, ask)


def _sql(
    cursor: duckdb.DuckDBPyConnection,
    wanted: SpanCondition,
    ask: Callable[[Comparison], Condition],
) -> Condition:
    match wanted:
        case All(parts):
            return _joined((_sql(cursor, part, ask) for part in parts), " AND ", "true")
        case AnyOf(parts):
            return _joined((_sql(cursor, part, ask) for part in parts), " OR ", "false")
        case Comparison():
            return _comparison(cursor, wanted, ask)
        case _:
            assert_never(wanted)


def _comparison(
    cursor: duckdb.DuckDBPyConnection,
    wanted: Comparison,
    ask: Callable[[Comparison], Condition],
) -> Condition:
    match wanted.field.scope:
        case "intrinsic":
            return _intrinsic(cursor, wanted)
        case "span":
            return ask(wanted)
        case "resource":
            return _resource(cursor, wanted)
        case "any":
            return _joined([ask(wanted), _resource(cursor, wanted)], " OR ", "false")
        case _:
            assert_never(wanted.field.scope)


def _intrinsic(cursor: duckdb.DuckDBPyConnection, wanted: Comparison) -> Condition:
    name, operator, value = wanted.field.name, wanted.operator, wanted.value
    if name in _NAMES and isinstance(value, str):
        found = _compared(Condition("value", []), wanted)
        return _one_of(cursor, _NAMES[name], "SELECT string_id FROM strings", found)
    if name in _DOMAINS and isinstance(value, str):
        wished = [word for word in _DOMAINS[name] if (word == value) == (operator == "=")]
        if operator not in {"=", "!="}:
            return _ALWAYS
        numbers = [_DOMAINS[name].index(word) for word in wished]
        return Condition(f"{name} IN ({', '.join(map(str, numbers)) or 'NULL'})", [])
    if name == "duration" and not isinstance(value, str | None) and operator in _SQL_OPERATORS:
        return Condition(f"duration_ns {_SQL_OPERATORS[operator]} ?", [value])
    if name == "error" and operator in {"=", "!="}:
        return Condition(f"is_error {_SQL_OPERATORS[operator]} ?", [value])
    return _ALWAYS


def _resource(cursor: duckdb.DuckDBPyConnection, wanted: Comparison) -> Condition:
    key = wanted.field.name
    text = Condition("service", []) if key == SERVICE_KEY else text_of_key("attributes", key)
    resources = "SELECT resource_id FROM resources"
    return _one_of(cursor, "resource_id", resources, _compared(text, wanted))


def _one_of(
    cursor: duckdb.DuckDBPyConnection, number: str, interned: str, found: Condition
) -> Condition:
    rows = cursor.execute(f"{interned} WHERE {found.sql}", found.parameters).fetchmany(_MOST_IDS)
    return (
        _ALWAYS if len(rows) == _MOST_IDS else Condition(f"{number} IN ?", [[r[0] for r in rows]])
    )


def _compared(text: Condition, wanted: Comparison) -> Condition:
    """Compare an SQL text, NULL when it is missing, with a value as the value's type wants it."""
    operator, value = wanted.operator, wanted.value
    if value is None:
        return Condition(f"{text.sql} IS {'' if operator == '=' else 'NOT '}NULL", text.parameters)
    if operator in {"=~", "!~"}:
        negation = "NOT " if operator == "!~" else ""
        return Condition(f"{negation}regexp_full_match({text.sql}, ?)", [*text.parameters, value])
    compared: Any = value
    sql = text.sql
    if isinstance(value, bool):
        compared = "true" if value else "false"
    elif not isinstance(value, str):
        sql = f"TRY_CAST({text.sql} AS DOUBLE)"
    return Condition(f"{sql} {_SQL_OPERATORS[operator]} ?", [*text.parameters, compared])


def _joined(conditions: Iterable[Condition], word: str, nothing: str) -> Condition:
    found = list(conditions)
    return Condition(
        "(" + word.join(one.sql for one in found) + ")" if found else nothing,
        [parameter for one in found for parameter in one.parameters],
    )
