"""A query's answer in one trace: which of its spans match. Exact, where the SQL lets more through.

An attribute is compared as text with text and as a number with numbers, so that ``"200"``, as
proxies send it, is also 200. What is missing equals nothing and differs from nothing. Never asks
the store.
"""

import operator as op
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, assert_never

import orjson
import re2

from collector import semconv
from collector.otlp.dialects.names import cluster_target, known
from collector.otlp.dialects.spans import PATHS
from collector.otlp.slis import spiffe_service
from collector.store.span_conditions import (
    KINDS,
    SERVICE_KEY,
    STATUSES,
    All,
    AnyOf,
    Comparison,
    Field,
    Operator,
    SpanCondition,
)
from collector.traces.query import Aggregate, Both, Either, Query, SpanSets, SpansWhere
from collector.traces.trace import Trace
from collector.traces.tree import SpanTree, span_tree

_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
_OPERATORS: Final[dict[Operator, Callable[[Any, Any], bool]]] = {
    "=": op.eq,
    "!=": op.ne,
    ">": op.gt,
    ">=": op.ge,
    "<": op.lt,
    "<=": op.le,
}
_CALLERS: Final = (3, 4)
_CALLEES: Final = (2, 5)


def matched(query: Query, trace: Trace) -> list[int]:
    """Return the positions of the spans that match; empty when the trace does not."""
    facts = Facts(trace)
    found = _spans(query.spans, facts)
    for stage in query.stages:
        if isinstance(stage, SpansWhere):
            found = [span for span in found if _holds(stage.condition, facts, span)]
        elif not _passes(stage, facts, found):
            return []
    return found


class Facts:
    """What a trace's fields are; its tree is made once, and only when asked for."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._tree: SpanTree | None = None

    @property
    def tree(self) -> SpanTree:
        """The tree of the trace."""
        if self._tree is None:
            trace = self.trace
            self._tree = span_tree(trace["span_id"], trace["parent_id"], trace["kind"])
        return self._tree

    def values(self, field: Field, span: int) -> list[Any]:
        """Return the plain values of a field, None for a missing one; ``any`` has two."""
        if field.scope == "intrinsic":
            return [_INTRINSICS[field.name](self, span)]
        found = []
        if field.scope in {"span", "any"}:
            found.append(self.trace.attributes(span).get(field.name))
        if field.scope in {"resource", "any"}:
            resource = self.trace.resources[self.trace.resource[span]]
            is_service = field.name == SERVICE_KEY
            found.append(resource.service if is_service else resource.attributes.get(field.name))
        return found

    def service(self, span: int) -> str:
        """Return the service of a span."""
        return self.trace.resources[self.trace.resource[span]].service

    def root(self) -> int | None:
        """Return the first span without a parent id; None while it has not come."""
        parents = self.trace["parent_id"]
        return next((span for span, parent in enumerate(parents) if parent is None), None)

    def is_caller(self, span: int) -> bool:
        """Tell whether a span is the calling end: a client's, or of a proxy on the way out."""
        direction = self._told("direction", span)
        if direction:
            return direction == semconv.OUTBOUND
        return self.trace["kind"][span] in _CALLERS

    def source(self, span: int) -> str | None:
        """Return who called, by either end's span; None for spans that are no end of a call."""
        if self.is_caller(span):
            return self.service(span)
        if self.trace["kind"][span] not in _CALLEES:
            return None
        above = self.tree.parent[span]
        if above >= 0:
            return self.service(above)
        told = self._told("spiffe_source", span)
        if known({"id": told}, "id"):
            return spiffe_service(told)
        is_root = self.trace["parent_id"][span] is None
        return semconv.EXTERNAL if is_root else semconv.UNKNOWN

    def destination(self, span: int) -> str | None:
        """Return who was called, by either end's span."""
        if not self.is_caller(span):
            return self.service(span) if self.trace["kind"][span] in _CALLEES else None
        own = self.service(span)
        others = [self.service(child) for child in self.tree.children[span]]
        arrived = next((service for service in others if service != own), None)
        if arrived is not None:
            return arrived
        told = self._told("spiffe_destination", span)
        if known({"id": told}, "id"):
            return spiffe_service(told)
        target = cluster_target(self._told("cluster", span))
        return target[0] if target else self._told("peer_service", span) or None

    def _told(self, name: str, span: int) -> str:
        attributes = self.trace.attributes(span)
        return next((str(attributes[key]) for key in PATHS[name] if key in attributes), "")


