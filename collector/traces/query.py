"""What may be asked of traces: sets of spans, combined, filtered and counted.

Only types. ``traceql`` reads them from text, ``search`` makes them of a form, ``evaluate`` answers.
"""

from dataclasses import dataclass
from typing import Final, Literal

from collector.store.span_conditions import Field, Operator, SpanCondition

Function = Literal["count", "avg", "min", "max", "sum"]

STATUS: Final = Field("intrinsic", "status")
KIND: Final = Field("intrinsic", "kind")
NAME: Final = Field("intrinsic", "name")
ROUTE: Final = Field("intrinsic", "route")
ERROR: Final = Field("intrinsic", "error")
DURATION: Final = Field("intrinsic", "duration")
SERVICE: Final = Field("resource", "service.name")
TRACE_DURATION: Final = Field("intrinsic", "traceDuration")
ROOT_NAME: Final = Field("intrinsic", "rootName")
ROOT_SERVICE: Final = Field("intrinsic", "rootServiceName")
SOURCE: Final = Field("intrinsic", "source")
"""The service that called, of the call that a span is one end of."""
DESTINATION: Final = Field("intrinsic", "destination")

DURATIONS: Final = frozenset([DURATION, TRACE_DURATION])
"""Fields in nanoseconds."""


@dataclass(frozen=True, slots=True)
class SpansWhere:
    """The spans of a trace that a condition holds for."""

    condition: SpanCondition


@dataclass(frozen=True, slots=True)
class Both:
    """The spans of both sides, if neither is empty."""

    left: "SpanSets"
    right: "SpanSets"


@dataclass(frozen=True, slots=True)
class Either:
    """The spans of both sides."""

    left: "SpanSets"
    right: "SpanSets"


SpanSets = SpansWhere | Both | Either


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A number of the matched spans; the trace stays when it compares as true.

    ``field`` is None for count. Spans without a number are left out; of none, nothing is true.
    """

    function: Function
    field: Field | None
    operator: Operator
    value: float


@dataclass(frozen=True, slots=True)
class Query:
    """Spans, then stages one after the other; ``shown`` are fields to return of each span."""

    spans: SpanSets
    stages: tuple[SpansWhere | Aggregate, ...] = ()
    shown: tuple[Field, ...] = ()
