"""POST /api/v1/alertmanager/webhook: where an Alertmanager tells of alerts.

Never reads a body; ``dashboards.web.webhook`` does. An app without one says how to get one.
https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from dashboards.web.answers import ErrorAnswer, Problem, json_answer
from dashboards.web.routers.parameters import AppDeps
from dashboards.web.webhook import Taken

PATH: Final = "/api/v1/alertmanager/webhook"
ROUTER: Final = APIRouter(tags=["incidents"])
_ANSWERS: Final[Mapping[int | str, dict[str, Any]]] = {
    200: {"model": Taken},
    **{status: {"model": ErrorAnswer} for status in (400, 401, 413, 503)},
}


@ROUTER.post(PATH, responses=dict(_ANSWERS))
async def webhook(request: Request, deps: AppDeps) -> Response:
    """Take a message of version 4; the answer comes after its commit."""
    if deps.webhook is None:
        told = "This server shows a store and takes nothing; start one with `meshscope serve`."
        return json_answer(ErrorAnswer(Problem("not_found", told)), 404)
    try:
        return await deps.webhook.respond(request)
    except ClientDisconnect:
        return Response(status_code=499)  # nobody reads it
