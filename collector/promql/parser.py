"""From PromQL text to expressions: the only module that knows the library ``promql-parser``.

Never evaluates. The library checks the grammar, types, and numbers of arguments, but tells no
positions; ``faults`` looks for them in the text.
https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

import math
import re
from datetime import timedelta
from typing import Any, Final, cast

import promql_parser as library

from collector.promql.errors import BadQuery
from collector.promql.escapes import decoded
from collector.promql.expressions import (
    Aggregation,
    At,
    Binary,
    Call,
    Cardinality,
    Expression,
    Kind,
    Matching,
    Negation,
    Number,
    RangeSelector,
    Selector,
    String,
    Subquery,
)
from collector.promql.faults import check_size, located
from collector.promql.samples import Matcher, MatchOp

_OPS: Final[dict[str, MatchOp]] = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
_CARDINALITIES: Final[dict[str, Cardinality]] = {
    "OneToOne": "one-to-one",
    "ManyToOne": "many-to-one",
    "OneToMany": "one-to-many",
    "ManyToMany": "many-to-many",
}
_SET_OPERATORS: Final = ("and", "or", "unless")
_TIME: Final = re.compile(r"tv_sec: (-?\d+),\s*tv_nsec: (\d+)")
_LATEST_MS: Final = 2**61
_MILLISECOND: Final = timedelta(milliseconds=1)


def parse(text: str) -> Expression:
    """Read a query; BadQuery says what is wrong and, where it can be told, at line:column."""
    check_size(text)
    try:
        return _expression(library.parse(decoded(text)))
    except BadQuery:
        raise
    except RecursionError as error:
        raise BadQuery("the expression is nested too deeply") from error
    except ValueError as error:
        raise located(text, str(error)) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise BadQuery(f"parse error: {error}") from error


def _expression(node: Any) -> Expression:
    return cast("Expression", _READERS[type(node)](node))


def _selector(node: Any) -> Selector:
    matchers = [
        Matcher(matcher.name, _OPS[str(matcher.op).rpartition(".")[2]], matcher.value)
        for matcher in node.matchers.matchers
    ]
    if node.matchers.or_matchers:
        raise BadQuery("parse error: unexpected 'or' in label matching")
    if node.name:
        matchers.insert(0, Matcher("__name__", "=", node.name))
    return Selector(tuple(matchers), _milliseconds(node.offset or timedelta()), _at(node))


def _range_selector(node: Any) -> RangeSelector:
    return RangeSelector(_selector(node.vector_selector), _milliseconds(node.range))


def _subquery(node: Any) -> Subquery:
    return Subquery(
        _expression(node.expr),
        _milliseconds(node.range),
        None if node.step is None else _milliseconds(node.step),
        _milliseconds(node.offset or timedelta()),
        _at(node),
    )


def _milliseconds(duration: timedelta) -> int:
    return duration // _MILLISECOND


def _at(node: Any) -> At | None:
    """Read the time from the tree's texts: the library cannot give one before 1970."""
    shown = str(node)
    own = shown[max(shown.rfind("]"), shown.rfind("}")) + 1 :]
    if " @ " not in own:
        return None
    if "start()" in own:
        return "start"
    if "end()" in own:
        return "end"
    seconds, nanoseconds = _TIME.findall(repr(node))[-1]
    at_ms = int(seconds) * 1000 + round(int(nanoseconds) / 1e6)
    if abs(at_ms) > _LATEST_MS:
        raise BadQuery(f"parse error: timestamp out of bounds for @ modifier: {seconds}")
    return at_ms


def _binary(node: Any) -> Binary:
    operator, modifier = str(node.op), node.modifier
    cardinality: Cardinality = "many-to-many" if operator in _SET_OPERATORS else "one-to-one"
    left, right = _expression(node.lhs), _expression(node.rhs)
    if modifier is None:
        return Binary(operator, left, right, Matching(cardinality))
    matching = modifier.matching
    fill = modifier.fill_values
    if fill is not None and (fill.lhs is not None or fill.rhs is not None):
        raise BadQuery("parse error: fill modifiers are experimental and not enabled")
    found = Matching(
        _CARDINALITIES[str(modifier.card).rpartition(".")[2]],
        matching is not None and str(matching.type).endswith("Include"),
        () if matching is None else tuple(matching.labels),
        tuple(modifier.group_labels or ()),
    )
    return Binary(operator, left, right, found, modifier.return_bool)


def _aggregation(node: Any) -> Aggregation:
    modifier = node.modifier
    return Aggregation(
        str(node.op),
        _expression(node.expr),
        None if node.param is None else _expression(node.param),
        () if modifier is None else tuple(modifier.labels),
        modifier is not None and str(modifier.type).endswith("Without"),
    )


def _call(node: Any) -> Call:
    returns = cast("Kind", str(node.func.return_type).rpartition(".")[2].lower())
    return Call(node.func.name, tuple(map(_expression, node.args)), returns)


def _negation(node: Any) -> Expression:
    operand = _expression(node.expr)
    return Number(-operand.value) if isinstance(operand, Number) else Negation(operand)


_READERS: Final[dict[type, Any]] = {
    library.NumberLiteral: lambda node: Number(math.nan if math.isnan(node.val) else node.val),
    library.StringLiteral: lambda node: String(node.val),
    library.VectorSelector: _selector,
    library.MatrixSelector: _range_selector,
    library.SubqueryExpr: _subquery,
    library.ParenExpr: lambda node: _expression(node.expr),
    library.UnaryExpr: _negation,
    library.BinaryExpr: _binary,
    library.AggregateExpr: _aggregation,
    library.Call: _call,
}
