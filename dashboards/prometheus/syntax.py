"""Expressions as the JSON tree of ``parse_query``, and the selectors in them.

Never evaluates. Parentheses are in no tree: the parser has used them up.
https://prometheus.io/docs/prometheus/latest/querying/api/#parsing-a-promql-expressions-into-a-abstract-syntax-tree-ast
"""

from collections.abc import Iterator, Sequence
from typing import Any, assert_never

from collector.promql.expressions import (
    Aggregation,
    At,
    Binary,
    Call,
    Expression,
    Negation,
    Number,
    RangeSelector,
    Selector,
    String,
    Subquery,
    kind,
)
from collector.promql.samples import Matcher
from dashboards.prometheus.numbers import number_text


def syntax_tree(expression: Expression) -> dict[str, Any]:
    """Return an expression as Prometheus tells its syntax tree."""
    match expression:
        case Number(value):
            return {"type": "numberLiteral", "val": number_text(value)}
        case String(value):
            return {"type": "stringLiteral", "val": value}
        case Selector():
            return {"type": "vectorSelector", **_selector(expression)}
        case RangeSelector(selector, range_ms):
            return {"type": "matrixSelector", "range": range_ms, **_selector(selector)}
        case Subquery(inner, range_ms, step_ms, offset_ms, at):
            told = {"expr": syntax_tree(inner), "range": range_ms, "step": step_ms or 0}
            return {"type": "subquery", **told, **_when(offset_ms, at)}
        case Negation(inner):
            return {"type": "unaryExpr", "op": "-", "expr": syntax_tree(inner)}
        case Binary():
            return _binary(expression)
        case Aggregation(operator, inner, parameter, labels, is_without):
            return {
                "type": "aggregation",
                "op": operator,
                "expr": syntax_tree(inner),
                "param": None if parameter is None else syntax_tree(parameter),
                "grouping": list(labels),
                "without": is_without,
            }
        case Call(function, arguments, returns):
            types = [kind(one) for one in arguments]
            known = {"name": function, "argTypes": types, "variadic": 0, "returnType": returns}
            args = [syntax_tree(one) for one in arguments]
            return {"type": "call", "func": known, "args": args}
        case _:
            assert_never(expression)


def selectors_in(expression: Expression) -> list[tuple[Matcher, ...]]:
    """Return the matchers of every selector, in the order of the text."""
    return [selector.matchers for selector in _selectors(expression)]


def _selectors(expression: Expression) -> Iterator[Selector]:
    match expression:
        case Number() | String():
            return
        case Selector():
            yield expression
        case RangeSelector(selector):
            yield selector
        case Subquery(inner) | Negation(inner):
            yield from _selectors(inner)
        case Binary(left=left, right=right):
            yield from _selectors(left)
            yield from _selectors(right)
        case Aggregation(expression=inner, parameter=parameter):
            if parameter is not None:
                yield from _selectors(parameter)
            yield from _selectors(inner)
        case Call(arguments=arguments):
            for argument in arguments:
                yield from _selectors(argument)
        case _:
            assert_never(expression)


def _selector(selector: Selector) -> dict[str, Any]:
    names = [one.value for one in selector.matchers if one.name == "__name__" and one.op == "="]
    return {
        "name": names[0] if names else "",
        "matchers": _matchers(selector.matchers),
        **_when(selector.offset_ms, selector.at),
    }


def _matchers(matchers: Sequence[Matcher]) -> list[dict[str, str]]:
    return [{"name": one.name, "type": one.op, "value": one.value} for one in matchers]


def _when(offset_ms: int, at: At | None) -> dict[str, Any]:
    return {
        "offset": offset_ms,
        "timestamp": at if isinstance(at, int) else None,
        "startOrEnd": at if isinstance(at, str) else None,
    }


def _binary(expression: Binary) -> dict[str, Any]:
    matching = expression.matching
    is_of_vectors = kind(expression.left) == kind(expression.right) == "vector"
    told = {
        "card": matching.cardinality,
        "labels": list(matching.labels),
        "on": matching.is_on,
        "include": list(matching.included),
        "fillValues": {"lhs": None, "rhs": None},
    }
    return {
        "type": "binaryExpr",
        "op": expression.operator,
        "lhs": syntax_tree(expression.left),
        "rhs": syntax_tree(expression.right),
        "matching": told if is_of_vectors else None,
        "bool": expression.is_bool,
    }
