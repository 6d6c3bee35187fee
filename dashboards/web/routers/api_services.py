"""/api/services: one row per service."""

from typing import Final

from fastapi import APIRouter, Response

from dashboards.web.answers import ErrorAnswer, json_answer
from dashboards.web.routers.api_collector import read_exporters
from dashboards.web.routers.parameters import AppDeps, Range, Views
from dashboards.web.services import ServiceRow, last_seen, service_rows

ROUTER: Final = APIRouter(prefix="/api/services", tags=["services"])


@ROUTER.get("", responses={200: {"model": list[ServiceRow]}, 400: {"model": ErrorAnswer}})
def services(deps: AppDeps, views: Views, asked: Range) -> Response:
    """Every service with its traffic, callers and callees over a time range."""
    seen = last_seen(read_exporters(deps, of_all_time=True))
    return json_answer(service_rows(views.read(asked), seen))
