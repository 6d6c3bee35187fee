"""/api/traces: search by form or TraceQL; /api/traces/{id}: one trace with tree, self times, path.

The form's fields must all hold for one span; a search that only says ``source`` and ``destination``
finds the traces behind an edge of the topology.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from collector.store.traces import trace
from collector.traces.analysis import analyse
from collector.traces.search import search
from collector.traces.trace import trace_of
from collector.traces.traceql import BadTraceQl, parse
from dashboards.web.answers import ErrorAnswer, NotFound, Problem, json_answer
from dashboards.web.routers.parameters import AppDeps, Range
from dashboards.web.trace_parameters import (
    BadParameter,
    form_of,
    read_duration,
    read_tags,
    read_trace_id,
)
from dashboards.web.traces import TraceDetail, TraceList, trace_detail, trace_list

ROUTER: Final = APIRouter(
    prefix="/api/traces", tags=["traces"], responses={400: {"model": ErrorAnswer}}
)
_SECOND_NS: Final = 10**9

Text = Annotated[str | None, Query()]


@ROUTER.get("", responses={200: {"model": TraceList}})
def find(
    deps: AppDeps,
    asked: Range,
    q: Annotated[str | None, Query(description="TraceQL; instead of the fields below")] = None,
    service: Text = None,
    name: Text = None,
    route: Text = None,
    source: Text = None,
    destination: Text = None,
    kind: Text = None,
    status: Annotated[str | None, Query(description="unset, ok or error, as OTLP has it")] = None,
    error: Annotated[bool | None, Query(description="by code, flags and status")] = None,
    min_duration: Annotated[str, Query(description="of the span, such as 1.2ms")] = "",
    max_duration: Annotated[str, Query()] = "",
    tags: Annotated[str, Query(description='key=value other="two words", or JSON')] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 20,
) -> Response:
    """Find the newest traces with a matching span that started in the time range."""
    form: dict[str, Any] = {
        "service": service,
        "name": name,
        "route": route,
        "source": source,
        "destination": destination,
        "kind": kind,
        "status": status,
        "is_error": error,
    }
    try:
        durations = {"min_duration": min_duration, "max_duration": max_duration}
        for duration in durations:
            form[f"{duration}_ns"] = read_duration(durations, duration)
        given = {key: value for key, value in form.items() if value not in {None, ""}}
        query = parse(q) if q else form_of(read_tags(tags), **given).query()
    except (BadTraceQl, BadParameter) as bad:
        return _bad(bad)
    answer = search(
        deps.store,
        query,
        from_ns=asked.from_s * _SECOND_NS,
        to_ns=asked.to_s * _SECOND_NS,
        limit=limit,
    )
    return json_answer(trace_list(answer))


@ROUTER.get("/{trace_id}", responses={200: {"model": TraceDetail}, 404: {"model": ErrorAnswer}})
def one(
    deps: AppDeps,
    trace_id: str,
    *,
    skew: Annotated[bool, Query(description="false leaves times as they were sent")] = True,
    attributes: Annotated[bool, Query(description="false: no attributes, events, links")] = True,
) -> Response:
    """Get one trace: its spans in the order of their tree, and what it waited for."""
    try:
        rows = trace(deps.store, *read_trace_id(trace_id))
    except BadParameter as bad:
        return _bad(bad)
    if not rows.num_rows:
        raise NotFound(f"There is no trace {trace_id}.")
    seen = analyse(trace_of(rows), max_skew_ns=deps.max_skew_ns if skew else 0)
    return json_answer(trace_detail(seen, with_attributes=attributes))


def _bad(error: Exception) -> Response:
    return json_answer(ErrorAnswer(Problem("bad_parameter", str(error))), 400)
