"""TraceQL, the part of it that searches are made of: text -> Query.

``{ }`` with attributes, intrinsics, ``&&``, ``||`` and parentheses; span sets joined by ``&&`` and
``||``; pipelines of further filters, ``count()``, ``avg min max sum (field)`` and ``select()``. A
regular expression must match the whole value and is RE2. What is not supported is named with its
position. Language: https://grafana.com/docs/tempo/latest/traceql/
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import re2

from collector.store.span_conditions import (
    KINDS,
    STATUSES,
    All,
    AnyOf,
    Comparison,
    Field,
    Literals,
    Operator,
    Scope,
    SpanCondition,
)
from collector.traces import query as fields
from collector.traces.evaluate import compiled
from collector.traces.query import (
    DURATIONS,
    Aggregate,
    Both,
    Either,
    Function,
    Query,
    SpanSets,
    SpansWhere,
)
from collector.traces.traceql_tokens import BadTraceQl, Token, tokens

__all__ = ["INTRINSICS", "BadTraceQl", "field_named", "parse"]

INTRINSICS: Final = {
    "name": fields.NAME,
    "span:name": fields.NAME,
    "status": fields.STATUS,
    "span:status": fields.STATUS,
    "kind": fields.KIND,
    "span:kind": fields.KIND,
    "duration": fields.DURATION,
    "span:duration": fields.DURATION,
    "traceDuration": fields.TRACE_DURATION,
    "trace:duration": fields.TRACE_DURATION,
    "rootName": fields.ROOT_NAME,
    "trace:rootName": fields.ROOT_NAME,
    "rootServiceName": fields.ROOT_SERVICE,
    "trace:rootService": fields.ROOT_SERVICE,
}
_SUPPORTED: Final = (
    "supported are span sets { } joined by && and ||, resource.x, span.x, .x, "
    + ", ".join(name for name in INTRINSICS if ":" not in name)
    + ", = != =~ !~ > >= < <=, and | count() avg() min() max() sum() select()"
)
_WORDS: Final = {fields.STATUS: STATUSES, fields.KIND: KINDS}
_COMPARISONS: Final = frozenset(["=", "!=", "=~", "!~", ">", ">=", "<", "<="])
_MIRRORED: Final = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "=": "=", "!=": "!="}
_FUNCTIONS: Final = frozenset(["count", "avg", "min", "max", "sum"])
_DEEPEST: Final = 64
_MOST_PARTS: Final = 200
Part = TypeVar("Part")


def parse(text: str) -> Query:
    """Return the query; raises BadTraceQl. Empty text asks for everything, as ``{}`` does."""
    parser = _Parser(text)
    return parser.query() if text.strip() else Query(SpansWhere(All()))


def field_named(name: str) -> Field | None:
    """Return the field of a name such as ``resource.service.name``; None when there is none."""
    if name in INTRINSICS:
        return INTRINSICS[name]
    scope, dot, key = name.partition(".")
    if not dot or not key or scope not in {"", "span", "resource"}:
        return None
    return Field(cast("Scope", scope or "any"), key)


class _Parser:
    """Recursive descent; parentheses nest to ``_DEEPEST``, of other parts are ``_MOST_PARTS``."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._at = 0
        self._depth = 0
        self._parts = 0

    def query(self) -> Query:
        spans = self._span_sets()
        stages: list[SpansWhere | Aggregate] = []
        shown: list[Field] = []
        while self._takes("|"):
            if self._peek().text == "{":
                stages.append(self._braces())
            elif self._takes("select"):
                shown += self._selected()
            else:
                stages.append(self._aggregate())
        self._want("")
        return Query(spans, tuple(stages), tuple(shown))

    def _span_sets(self) -> SpanSets:
        return self._chain(self._span_set, _both_sets, _either_set)

    def _span_set(self) -> SpanSets:
        if self._takes("("):
            return self._nested(self._span_sets)
        return self._braces()

    def _braces(self) -> SpansWhere:
        self._count()
        self._want("{")
        if self._takes("}"):
            return SpansWhere(All())
        condition = self._condition()
        self._want("}")
        return SpansWhere(condition)

    def _condition(self) -> SpanCondition:
        return self._chain(self._term, _all_of, _any_of)

    def _chain(
        self,
        part: Callable[[], Part],
        both: Callable[[Part, Part], Part],
        either: Callable[[Part, Part], Part],
    ) -> Part:
        """Read parts joined by ``||``, of parts joined by ``&&``, which binds closer."""

        def tight() -> Part:
            found = part()
            while self._takes("&&"):
                found = both(found, part())
            return found

        found = tight()
        while self._takes("||"):
            found = either(found, tight())
        return found

    def _term(self) -> SpanCondition:
        self._count()
        if self._takes("("):
            return self._nested(self._condition)
        if self._peek().text in {"true", "false"} and self._peek(1).text not in _COMPARISONS:
            return All() if self._next().text == "true" else AnyOf(())
        left, where = self._operand(), self._peek()
        if where.text not in _COMPARISONS:
            if isinstance(left, Field) and left.scope != "intrinsic":
                return Comparison(left, "=", value=True)
            raise self._unexpected(where, "a comparison")
        operator = self._next().text
        right, at = self._operand(), self._tokens[self._at - 1]
        if isinstance(left, Field) and not isinstance(right, Field):
            return self._comparison(left, operator, right, at)
        if isinstance(right, Field) and not isinstance(left, Field) and operator in _MIRRORED:
            return self._comparison(right, _MIRRORED[operator], left, at)
        raise BadTraceQl("a field is compared with a value", where.at)

    def _comparison(
        self, field: Field, operator: str, value: Token | None, at: Token
    ) -> Comparison:
        literal = _literal(field, operator, value, at)
        return Comparison(field, cast("Operator", operator), literal)

    def _operand(self) -> Field | Token | None:
        token = self._next()
        if token.kind == "field":
            field = field_named(token.text)
            if field is None:
                raise BadTraceQl(f"unknown field {token.text}; {_SUPPORTED}", token.at)
            return field
        if token.kind in {"text", "number", "duration"} or token.text in {"true", "false"}:
            return token
        if token.text == "nil":
            return None
        if token.kind == "word" and token.text in INTRINSICS:
            return INTRINSICS[token.text]
        if token.kind == "word" and token.text in {*STATUSES, *KINDS}:
            return token
        raise self._unexpected(token, "a field or a value")

    def _aggregate(self) -> Aggregate:
        function = self._next()
        if function.text not in _FUNCTIONS:
            raise self._unexpected(function, "count(), avg(), min(), max(), sum() or select()")
        self._want("(")
        field = None if function.text == "count" else self._field()
        self._want(")")
        operator = self._next()
        if operator.text not in _COMPARISONS - {"=~", "!~"}:
            raise self._unexpected(operator, "a comparison with a number")
        value = self._next()
        wanted = "duration" if field in DURATIONS else "number"
        if value.kind != wanted:
            raise BadTraceQl(f"expected a {wanted}, got {value.told}", value.at)
        return Aggregate(
            cast("Function", function.text),
            field,
            cast("Operator", operator.text),
            float(value.value),
        )

    def _selected(self) -> list[Field]:
        self._want("(")
        found = [self._field()]
        while self._takes(","):
            found.append(self._field())
        self._want(")")
        return found

    def _field(self) -> Field:
        at, found = self._peek(), self._operand()
        if not isinstance(found, Field):
            raise BadTraceQl(f"expected a field, got {at.told}", at.at)
        return found

    def _nested(self, read: Callable[[], Part]) -> Part:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise BadTraceQl(f"more than {_DEEPEST} parentheses", self._peek().at)
        found = read()
        self._want(")")
        self._depth -= 1
        return found

    def _count(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise BadTraceQl(f"more than {_MOST_PARTS} span sets and terms", self._peek().at)

    def _peek(self, ahead: int = 0) -> Token:
        return self._tokens[min(self._at + ahead, len(self._tokens) - 1)]

    def _next(self) -> Token:
        token = self._peek()
        self._at += 1
        return token

    def _takes(self, text: str) -> bool:
        is_it = self._peek().text == text and self._peek().kind in {"sign", "word"}
        self._at += is_it
        return is_it

    def _want(self, text: str) -> None:
        token = self._next()
        if token.text != text or token.kind not in {"sign", "word", "end"}:
            raise self._unexpected(token, text or "the end")

    def _unexpected(self, token: Token, wanted: str) -> BadTraceQl:
        return BadTraceQl(f"expected {wanted}, got {token.told}; {_SUPPORTED}", token.at)


def _both_sets(left: SpanSets, right: SpanSets) -> SpanSets:
    return Both(left, right)


def _either_set(left: SpanSets, right: SpanSets) -> SpanSets:
    return Either(left, right)


def _all_of(left: SpanCondition, right: SpanCondition) -> SpanCondition:
    before = left.parts if isinstance(left, All) else (left,)
    return All((*before, right))


def _any_of(left: SpanCondition, right: SpanCondition) -> SpanCondition:
    before = left.parts if isinstance(left, AnyOf) else (left,)
    return AnyOf((*before, right))


def _literal(field: Field, operator: str, value: Token | None, at: Token) -> Literals:
    """Return the value that a field is compared with; raises BadTraceQl when it cannot be."""
    if value is None:
        if operator not in {"=", "!="} or field.scope == "intrinsic":
            raise BadTraceQl("nil compares with attributes, by = and !=", at.at)
        return None
    if operator in {"=~", "!~"}:
        _check_pattern(value)
    words = _WORDS.get(field)
    if words is not None and (value.text not in words or operator not in {"=", "!="}):
        wanted = ", ".join(words)
        raise BadTraceQl(f"{field.name} is compared by = and != with one of {wanted}", at.at)
    if (field in DURATIONS) != (value.kind == "duration"):
        article = "a" if field in DURATIONS else "no"
        told = f"{field.name} is compared with {article} duration such as 100ms"
        raise BadTraceQl(f"{told}, got {value.told}", at.at)
    return cast("Literals", value.value)


def _check_pattern(value: Token) -> None:
    if value.kind != "text":
        raise BadTraceQl(f"expected a regular expression in quotes, got {value.told}", value.at)
    try:
        pattern: Any = value.value
        compiled(pattern)
    except re2.error as error:
        raise BadTraceQl(f"bad regular expression {value.told}", value.at) from error
