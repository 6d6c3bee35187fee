"""An app that asks for tokens, its routes, and the headers of who has which token."""

from base64 import b64encode

from collector.receiver.tokens import Tokens
from dashboards.web.access.caller import WebAccess
from dashboards.web.app import create_app
from tests.dashboards.web.seeded import NOW_S, deps
from tests.dashboards.web.visitor import Visitor

ADMIN, VIEWER = "an-admin-of-the-tests", "a-viewer-of-the-tests"
STRANGER = "a-stranger-of-the-tests"


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def basic(token, user="grafana"):
    return {"Authorization": f"Basic {b64encode(f'{user}:{token}'.encode()).decode()}"}


def web_access(*, clock_s=lambda: NOW_S, **more):
    return WebAccess(Tokens.of(ADMIN), Tokens.of(VIEWER), clock_s=clock_s, **more)


def asking(store, access=None, **more):
    return Visitor(create_app(deps(store, access=access or web_access(), **more)))


def logged_in(visitor, token):
    """Return the cookies of a new session."""
    answer = visitor.request("POST", "/login", data={"token": token})
    assert answer.status_code == 303, answer.text
    return dict(answer.cookies)


def questions(app):
    """Return method and path of every route, its parameters filled with a word."""
    found = set()
    for route in _flat(app.routes):
        path = "/static/app.css" if route.path == "/static" else route.path
        filled = "/".join("word" if "{" in part else part for part in path.split("/"))
        found |= {(method, filled) for method in getattr(route, "methods", None) or {"GET"}}
    return sorted(found)


def _flat(routes):
    for route in routes:
        if hasattr(route, "effective_candidates"):
            yield from _flat(route.effective_candidates())
        else:
            yield route if hasattr(route, "path") else route.starlette_route
