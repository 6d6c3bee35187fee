"""What a search found, as Tempo words it: a line per trace, with some of its matching spans.

Each span bears the fields that the query compares or selects. Never asks the store.
Format: https://grafana.com/docs/tempo/latest/api_docs/#search
"""

from collections.abc import Iterator
from typing import Any, Final

from collector.store.span_conditions import Comparison, Field, SpanCondition
from collector.traces.evaluate import Facts
from collector.traces.query import Query, SpanSets, SpansWhere
from collector.traces.search import Answer, Found
from dashboards.tempo.otlp import json_value

Json = dict[str, Any]

NO_ROOT: Final = "<root span not yet received>"
_PLAIN: Final = frozenset(["name", "duration", "traceDuration", "rootName", "rootServiceName"])
"""Told by every line anyway."""


def results(answer: Answer, query: Query, *, spans: int) -> Json:
    """Return the answer with at most ``spans`` spans of each trace."""
    fields = list(dict.fromkeys([*_compared(query), *query.shown]))
    return {
        "traces": [_line(found, fields, spans) for found in answer.found],
        "metrics": {"inspectedTraces": answer.looked_at, "completedJobs": 1, "totalJobs": 1},
    }


def _line(found: Found, fields: list[Field], most: int) -> Json:
    trace, facts = found.trace, Facts(found.trace)
    root = facts.root()
    sets = [
        {
            "spans": [_span(facts, position, fields) for position in found.spans[:most]],
            "matched": len(found.spans),
        }
    ]
    stats: dict[str, Json] = {}
    for position, is_error in enumerate(trace["is_error"]):
        line = stats.setdefault(facts.service(position), {"spanCount": 0, "errorCount": 0})
        line["spanCount"] += 1
        line["errorCount"] += bool(is_error)
    return {
        "traceID": trace.trace_id,
        "rootServiceName": NO_ROOT if root is None else facts.service(root),
        "rootTraceName": "" if root is None else trace["name"][root],
        "startTimeUnixNano": str(trace.start_ns),
        "durationMs": trace.duration_ns // 1_000_000,
        "spanSet": sets[0],
        "spanSets": sets,
        "serviceStats": stats,
    }


def _span(facts: Facts, position: int, fields: list[Field]) -> Json:
    trace = facts.trace
    values = {field.name: facts.values(field, position) for field in fields}
    return {
        "spanID": f"{trace['span_id'][position]:016x}",
        "name": trace["name"][position],
        "startTimeUnixNano": str(trace["start_ns"][position]),
        "durationNanos": str(trace["duration_ns"][position]),
        "attributes": [
            {"key": key, "value": json_value(value)}
            for key, found in values.items()
            for value in [one for one in found if one is not None][:1]
        ],
    }


def _compared(query: Query) -> Iterator[Field]:
    for stage in query.stages:
        if isinstance(stage, SpansWhere):
            yield from _fields(stage.condition)
    yield from _of_sets(query.spans)


def _of_sets(sets: SpanSets) -> Iterator[Field]:
    if isinstance(sets, SpansWhere):
        yield from _fields(sets.condition)
    else:
        yield from _of_sets(sets.left)
        yield from _of_sets(sets.right)


def _fields(condition: SpanCondition) -> Iterator[Field]:
    if isinstance(condition, Comparison):
        if condition.field.scope != "intrinsic" or condition.field.name not in _PLAIN:
            yield condition.field
        return
    for part in condition.parts:
        yield from _fields(part)
