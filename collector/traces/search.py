"""Finding traces: the newest that a query matches, whole, wherever their spans lie.

The store names candidates by what it can ask in SQL; each is then looked at as a whole trace. A
query that the SQL can ask completely is answered at the first go; one about the whole trace, such
as its duration, looks at more and more of the newest until it has enough, or ``MOST_TRACES``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, assert_never

from collector import semconv
from collector.store.span_conditions import (
    All,
    AnyOf,
    Comparison,
    Field,
    Literals,
    SpanCondition,
)
from collector.store.store import Store
from collector.store.traces import SpanFilter, find_traces, traces
from collector.traces import query as fields
from collector.traces.evaluate import matched
from collector.traces.query import Both, Either, Query, SpanSets, SpansWhere
from collector.traces.trace import Trace, split

MOST_TRACES: Final = 10_000
"""So many candidates are looked at for one search; older ones are not."""
MOST_SPANS: Final = 200_000
"""An answer that holds so many spans takes in no more traces."""
_FIRST_TRACES: Final = 8
_SPANS_AT_ONCE: Final = 20_000
_GROWTH: Final = 4


@dataclass(frozen=True, slots=True)
class Search:
    """A form: every field that is given must hold for one and the same span.

    ``tags`` are of the span or of its resource; their values are text, and ``"200"`` is also the
    number. ``is_error`` is by status code, flags and status; ``status`` is OTLP's alone. ``source``
    and ``destination`` are the ends of a call. Durations are of the span.
    """

    service: str | None = None
    name: str | None = None
    route: str | None = None
    source: str | None = None
    destination: str | None = None
    min_duration_ns: int | None = None
    max_duration_ns: int | None = None
    status: str | None = None
    kind: str | None = None
    is_error: bool | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def query(self) -> Query:
        """Return the form as a query."""
        given: list[tuple[Field, str, Literals]] = [
            (fields.SERVICE, "=", self.service),
            (fields.NAME, "=", self.name),
            (fields.ROUTE, "=", self.route),
            (fields.SOURCE, "=", self.source),
            (fields.DESTINATION, "=", self.destination),
            (fields.DURATION, ">=", self.min_duration_ns),
            (fields.DURATION, "<=", self.max_duration_ns),
            (fields.STATUS, "=", self.status),
            (fields.KIND, "=", self.kind),
            (fields.ERROR, "=", self.is_error),
            *((Field("any", key), "=", value) for key, value in self.tags.items()),
        ]
        parts: list[SpanCondition] = [
            Comparison(what, operator, value)  # type: ignore[arg-type]  # one of the operators above
            for what, operator, value in given
            if value is not None
        ]
        return Query(SpansWhere(All((*parts, *self._ends()))))

    def _ends(self) -> tuple[SpanCondition, ...]:
        """Say of a call what its SQL can ask: a span of it is of the source or the destination."""
        if self.source is None or self.source in {semconv.EXTERNAL, semconv.UNKNOWN}:
            return ()
        ends = [Comparison(fields.SERVICE, "=", self.source)]
        if self.destination is None:
            return ()
        return (AnyOf((*ends, Comparison(fields.SERVICE, "=", self.destination))),)


@dataclass(frozen=True, slots=True)
class Found:
    """A trace, and the positions of its spans that matched."""

    trace: Trace
    spans: list[int]


@dataclass(frozen=True, slots=True)
class Answer:
    """The traces found, newest first; ``looked_at`` counts the candidates.

    ``is_complete`` is false when fewer than asked for are given though there may be more.
    """

    found: list[Found]
    looked_at: int
    is_complete: bool


def search(
    store: Store,
    query: Query,
    *,
    from_ns: int | None = None,
    to_ns: int | None = None,
    limit: int = 20,
    most: int = MOST_TRACES,
    most_spans: int = MOST_SPANS,
) -> Answer:
    """Return the newest ``limit`` traces with a matching span that started in [from_ns, to_ns).

    A trace's place is that of its newest matching span. ``most`` bounds the candidates.
    """
    wanted = SpanFilter(from_ns=from_ns, to_ns=to_ns, also=necessary(query.spans))
    look = _Look(store, query, limit, most_spans)
    asked = min(limit, most)
    while True:
        ids = find_traces(store, wanted, limit=asked)
        look.at([one for one in ids if one not in look.found])
        hits = [hit for one in ids if (hit := look.found.get(one)) is not None][:limit]
        is_complete = len(hits) == limit or (len(ids) < asked and not look.is_full)
        if is_complete or look.is_full or asked == most:
            return Answer(hits, len(look.found), is_complete)
        asked = min(asked * _GROWTH, most)


def necessary(sets: SpanSets) -> SpanCondition:
    """Return what some span of every matching trace fulfils."""
    match sets:
        case SpansWhere(condition):
            return condition
        case Both(left, _):
            return necessary(left)
        case Either(left, right):
            return AnyOf((necessary(left), necessary(right)))
        case _:
            assert_never(sets)


class _Look:
    """Looks at candidates as whole traces; few at a time when they are large."""

    def __init__(self, store: Store, query: Query, limit: int, most_spans: int) -> None:
        self._store, self._query, self._limit = store, query, limit
        self._most_spans = most_spans
        self.found: dict[tuple[int, int], Found | None] = {}
        self._hits = self._spans = self._read = 0

    @property
    def is_full(self) -> bool:
        """Tell whether the answer holds as many spans as it may."""
        return self._spans >= self._most_spans

    def at(self, ids: Sequence[tuple[int, int]]) -> None:
        """Look until there are enough hits."""
        begin = 0
        while begin < len(ids) and self._hits < self._limit and not self.is_full:
            some = ids[begin : begin + self._at_once()]
            self._look(some)
            begin += len(some)

    def _at_once(self) -> int:
        if not self._read:
            return _FIRST_TRACES
        return max(1, _SPANS_AT_ONCE * len(self.found) // self._read)

    def _look(self, ids: Sequence[tuple[int, int]]) -> None:
        self.found.update(dict.fromkeys(ids))
        rows = traces(self._store, ids)
        self._read += max(rows.num_rows, 1)
        for trace in split(rows):
            spans = matched(self._query, trace)
            if spans:
                self.found[trace.trace_hi, trace.trace_lo] = Found(trace, spans)
                self._hits += 1
                self._spans += len(trace)
