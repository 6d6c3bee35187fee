"""/tempo: what Grafana's Tempo data source calls. Its URL is http://HOST:8428/tempo.

Times in queries are unix seconds. An answer is JSON unless protobuf is asked for; an error is a
line of text, as Tempo's are.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from collector.store import span_tags
from collector.store.span_conditions import KINDS, STATUSES, All, Comparison, Field, SpanCondition
from collector.store.traces import trace
from collector.traces import query as fields
from collector.traces.query import Query, SpansWhere
from collector.traces.search import search
from collector.traces.trace import Trace, trace_of
from collector.traces.traceql import INTRINSICS, BadTraceQl, field_named, parse
from dashboards.tempo import otlp
from dashboards.tempo.results import results
from dashboards.web.answers import json_answer
from dashboards.web.deps import Deps
from dashboards.web.routers.parameters import AppDeps, Names
from dashboards.web.trace_parameters import (
    BadParameter,
    read_duration,
    read_tags,
    read_trace_id,
    read_whole,
)

ROUTER: Final = APIRouter(prefix="/tempo", tags=["tempo"])
VERSION: Final = "2.6.0"
"""The version of Tempo whose API this is a part of: Grafana decides by it what to ask."""

_PROTOBUF: Final = "application/protobuf"
_MOST_TRACES: Final = 1500
_MOST_SPANS: Final = 1000
_MOST_VALUES: Final = 1000
_SECOND_NS: Final = 10**9
_LATEST_S: Final = 2**63 // _SECOND_NS - 1


@ROUTER.get("/api/echo")
def echo() -> Response:
    """Answer Grafana's "Save & test"."""
    return PlainTextResponse("echo")


@ROUTER.get("/ready")
def ready() -> Response:
    """Say that traces can be asked for."""
    return PlainTextResponse("ready\n")


@ROUTER.get("/api/status/buildinfo")
def build_info(deps: AppDeps) -> Response:
    """Tell which API this is, and of which meshscope."""
    empty = dict.fromkeys(("revision", "branch", "buildUser", "buildDate", "goVersion"), "")
    return json_answer({"version": VERSION, **empty, "meshscope": deps.version})


@ROUTER.get("/api/traces/{trace_id}")
def one(deps: AppDeps, request: Request, trace_id: str) -> Response:
    """Get a trace: Trace in protobuf, or its JSON; 404 when it is unknown."""

    def word(found: Trace) -> Response:
        if _PROTOBUF in request.headers.get("accept", ""):
            return Response(otlp.protobuf(found), media_type=_PROTOBUF)
        return json_answer({"batches": otlp.resource_spans(found)})

    return _trace(deps, trace_id, word)


@ROUTER.get("/api/v2/traces/{trace_id}")
def one_v2(deps: AppDeps, request: Request, trace_id: str) -> Response:
    """Get a trace: TraceByIDResponse in protobuf, or its JSON; 404 when it is unknown."""

    def word(found: Trace) -> Response:
        if _PROTOBUF in request.headers.get("accept", ""):
            return Response(otlp.response(otlp.protobuf(found)), media_type=_PROTOBUF)
        return json_answer({"trace": {"resourceSpans": otlp.resource_spans(found)}, "metrics": {}})

    return _trace(deps, trace_id, word)


@ROUTER.get("/api/search")
def find(deps: AppDeps, request: Request) -> Response:
    """Search by ``q`` in TraceQL, or by ``tags``, ``minDuration`` and ``maxDuration``."""
    given = request.query_params
    try:
        query = parse(given["q"]) if given.get("q") else _by_tags(given)
        from_ns, to_ns = _times(given)
        limit = min(read_whole(given, "limit", 20, least=1), _MOST_TRACES)
        spans = read_whole(given, "spss", 3) or _MOST_SPANS
    except (BadTraceQl, BadParameter) as error:
        return _bad(error)
    answer = search(deps.store, query, from_ns=from_ns, to_ns=to_ns, limit=limit)
    return json_answer(results(answer, query, spans=min(spans, _MOST_SPANS)))


@ROUTER.get("/api/search/tags")
def tags(deps: AppDeps, request: Request) -> Response:
    """List the names of attributes."""
    try:
        scopes = _scopes(deps, request.query_params)
    except BadParameter as error:
        return _bad(error)
    asked = request.query_params.get("scope") or None
    names = {
        name
        for scope, found in scopes.items()
        if asked == scope or (asked is None and scope != "intrinsic")
        for name in found
    }
    return json_answer({"tagNames": sorted(names), "metrics": {}})


