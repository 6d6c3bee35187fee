"""/api/slos: the statuses, worst first; /api/slos/{name}: one with its burn-down.

The SLO's own time window decides what counts; ``to`` decides where it ends.
"""

from typing import Final

from fastapi import APIRouter, Response

from dashboards.web.answers import ErrorAnswer, json_answer
from dashboards.web.routers.parameters import AppDeps, Range
from dashboards.web.slos import read_detail, read_statuses
from slo.status import SloStatus

ROUTER: Final = APIRouter(
    prefix="/api/slos", tags=["slos"], responses={400: {"model": ErrorAnswer}}
)


@ROUTER.get("", responses={200: {"model": list[SloStatus]}})
def slos(deps: AppDeps, asked: Range) -> Response:
    """Every SLO with its budget and burn rates."""
    return json_answer(read_statuses(deps.store, deps.slos, asked.to_s))


@ROUTER.get("/{name}", responses={200: {"model": SloStatus}, 404: {"model": ErrorAnswer}})
def slo(deps: AppDeps, asked: Range, name: str) -> Response:
    """One SLO, with ``series``: its events and its budget left, step by step."""
    return json_answer(read_detail(deps.store, deps.slos, name, asked.to_s).as_json())
