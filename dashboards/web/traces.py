"""Traces for the trace pages and people's scripts: what a search found, and one trace in full.

Times within a trace are nanoseconds since its start, which is in microseconds since the epoch, so
that a browser's numbers hold them. Never asks the store.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from collector.store.span_conditions import KINDS, STATUSES
from collector.traces.analysis import Analysis
from collector.traces.evaluate import Facts
from collector.traces.search import Answer, Found
from collector.traces.trace import Trace


@dataclass(frozen=True, slots=True)
class TraceLine:
    """A trace in a list. ``root_*`` are None while its root has not come.

    ``services`` maps each to the number of its spans. ``matched`` are span ids.
    """

    trace_id: str
    root_service: str | None
    root_name: str | None
    start_us: int
    duration_ns: int
    spans: int
    errors: int
    services: Mapping[str, int]
    keep_reason: str | None
    matched: Sequence[str]


@dataclass(frozen=True, slots=True)
class TraceList:
    """The newest first. Not ``is_complete``: older traces than the last looked at may match."""

    traces: Sequence[TraceLine]
    looked_at: int
    is_complete: bool


@dataclass(frozen=True, slots=True)
class SpanRow:
    """A span, in the order of the tree; ``parent`` and the critical path count rows from 0.

    ``from_ns`` is after the adjustment by ``moved_ns``. ``self_ns`` no child covers; the trace
    waited ``critical_ns`` for the span. Attributes, events and links are None when left out.
    """

    span_id: str
    parent_id: str | None
    parent: int | None
    depth: int
    resource: int
    name: str
    kind: str
    status: str
    is_error: bool
    http_status: int | None
    route: str
    flags: str
    from_ns: int
    duration_ns: int
    moved_ns: int
    self_ns: int
    critical_ns: int
    warnings: Sequence[str]
    attributes: Mapping[str, Any] | None
    events: Sequence[Any] | None
    links: Sequence[Any] | None


@dataclass(frozen=True, slots=True)
class ResourceRow:
    """Who exported."""

    service: str
    namespace: str
    version: str
    instance: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PathSegment:
    """The trace waited for the row's own work in [from_ns, to_ns)."""

    row: int
    from_ns: int
    to_ns: int


@dataclass(frozen=True, slots=True)
class TraceDetail:
    """One trace. ``copies``: spans that came more than once and are shown once."""

    line: TraceLine
    keep_ratio: float | None
    copies: int
    roots: Sequence[int]
    resources: Sequence[ResourceRow]
    spans: Sequence[SpanRow]
    critical_path: Sequence[PathSegment]


def trace_list(answer: Answer) -> TraceList:
    """Return what a search found."""
    lines = [_line(found) for found in answer.found]
    return TraceList(lines, answer.looked_at, answer.is_complete)


def trace_detail(seen: Analysis, *, with_attributes: bool) -> TraceDetail:
    """Return one trace in full."""
    trace, tree = seen.trace, seen.tree
    rows = {position: row for row, position in enumerate(tree.order)}
    critical: Counter[int] = Counter()
    for segment in seen.path:
        critical[segment.span] += segment.to_ns - segment.from_ns
    zero_ns = trace.start_ns
    return TraceDetail(
        line=_line(Found(trace, [])),
        keep_ratio=trace["keep_ratio"][0],
        copies=trace.copies,
        roots=[rows[root] for root in tree.roots],
        resources=[
            ResourceRow(one.service, one.namespace, one.version, one.instance, one.attributes)
            for one in trace.resources
        ],
        spans=[
            _row(seen, at, rows.get(tree.parent[at]), critical[at], is_whole=with_attributes)
            for at in tree.order
        ],
        critical_path=[
            PathSegment(rows[one.span], one.from_ns - zero_ns, one.to_ns - zero_ns)
            for one in seen.path
        ],
    )


def _line(found: Found) -> TraceLine:
    trace, facts = found.trace, Facts(found.trace)
    root = facts.root()
    return TraceLine(
        trace_id=trace.trace_id,
        root_service=None if root is None else facts.service(root),
        root_name=None if root is None else trace["name"][root],
        start_us=trace.start_ns // 1000,
        duration_ns=trace.duration_ns,
        spans=len(trace),
        errors=sum(map(bool, trace["is_error"])),
        services=dict(sorted(Counter(map(facts.service, range(len(trace)))).items())),
        keep_reason=next(filter(None, trace["keep_reason"]), None),
        matched=[_hex(trace["span_id"][position]) for position in found.spans],
    )


def _row(
    seen: Analysis, at: int, parent: int | None, critical_ns: int, *, is_whole: bool
) -> SpanRow:
    trace = seen.trace
    parent_id = trace["parent_id"][at]
    return SpanRow(
        span_id=_hex(trace["span_id"][at]),
        parent_id=None if parent_id is None else _hex(parent_id),
        parent=parent,
        depth=seen.tree.depth[at],
        resource=trace.resource[at],
        name=trace["name"][at] or "",
        kind=KINDS[trace["kind"][at]],
        status=STATUSES[trace["status"][at]],
        is_error=trace["is_error"][at],
        http_status=trace["http_status"][at],
        route=trace["route"][at] or "",
        flags=trace["flags"][at] or "",
        from_ns=seen.start_ns[at] - trace.start_ns,
        duration_ns=trace["duration_ns"][at],
        moved_ns=seen.moved_ns[at],
        self_ns=seen.self_ns[at],
        critical_ns=critical_ns,
        warnings=seen.warnings.get(at, ()),
        attributes=trace.attributes(at) if is_whole else None,
        events=_list(trace, "events", at) if is_whole else None,
        links=_list(trace, "links", at) if is_whole else None,
    )


def _list(trace: Trace, column: str, at: int) -> Sequence[Any]:
    text = trace[column][at]
    return orjson.loads(text) if text else []


def _hex(number: int) -> str:
    return f"{number:016x}"
