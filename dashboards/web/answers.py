"""How the app answers: JSON bytes, errors in one shape, and the headers on every answer.

An error is ``{"error": {"type": ..., "message": ...}}`` on the API and a small page elsewhere.
Never decides what is true; it only words it.
"""

from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.templating import Jinja2Templates
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards.web import formatting
from dashboards.web.timerange import BadTime

TEMPLATES: Final = Jinja2Templates(directory=Path(__file__).parent / "templates")
TEMPLATES.env.filters.update(formatting.FILTERS)

NAVIGATION: Final = (
    {"path": "/topology", "title": "Topology", "key": "t"},
    {"path": "/services", "title": "Services", "key": "s"},
    {"path": "/slos", "title": "SLOs", "key": "l"},
    {"path": "/incidents", "title": "Incidents", "key": "i"},
    {"path": "/collector", "title": "Collector", "key": "c"},
)

_VENDOR: Final = Path(__file__).parent / "static" / "vendor" / "manifest.json"
_CSP: Final = "; ".join(  # noqa: FLY002 - one directive a line
    (
        "default-src 'self'",
        "script-src 'self'",
        "worker-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # cytoscape and uPlot place their elements by style
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
        "form-action 'self'",
    )
)
_HEADERS: Final = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_MACHINE_PATHS: Final = (
    *("/api/", "/metrics", "/healthz", "/readyz", "/-/", "/openapi.json", "/jaeger", "/tempo"),
)


class NotFound(Exception):
    """The client asked for something that is not here."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, in a word for programs and a sentence for people."""

    type: str
    message: str


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """The body of every error of the API."""

    error: Problem


def encode(value: object) -> bytes:
    """Return JSON bytes of dataclasses, mappings, sequences and numpy numbers; NaN becomes null."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY)


def json_answer(value: object, status: int = 200) -> Response:
    """Return a JSON answer that nothing on the way may keep."""
    return Response(
        encode(value), status, media_type="application/json", headers={"Cache-Control": "no-store"}
    )


def page(request: Request, template: str, http_status: int = 200, **context: Any) -> Response:
    """Return a rendered page; it is never stored, since it shows a moment."""
    theme = request.cookies.get("theme")
    frame = {
        "nav": NAVIGATION,
        "vendored": _VENDOR.exists(),
        "theme": theme if theme in {"light", "dark"} else None,
        "warn_ratio": formatting.WARN_RATIO,
        "bad_ratio": formatting.BAD_RATIO,
        "caller": getattr(request.state, "caller", None),
        "range": None,  # a page without a time range must not meet Jinja's function of this name
    }
    answer = TEMPLATES.TemplateResponse(request, template, frame | context, http_status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def is_for_machines(path: str) -> bool:
    """Tell whether programs ask there, and people do not."""
    return path.startswith(_MACHINE_PATHS)


def failure(request: Request, status: int, kind: str, message: str) -> Response:
    """Return an error in the shape that belongs to the path: JSON, or a page."""
    if is_for_machines(request.url.path):
        return json_answer(ErrorAnswer(Problem(kind, message)), status)
    return page(request, "error.html", status, status=status, message=message)


def install_errors(app: FastAPI) -> None:
    """Word every failure that a route may raise."""

    def bad_time(request: Request, error: Exception) -> Response:
        return failure(request, 400, "bad_time", str(error))

    def not_found(request: Request, error: Exception) -> Response:
        return failure(request, 404, "not_found", str(error))

    def bad_parameter(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type
        told = "; ".join(f"{item['loc'][-1]}: {item['msg']}" for item in error.errors())
        return failure(request, 400, "bad_parameter", told)

    def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
        phrase = HTTPStatus(error.status_code).phrase
        kind = phrase.lower().replace(" ", "_")
        return failure(request, error.status_code, kind, f"{phrase}: {request.url.path}")

    def crash(request: Request, _error: Exception) -> Response:
        message = "The server failed to answer. Its log has the reason."
        return failure(request, 500, "internal", message)

    app.add_exception_handler(BadTime, bad_time)
    app.add_exception_handler(NotFound, not_found)
    app.add_exception_handler(RequestValidationError, bad_parameter)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(Exception, crash)


class Headers:
    """ASGI middleware: the security headers, and revalidation for static files."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; set the headers on the way back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self._app(scope, receive, with_headers)


def _plain(value: object) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if hasattr(value, "items"):
        return dict(value.items())
    if hasattr(value, "__dataclass_fields__"):
        return asdict(value)  # type: ignore[call-overload]
    raise TypeError(f"{type(value).__name__} has no JSON form")