def _root_of(column: Callable[[Facts, int], Any]) -> Callable[[Facts, int], Any]:
    def ask(facts: Facts, _span: int) -> Any:
        root = facts.root()
        return None if root is None else column(facts, root)

    return ask


_INTRINSICS: Final[dict[str, Callable[[Facts, int], Any]]] = {
    "name": lambda facts, span: facts.trace["name"][span],
    "route": lambda facts, span: facts.trace["route"][span],
    "status": lambda facts, span: STATUSES[facts.trace["status"][span]],
    "kind": lambda facts, span: KINDS[facts.trace["kind"][span]],
    "duration": lambda facts, span: facts.trace["duration_ns"][span],
    "error": lambda facts, span: facts.trace["is_error"][span],
    "traceDuration": lambda facts, _span: facts.trace.duration_ns,
    "rootName": _root_of(lambda facts, span: facts.trace["name"][span]),
    "rootServiceName": _root_of(lambda facts, span: facts.service(span)),
    "source": lambda facts, span: facts.source(span),
    "destination": lambda facts, span: facts.destination(span),
}


def _spans(sets: SpanSets, facts: Facts) -> list[int]:
    match sets:
        case SpansWhere(condition):
            return [span for span in range(len(facts.trace)) if _holds(condition, facts, span)]
        case Both(left, right):
            first = _spans(left, facts)
            second = _spans(right, facts) if first else []
            return sorted({*first, *second}) if second else []
        case Either(left, right):
            return sorted({*_spans(left, facts), *_spans(right, facts)})
        case _:
            assert_never(sets)


def _holds(condition: SpanCondition, facts: Facts, span: int) -> bool:
    match condition:
        case All(parts):
            return all(_holds(part, facts, span) for part in parts)
        case AnyOf(parts):
            return any(_holds(part, facts, span) for part in parts)
        case Comparison(field, "=", None):
            return all(value is None for value in facts.values(field, span))
        case Comparison(field):
            return any(_compares(condition, value) for value in facts.values(field, span))
        case _:
            assert_never(condition)


def _compares(wanted: Comparison, found: Any) -> bool:
    operator, value = wanted.operator, wanted.value
    if found is None or value is None:
        return value is None and found is not None  # of nil only != comes here
    if operator in {"=~", "!~"}:
        is_match = compiled(str(value)).fullmatch(_text(found)) is not None
        return is_match == (operator == "=~")
    if isinstance(value, bool):
        return _OPERATORS[operator](_text(found), "true" if value else "false")
    if isinstance(value, str):
        return _OPERATORS[operator](_text(found), value)
    number = _number(found)
    return number is not None and _OPERATORS[operator](number, value)


def _passes(stage: Aggregate, facts: Facts, found: Sequence[int]) -> bool:
    if stage.field is None:
        return bool(found) and _OPERATORS[stage.operator](len(found), stage.value)
    values = [_number(value) for span in found for value in facts.values(stage.field, span)]
    numbers = [number for number in values if number is not None]
    if not numbers:
        return False
    result = {"avg": sum(numbers) / len(numbers), "min": min(numbers), "max": max(numbers)}
    return _OPERATORS[stage.operator](result.get(stage.function, sum(numbers)), stage.value)


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Any:
    """Return an RE2 pattern; raises re2.error when it is none."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    is_number = isinstance(value, str) and _NUMBER.fullmatch(value)
    return float(value) if is_number else None
