"""What every route shares: the backend, the parameters, and errors in Prometheus's words.

Never answers anything itself. https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, cast

from fastapi import APIRouter, Request, Response

from dashboards.prometheus.backend import Backend
from dashboards.prometheus.parameters import Parameters, read_parameters
from dashboards.prometheus.replies import failure

PREFIX: Final = "/api/v1"
BOTH: Final = ["GET", "POST"]

Rest = ParamSpec("Rest")
Handler = Callable[Concatenate[Request, Backend, Parameters, Rest], Awaitable[Response]]


def backend_of(request: Request) -> Backend:
    """Return the backend of the app."""
    return cast("Backend", request.app.state.prometheus)


def answering(handler: Handler[Rest]) -> Callable[..., Awaitable[Response]]:
    """Give a handler the backend and the parameters; word what it raises."""

    @wraps(handler)
    async def answer(request: Request, *args: Rest.args, **kwargs: Rest.kwargs) -> Response:
        try:
            parameters = await read_parameters(request)
            return await handler(request, backend_of(request), parameters, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - clients know one shape of errors
            return failure(error)

    # FastAPI reads the signature: what a handler gets from here is no parameter of the request.
    cast("Any", answer).__signature__ = _asked(handler)
    return answer


def router() -> APIRouter:
    """Make a router of the API; its paths are left out of our own OpenAPI document."""
    return APIRouter(prefix=PREFIX, include_in_schema=False)


def _asked(handler: Callable[..., Any]) -> Any:
    from inspect import signature

    given = signature(handler)
    kept = [one for name, one in given.parameters.items() if name not in {"backend", "asked"}]
    return given.replace(parameters=kept)
