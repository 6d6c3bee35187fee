"""/jaeger/api: what Grafana's Jaeger data source calls. Its URL is http://HOST:8428/jaeger.

Traces are exact; the dependencies are the canonical edges, so that their counts are those of the
topology. ``raw=true`` leaves times as they were sent.
"""

from typing import Final

from fastapi import APIRouter, Request, Response

from collector.store import reader
from collector.store.span_conditions import KINDS
from collector.store.traces import trace, traces
from collector.traces.analysis import analyse
from collector.traces.search import search
from collector.traces.trace import Trace, split
from dashboards.jaeger.document import Json, answer, document, failure
from dashboards.jaeger.parameters import MOST, read_search
from dashboards.web.answers import json_answer
from dashboards.web.deps import Deps
from dashboards.web.routers.parameters import AppDeps, Names
from dashboards.web.trace_parameters import BadParameter, read_trace_id, read_whole

ROUTER: Final = APIRouter(prefix="/jaeger/api", tags=["jaeger"])
_DAY_MS: Final = 86_400_000
_NOT_FOUND: Final = "trace not found"


@ROUTER.get("/services")
def services(names: Names) -> Response:
    """List the services that have spans."""
    found = names.services()
    return json_answer(answer(found, len(found)))


@ROUTER.get("/services/{service:path}/operations")
def operations_of(names: Names, service: str) -> Response:
    """List the names of a service's spans."""
    found = sorted({operation.name for operation in names.operations(service)})
    return json_answer(answer(found, len(found)))


@ROUTER.get("/operations")
def operations(names: Names, request: Request) -> Response:
    """List the names of a service's spans with their kinds."""
    service = request.query_params.get("service", "")
    kind = request.query_params.get("spanKind") or None
    if not service:
        return _bad("parameter 'service' is required")
    found = [
        {"name": operation.name, "spanKind": KINDS[operation.kind] if operation.kind else ""}
        for operation in names.operations(service)
        if kind in {None, KINDS[operation.kind]}
    ]
    return json_answer(answer(found, len(found)))


@ROUTER.get("/traces")
def find(deps: AppDeps, request: Request) -> Response:
    """Search for traces, or get several by ``traceID``."""
    given = request.query_params
    try:
        if ids := given.getlist("traceID"):
            return _several(deps, request, ids[:MOST])
        asked = read_search(given, given.getlist("tag"))
    except BadParameter as error:
        return _bad(str(error))
    found = search(
        deps.store,
        asked.form.query(),
        from_ns=asked.from_ns,
        to_ns=asked.to_ns,
        limit=asked.limit,
    ).found
    data = [_document(deps, request, hit.trace) for hit in found]
    return json_answer(answer(data, len(data)))


@ROUTER.get("/traces/{trace_id}")
def one(deps: AppDeps, request: Request, trace_id: str) -> Response:
    """Get one trace; 404 when it is unknown. The index makes ``start`` and ``end`` needless."""
    try:
        trace_hi, trace_lo = read_trace_id(trace_id)
    except BadParameter as error:
        return _bad(str(error))
    rows = trace(deps.store, trace_hi, trace_lo)
    if not rows.num_rows:
        return json_answer(answer(None, errors=[failure(404, _NOT_FOUND)]), 404)
    return json_answer(answer([_document(deps, request, found) for found in split(rows)]))


@ROUTER.get("/dependencies")
def dependencies(deps: AppDeps, request: Request) -> Response:
    """Count the calls between services in ``lookback`` milliseconds up to ``endTs``."""
    try:
        end_ms = read_whole(request.query_params, "endTs", int(deps.clock_s() * 1000))
        lookback_ms = read_whole(request.query_params, "lookback", _DAY_MS)
    except BadParameter as error:
        return _bad(str(error))
    from_s, to_s = max(end_ms - lookback_ms, 0) // 10_000 * 10, -(-end_ms // 10_000) * 10
    with deps.store.snapshot() as cursor:
        rows = reader.edge_counts(cursor, from_s, to_s, by=("source", "destination")).to_pylist()
    data = [
        {"parent": row["source"], "child": row["destination"], "callCount": row["requests"]}
        for row in rows
        if row["requests"]
    ]
    return json_answer(answer(data, len(data)))


def _several(deps: Deps, request: Request, ids: list[str]) -> Response:
    """Answer with the traces that are known, in the order asked for, and say which are not."""
    wanted = {text: read_trace_id(text) for text in ids}
    rows = traces(deps.store, list(wanted.values()))
    known = {(found.trace_hi, found.trace_lo): found for found in split(rows)}
    errors = [failure(404, _NOT_FOUND, text) for text, key in wanted.items() if key not in known]
    data = [
        _document(deps, request, known[key])
        for key in dict.fromkeys(wanted.values())
        if key in known
    ]
    return json_answer(answer(data, len(data), errors or None))


def _document(deps: Deps, request: Request, found: Trace) -> Json:
    is_raw = request.query_params.get("raw") == "true"
    return document(analyse(found, max_skew_ns=0 if is_raw else deps.max_skew_ns))


def _bad(message: str) -> Response:
    return json_answer(answer(None, errors=[failure(400, message)]), 400)