@ROUTER.get("/api/v2/search/tags")
def tags_v2(deps: AppDeps, request: Request) -> Response:
    """List the names of attributes by scope."""
    try:
        scopes = _scopes(deps, request.query_params)
    except BadParameter as error:
        return _bad(error)
    asked = request.query_params.get("scope")
    found = [
        {"name": scope, "tags": names}
        for scope, names in scopes.items()
        if asked in {None, "", "none", scope}
    ]
    return json_answer({"scopes": found, "metrics": {}})


@ROUTER.get("/api/search/tag/{tag:path}/values")
def values(deps: AppDeps, names: Names, request: Request, tag: str) -> Response:
    """List values of an attribute, by its name without a scope."""
    name = unquote(tag)
    field = INTRINSICS.get(name, Field("any", name))
    try:
        found = _values(deps, names, field, request.query_params)
    except BadParameter as error:
        return _bad(error)
    return json_answer({"tagValues": [value["value"] for value in found], "metrics": {}})


@ROUTER.get("/api/v2/search/tag/{tag:path}/values")
def values_v2(deps: AppDeps, names: Names, request: Request, tag: str) -> Response:
    """List values, with their types, of ``resource.x``, ``span.x``, ``.x`` or an intrinsic."""
    name = unquote(tag)
    field = field_named(name) or Field("any", name)
    try:
        found = _values(deps, names, field, request.query_params)
    except BadParameter as error:
        return _bad(error)
    return json_answer({"tagValues": found, "metrics": {}})


def _trace(deps: Deps, trace_id: str, word: Callable[[Trace], Response]) -> Response:
    try:
        rows = trace(deps.store, *read_trace_id(trace_id))
    except BadParameter as error:
        return _bad(error)
    if not rows.num_rows:
        return PlainTextResponse("trace not found", 404)
    return word(trace_of(rows))


def _by_tags(given: Mapping[str, str]) -> Query:
    """Return the query of the old form: tags contain their values, durations are of the trace."""
    parts: list[SpanCondition] = [
        Comparison(Field("any", key), "=~", f"(?is).*{re.escape(value)}.*")
        for key, value in read_tags(given.get("tags", "")).items()
    ]
    shortest, longest = (read_duration(given, name) for name in ("minDuration", "maxDuration"))
    if shortest is not None:
        parts.append(Comparison(fields.TRACE_DURATION, ">=", shortest))
    if longest is not None:
        parts.append(Comparison(fields.TRACE_DURATION, "<=", longest))
    return Query(SpansWhere(All(tuple(parts))))


def _times(given: Mapping[str, str]) -> tuple[int | None, int | None]:
    start_s = read_whole(given, "start", 0, most=_LATEST_S)
    end_s = read_whole(given, "end", 0, most=_LATEST_S)
    return (start_s * _SECOND_NS or None, end_s * _SECOND_NS or None)


def _scopes(deps: Deps, given: Mapping[str, str]) -> dict[str, list[str]]:
    return {
        "resource": span_tags.resource_keys(deps.store),
        "span": span_tags.span_keys(deps.store, *_times(given)),
        "intrinsic": [name for name in INTRINSICS if ":" not in name],
    }


def _values(
    deps: Deps, names: Names, field: Field, given: Mapping[str, str]
) -> list[dict[str, str]]:
    limit = min(read_whole(given, "limit", _MOST_VALUES) or _MOST_VALUES, _MOST_VALUES)
    known: dict[Field, Callable[[], Any]] = {
        fields.STATUS: lambda: [_typed("keyword", word) for word in STATUSES],
        fields.KIND: lambda: [_typed("keyword", word) for word in KINDS],
        fields.NAME: lambda: _texts(operation.name for operation in names.operations()),
        fields.ROOT_NAME: lambda: _texts(operation.name for operation in names.operations()),
        fields.SERVICE: lambda: _texts(names.services()),
        fields.ROOT_SERVICE: lambda: _texts(names.services()),
    }
    if field in known:
        return list(known[field]())[:limit]
    found: list[Any] = []
    if field.scope in {"span", "any"}:
        found += span_tags.span_values(deps.store, field.name, *_times(given), limit=limit)
    if field.scope in {"resource", "any"}:
        found += span_tags.resource_values(deps.store, field.name, limit=limit)
    return [_typed_value(value) for value in found][:limit]


def _texts(values: Any) -> list[dict[str, str]]:
    return [_typed("string", value) for value in sorted(set(values))]


def _typed_value(value: Any) -> dict[str, str]:
    match value:
        case bool():
            return _typed("bool", str(value).lower())
        case int():
            return _typed("int", str(value))
        case float():
            return _typed("float", str(value))
        case _:
            return _typed("string", str(value))


def _typed(kind: str, value: str) -> dict[str, str]:
    return {"type": kind, "value": value}


def _bad(error: Exception) -> Response:
    return PlainTextResponse(str(error), 400)
