"""The middleware before every route: who asks, may they, and did a page of ours send it.

Refuses on its own; what it lets through finds its ``Caller`` in ``request.state``. A browser that
goes to a page is sent to the login; everybody else is told in the words of the API.
"""

from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboards.web.access.caller import ANYBODY, Caller, TooManyTries, Unknown, WebAccess
from dashboards.web.access.origin import is_ours
from dashboards.web.access.roles import OWN_CHECK, READING, is_open, may
from dashboards.web.access.sessions import COOKIE
from dashboards.web.answers import failure, is_for_machines

_CHALLENGE: Final = 'Bearer realm="meshscope"'
"""Basic is taken as well, but not asked for: a browser would open a window of its own."""
_HINT: Final = "send it as `Authorization: Bearer TOKEN`, or as the password of HTTP Basic"


class Gate:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, access: WebAccess) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it before any of its body is read."""
        if scope["type"] != "http":
            return  # there is no lifespan and no web socket here
        request = Request(scope)
        refusal = self._check(request)
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await refusal(scope, receive, send)

    def _check(self, request: Request) -> Response | None:
        path, method = path_of(request), request.method
        if path in OWN_CHECK:
            return None
        try:
            caller = self._caller(request)
        except TooManyTries as error:
            return self._refuse(request, 429, "too_many_tries", str(error), error.wait_s)
        except Unknown as error:
            return self._ask(request, error)
        if method not in READING and not self._is_ours(request, caller):
            told = (
                "a page of another site may change nothing here; if this is a proxy's doing, give"
                " the server the address that people use: --external-url"
            )
            return self._refuse(request, 403, "wrong_origin", told)
        if not is_open(path) and not may(caller.role, method, path):
            told = "this token may look, but not change; an admin's may"
            return self._refuse(request, 403, "viewers_only_look", told)
        request.state.caller = caller
        return None

    def _caller(self, request: Request) -> Caller:
        if is_open(path_of(request)):
            return ANYBODY
        return self._access.caller(
            request.headers.get("authorization"), request.cookies.get(COOKIE), address_of(request)
        )

    def _is_ours(self, request: Request, caller: Caller) -> bool:
        """A bearer token is never sent by a browser on its own."""
        if request.headers.get("authorization", "").lower().startswith("bearer "):
            return True
        external_url = self._access.external_url
        return is_ours(request.headers, external_url, has_session=caller.has_session)

    def _ask(self, request: Request, unknown: Unknown) -> Response:
        self._access.refused.add(("wrong_token" if unknown.is_wrong else "no_token",))
        path = path_of(request)
        if request.method in READING and not is_for_machines(path):
            asked = request.scope["query_string"].decode("latin-1")
            query = f"?{asked}" if asked else ""
            return RedirectResponse(f"/login?next={quote(path + query, safe='')}", 303)
        answer = failure(request, 401, "unauthenticated", f"{unknown}: {_HINT}")
        answer.headers["WWW-Authenticate"] = _CHALLENGE
        return answer

    def _refuse(
        self, request: Request, status: int, kind: str, message: str, wait_s: int = 0
    ) -> Response:
        self._access.refused.add((kind,))
        answer = failure(request, status, kind, message)
        if wait_s:
            answer.headers["Retry-After"] = str(wait_s)
        return answer


def path_of(request: Request) -> str:
    """Return the path that routes are found by. ``request.url`` begins with what the client says
    is the host, and that may end with the path of an open page.
    """
    path: str = request.scope["path"]
    return path


def address_of(request: Request) -> str:
    """Return where a request comes from, as the server sees it."""
    return request.client.host if request.client else ""
