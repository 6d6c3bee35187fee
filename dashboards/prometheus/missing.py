"""/api/v1/ and /-/ elsewhere: 404 as Prometheus words it, so that clients see an older server.

Comes after all other routes. https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

ROUTER: Final = APIRouter(include_in_schema=False)
_ANY: Final = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"]


@ROUTER.api_route("/api/v1/{rest:path}", methods=_ANY)
@ROUTER.api_route("/-/{rest:path}", methods=_ANY)
def missing(rest: str) -> Response:
    """Say that there is no such path."""
    del rest
    return PlainTextResponse("404 page not found\n", 404)
