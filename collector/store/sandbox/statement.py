"""A text -> one checked statement, with the columns that it reads. Runs in the worker only.

The check is an allowlist over the engine's own syntax tree: kinds of nodes, tables, functions.
What it does not know it refuses. Never runs the statement; binding it comes later, against views
that are all there is.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from collector.store.sandbox.errors import SqlError, error_at

MAX_BYTES: Final = 65_536
"""Longer statements are not read."""
TABLE_FUNCTIONS: Final = frozenset(("generate_series", "json_each", "json_tree", "range", "unnest"))

_FUNCTIONS_FILE: Final = Path(__file__).with_name("functions.txt")
_EXPLAIN: Final = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*explain\s+(?:analyze\s+)?", re.IGNORECASE | re.DOTALL
)
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_NODES: Final = frozenset(("SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"))
_TABLES: Final = frozenset(
    (
        *("BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY"),
        *("SHOW_REF", "PIVOT"),
    )
)
_CLAUSES: Final = frozenset(
    (
        *("ORDER_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER"),
        *("ASCENDING", "DESCENDING", "ORDER_DEFAULT"),
        *("DECIMAL_TYPE_INFO", "LIST_TYPE_INFO", "STRUCT_TYPE_INFO", "ARRAY_TYPE_INFO"),
        *("STRING_TYPE_INFO", "UNBOUND_TYPE_INFO", "GENERIC_TYPE_INFO"),
    )
)
_EXPRESSIONS: Final = frozenset(
    (
        *("BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION"),
        *("CONSTANT", "FUNCTION", "LAMBDA", "LAMBDA_REF", "OPERATOR", "POSITIONAL_REFERENCE"),
        *("STAR", "SUBQUERY", "TYPE", "WINDOW"),
    )
)
_TAKES_EVERY_COLUMN: Final = frozenset(("STAR", "POSITIONAL_REFERENCE"))

Views = Mapping[str, Mapping[str, str]]
"""Name of a view -> its columns and their types, in order."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a statement reads of a view; ``rows`` bounds how many, None is all."""

    view: str
    columns: tuple[str, ...]
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A text that may be run."""

    text: str
    needs: tuple[Need, ...]


def check(parser: duckdb.DuckDBPyConnection, text: str, views: Views) -> Statement:
    """Return the statement of a text; raise SqlError with the place where it is refused.

    ``parser`` is any connection: it lends its grammar.
    """
    inner = _only_select(parser, text)
    (answer,) = parser.execute(
        "SELECT json_serialize_sql(?::VARCHAR, skip_null := true, skip_empty := true)", [inner]
    ).fetchall()[0]
    tree = json.loads(answer)
    if tree["error"]:
        raise error_at("refused", _refused_kind(tree), text, None)
    statements = tree["statements"]
    found = list(_every(statements))
    _check_tables(found, text, views)
    for node in found:
        _check_node(node, text)
    return Statement(text, tuple(_needs(statements[0]["node"], found, views)))


def allowed_functions() -> frozenset[str]:
    """Return the names in functions.txt, in lower case."""
    lines = _FUNCTIONS_FILE.read_text(encoding="utf-8").splitlines()
    words = (word for line in lines if not line.startswith("#") for word in line.split())
    return frozenset(word.lower() for word in words)


_FUNCTIONS: Final = allowed_functions()


def _only_select(parser: duckdb.DuckDBPyConnection, text: str) -> str:
    """Return the SELECT of the text, which may be one that is to be explained."""
    if len(text.encode()) > MAX_BYTES:
        raise SqlError("refused", f"a statement has {MAX_BYTES} bytes at most")
    if "\0" in text:
        raise SqlError("refused", "a statement has no zero bytes")
    (found,) = _one(parser.extract_statements(text), "statements")
    if found.type == duckdb.StatementType.EXPLAIN:
        explain = _EXPLAIN.match(text)
        if explain is None:
            raise SqlError("refused", "write EXPLAIN or EXPLAIN ANALYZE, without options")
        text = " " * len(explain[0].encode()) + text[explain.end() :]
        (found,) = _one(parser.extract_statements(text), "statements")
    if found.type != duckdb.StatementType.SELECT:
        raise SqlError(
            "refused",
            f"{found.type.name} is not allowed: only SELECT, WITH, FROM, VALUES, DESCRIBE,"
            " SUMMARIZE, SHOW TABLES and EXPLAIN are, since the store is read-only here",
        )
    return text


def _one(found: Sequence[Any], noun: str) -> Sequence[Any]:
    if len(found) != 1:
        hint = "" if found else ": it is empty"
        many = "; PIVOT must name its values: ON column IN (...)" if len(found) > 1 else ""
        raise SqlError(
            "refused", f"one statement is asked for, got {len(found)} {noun}{hint}{many}"
        )
    return found


def _refused_kind(tree: Mapping[str, Any]) -> str:
    told = str(tree.get("error_message", ""))
    return "only SELECT statements are allowed" if "Only SELECT" in told else told


def _every(tree: object) -> Iterator[dict[str, Any]]:
    """Give every node below; the insides of constants and positions are no nodes."""
    if isinstance(tree, list):
        for item in tree:
            yield from _every(item)
    elif isinstance(tree, dict):
        yield tree
        for key, value in tree.items():
            if not (key == "value" and tree.get("class") == "CONSTANT"):
                yield from _every(value)


def _check_tables(found: Sequence[dict[str, Any]], text: str, views: Views) -> None:
    """Refuse tables that are neither views nor names of WITH, which are new and plain."""
    named = {entry["key"] for node in found for entry in node.get("cte_map", {}).get("map", ())}
    named |= {str(node["cte_name"]) for node in found if "cte_name" in node}
    known = {view.lower() for view in views}
    for name in named:
        if not _PLAIN_NAME.fullmatch(name) or name.lower() in known or _is_internal(name):
            raise SqlError("refused", f"WITH cannot name a table {name!r} here: take another name")
    allowed = known | {name.lower() for name in named}
    for node in found:
        if node.get("type") == "BASE_TABLE":
            _check_table(node, text, allowed, views)


def _check_table(node: Mapping[str, Any], text: str, allowed: set[str], views: Views) -> None:
    parts = (node.get("catalog_name"), node.get("schema_name"), node["table_name"])
    name = ".".join(part for part in parts if part)
    if name.lower() not in allowed:
        told = f"there is no view {name!r} here; there are {', '.join(sorted(views))}"
        raise error_at("refused", told, text, node.get("query_location"))


def _is_internal(name: str) -> bool:
    """Tell whether the engine has views of its own of such a name."""
    return name.lower().startswith(("duckdb_", "pg_", "pragma_", "sqlite_", "information_schema"))


def _check_node(node: Mapping[str, Any], text: str) -> None:
    """Refuse kinds of nodes that are not known, and functions."""
    where = node.get("query_location")
    if "class" in node:
        if node["class"] not in _EXPRESSIONS:
            raise error_at("refused", f"{node['class']} is not allowed", text, where)
    elif isinstance(node.get("type"), str) and node["type"] not in _NODES | _TABLES | _CLAUSES:
        raise error_at("refused", f"{node['type']} is not allowed", text, where)
    if node.get("type") == "TABLE_FUNCTION":
        _check_function(node["function"], TABLE_FUNCTIONS, text, where)
    elif "function_name" in node:
        _check_function(node, _FUNCTIONS | TABLE_FUNCTIONS, text, where)


def _check_function(
    node: Mapping[str, Any], allowed: frozenset[str], text: str, where: int | None
) -> None:
    name = str(node["function_name"])
    if name.lower() not in allowed:
        raise error_at("refused", f"the function {name} is not allowed", text, where)


def _needs(
    root: Mapping[str, Any], found: Sequence[dict[str, Any]], views: Views
) -> Iterator[Need]:
    """Give what is read of each view: a column whose name occurs anywhere counts as read."""
    tables = [node for node in found if node.get("type") == "BASE_TABLE"]
    words = {word.lower() for node in found for word in _words(node)}
    names = {str(node.get(key, "")).lower() for node in tables for key in ("table_name", "alias")}
    takes_all = any(_takes_all(node, names) for node in found)
    rows = _rows(root)
    for view, columns in views.items():
        if not any(node["table_name"].lower() == view.lower() for node in tables):
            continue
        read = tuple(name for name in columns if takes_all or name.lower() in words)
        yield Need(view, read or (next(iter(columns)),), rows)


def _words(node: Mapping[str, Any]) -> Iterator[str]:
    for value in node.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (item for item in value if isinstance(item, str))


def _takes_all(node: Mapping[str, Any], tables: set[str]) -> bool:
    """Tell whether a node may read columns without naming them."""
    if node.get("class") in _TAKES_EVERY_COLUMN or node.get("type") in {"PIVOT", "SHOW_REF"}:
        return True
    if node.get("ref_type") == "NATURAL" or node.get("column_name_alias"):
        return True
    return node.get("class") == "COLUMN_REF" and node["column_names"][-1].lower() in tables


def _rows(root: Mapping[str, Any]) -> int | None:
    """Return how many rows of the one view are enough: those of a LIMIT over nothing else."""
    plain = {"type", "modifiers", "select_list", "from_table", "aggregate_handling"}
    if root["type"] != "SELECT_NODE" or set(root) - plain:
        return None
    if root["from_table"]["type"] != "BASE_TABLE" or "sample" in root["from_table"]:
        return None
    if any(item["class"] not in {"STAR", "COLUMN_REF"} for item in root["select_list"]):
        return None
    modifiers = root.get("modifiers", [])
    if len(modifiers) != 1 or modifiers[0]["type"] != "LIMIT_MODIFIER":
        return None
    amounts = [modifiers[0][key] for key in ("limit", "offset") if key in modifiers[0]]
    counts = [one.get("value", {}).get("value") for one in amounts]
    return sum(counts) if counts and all(isinstance(one, int) for one in counts) else None
