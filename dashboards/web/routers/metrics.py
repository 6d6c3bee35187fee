"""For a Prometheus to scrape: /metrics of the server, /metrics/mesh of the mesh and its SLOs."""

from typing import Final

from fastapi import APIRouter, Response

from collector.prometheus.targets import RETIRED_S
from collector.store import reader
from dashboards.web.exposition import CONTENT_TYPE, expose
from dashboards.web.mesh_metrics import mesh_families, slo_families
from dashboards.web.routers.api_collector import read_exporters
from dashboards.web.routers.parameters import AppDeps
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
def mesh(deps: AppDeps) -> Response:
    """Counters since the first data, in Prometheus text format."""
    to_s = window_end_s(int(deps.clock_s()))
    found = read_exporters(deps, heard_within_s=RETIRED_S)
    with deps.store.snapshot() as cursor:
        from_s = min(reader.first_bucket_s(cursor) or 0, to_s - 1)
        families = [
            *mesh_families(cursor, deps.slos, to_s, found),
            *slo_families(
                deps.counting.source(cursor, to_s),
                deps.counting.slos(cursor, deps.slos, to_s),
                from_s,
                to_s,
            ),
        ]
    return Response(expose(families), media_type=CONTENT_TYPE)
