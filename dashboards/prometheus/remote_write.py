"""POST /api/v1/write: where a Prometheus or an agent sends its samples.

Never reads a body; ``collector.receiver.remote_write`` does. An app without a receiver has no such
path. https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
"""

from typing import Final

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse
from starlette.requests import ClientDisconnect

from dashboards.prometheus.routing import router
from dashboards.web.routers.parameters import AppDeps

ROUTER: Final = router()


@ROUTER.api_route("/write", methods=["GET", "POST", "PUT"])
async def write(request: Request, deps: AppDeps) -> Response:
    """Take samples; the answer comes after their commit."""
    if deps.remote_write is None:
        return PlainTextResponse("404 page not found\n", 404)
    try:
        return await deps.remote_write.respond(request)
    except ClientDisconnect:
        return Response(status_code=499)  # nobody reads it
