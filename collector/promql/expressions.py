"""What a PromQL text means: a tree of values, which the parser makes and the engine evaluates.

Never computes. Parentheses and unary plus are gone; durations are milliseconds.
https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

from dataclasses import dataclass
from typing import Literal, assert_never

from collector.promql.samples import Matcher

At = Literal["start", "end"] | int
"""The @ modifier: the query's first or last step, or a time in unix milliseconds."""

Kind = Literal["scalar", "vector", "matrix", "string"]
Cardinality = Literal["one-to-one", "many-to-one", "one-to-many", "many-to-many"]


@dataclass(frozen=True, slots=True)
class Number:
    """A number, or a duration in seconds."""

    value: float


@dataclass(frozen=True, slots=True)
class String:
    """A quoted text."""

    value: str


@dataclass(frozen=True, slots=True)
class Selector:
    """An instant vector of stored series; the metric's name is one of the matchers."""

    matchers: tuple[Matcher, ...]
    offset_ms: int = 0
    at: At | None = None


@dataclass(frozen=True, slots=True)
class RangeSelector:
    """The samples of a selector's series over the last ``range_ms``."""

    selector: Selector
    range_ms: int


@dataclass(frozen=True, slots=True)
class Subquery:
    """An expression evaluated every ``step_ms`` over ``range_ms``; None is the default step."""

    expression: "Expression"
    range_ms: int
    step_ms: int | None = None
    offset_ms: int = 0
    at: At | None = None


@dataclass(frozen=True, slots=True)
class Negation:
    """Unary minus."""

    expression: "Expression"


@dataclass(frozen=True, slots=True)
class Matching:
    """How elements of two vectors find each other: on or ignoring ``labels``.

    included: labels copied from the "one" side by group_left or group_right.
    """

    cardinality: Cardinality = "one-to-one"
    is_on: bool = False
    labels: tuple[str, ...] = ()
    included: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands; ``operator`` as it is written, e.g. ``and`` or ``>=``."""

    operator: str
    left: "Expression"
    right: "Expression"
    matching: Matching = Matching()
    is_bool: bool = False


@dataclass(frozen=True, slots=True)
class Aggregation:
    """One vector made smaller; ``operator`` as it is written, e.g. ``sum``."""

    operator: str
    expression: "Expression"
    parameter: "Expression | None" = None
    labels: tuple[str, ...] = ()
    is_without: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A function of Prometheus with its arguments, already checked by type and number."""

    function: str
    arguments: tuple["Expression", ...]
    returns: Kind


Expression = (
    Number | String | Selector | RangeSelector | Subquery | Negation | Binary | Aggregation | Call
)


def kind(expression: Expression) -> Kind:
    """Tell what an expression evaluates to."""
    match expression:
        case Number():
            return "scalar"
        case String():
            return "string"
        case Selector() | Aggregation():
            return "vector"
        case RangeSelector() | Subquery():
            return "matrix"
        case Negation(operand):
            return kind(operand)
        case Binary(left=left, right=right):
            return "scalar" if kind(left) == kind(right) == "scalar" else "vector"
        case Call(returns=returns):
            return returns
        case _:
            assert_never(expression)
