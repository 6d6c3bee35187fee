"""For a Prometheus: /metrics of the server, /metrics/mesh of mesh and SLOs, /metrics/proxies."""

import time
from typing import Final

from fastapi import APIRouter, Request, Response

from collector.prometheus.targets import RETIRED_S
from dashboards.prometheus.execution import TIMEOUT_S, Stop
from dashboards.prometheus.routing import backend_of
from dashboards.web.exposition import CONTENT_TYPE, expose
from dashboards.web.mesh_metrics import mesh_families, slo_families
from dashboards.web.proxy_metrics import proxy_families
from dashboards.web.routers.api_collector import read_exporters
from dashboards.web.routers.parameters import AppDeps, Sums
from dashboards.web.self_metrics import exporter_families, registry_families
from slo.evaluate import window_end_s

ROUTER: Final = APIRouter(prefix="/metrics", tags=["metrics"])


@ROUTER.get("", responses={200: {"content": {"text/plain": {}}}})
def itself(deps: AppDeps) -> Response:
    """Numbers of the server and its collector since the start, in Prometheus text format."""
    families = [] if deps.selfwatch is None else registry_families(deps.selfwatch.registry)
    families += exporter_families(read_exporters(deps))
    return Response(expose(families), media_type=CONTENT_TYPE)


@ROUTER.get("/mesh", responses={200: {"content": {"text/plain": {}}}})
def mesh(deps: AppDeps, remembered: Sums) -> Response:
    """Counters since the first data, in Prometheus text format."""
    to_s = window_end_s(int(deps.clock_s()))
    found = read_exporters(deps, heard_within_s=RETIRED_S)
    with deps.store.snapshot() as cursor:
        base = remembered.base(cursor)
        families = [
            *mesh_families(cursor, deps.slos, to_s, found, base),
            *slo_families(
                lambda spans: deps.counting.source(cursor, to_s, spans, base),
                deps.counting.slos(cursor, deps.slos, to_s),
                to_s,
                deps.corrections(),
            ),
        ]
    return Response(expose(families), media_type=CONTENT_TYPE)


@ROUTER.get("/proxies", responses={200: {"content": {"text/plain": {}}}})
def proxies(request: Request) -> Response:
    """Statistics that proxies exported of themselves, in Prometheus text format."""
    backend = backend_of(request)
    with backend.session(Stop(time.monotonic() + TIMEOUT_S)) as session:
        families = proxy_families(session, backend.now_ms)
    return Response(expose(families), media_type=CONTENT_TYPE)
