"""/login and /logout: a browser trades a token for a session, and gives it back.

The token is in the body of the form only: never in a URL, a page, a log.
"""

from typing import Annotated, Final, cast
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from dashboards.web.access.caller import TooManyTries, Unknown, WebAccess
from dashboards.web.access.gate import address_of
from dashboards.web.access.sessions import COOKIE, LASTS_S
from dashboards.web.answers import page
from dashboards.web.routers.parameters import AppDeps

ROUTER: Final = APIRouter(include_in_schema=False)
_HOME: Final = "/topology"
_MAX_FORM_BYTES: Final = 8192


def _access(request: Request) -> WebAccess:
    return cast("WebAccess", request.app.state.access)


Access = Annotated[WebAccess, Depends(_access)]


@ROUTER.get("/login")
def ask(
    request: Request,
    deps: AppDeps,
    access: Access,
    next_: Annotated[str, Query(alias="next")] = _HOME,
) -> Response:
    """Show the form; a server that asks nobody has none."""
    if not access.asks:
        return RedirectResponse(_within(next_), 303)
    return _form(request, deps.version, next_)


@ROUTER.post("/login")
async def log_in(request: Request, deps: AppDeps, access: Access) -> Response:
    """Begin a session."""
    if not access.asks:
        return RedirectResponse(_HOME, 303)
    form = await _read_form(request)
    token, next_ = form.get("token", "").strip(), form.get("next", _HOME)
    try:
        cookie = access.log_in(token, address_of(request))
    except Unknown as error:
        access.refused.add(("wrong_token",))
        return _form(request, deps.version, next_, str(error), 401)
    except TooManyTries as error:
        access.refused.add(("too_many_tries",))
        answer = _form(request, deps.version, next_, str(error), 429)
        answer.headers["Retry-After"] = str(error.wait_s)
        return answer
    answer = RedirectResponse(_within(next_), 303)
    answer.set_cookie(
        COOKIE, cookie, LASTS_S, httponly=True, samesite="lax", secure=_is_tls(request)
    )
    return answer


@ROUTER.post("/logout")
async def log_out(request: Request, access: Access) -> Response:
    """End the session, if there is one."""
    access.log_out(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=_is_tls(request))
    return answer


def _form(
    request: Request, version: str, next_: str, error: str = "", status: int = 200
) -> Response:
    wanted = _within(next_)
    return page(request, "login.html", status, version=version, nav=(), next=wanted, error=error)


async def _read_form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM_BYTES:
            return {}  # no token is so long
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _within(next_: str) -> str:
    """Return a path of ours; the home page for an address that leads elsewhere."""
    elsewhere = not next_.startswith("/") or next_[1:2] in {"/", "\\"} or not next_.isprintable()
    return _HOME if elsewhere else next_


def _is_tls(request: Request) -> bool:
    """Tell whether the browser speaks TLS, to us or to a proxy in front."""
    return "https" in {request.url.scheme, request.headers.get("x-forwarded-proto", "")}
