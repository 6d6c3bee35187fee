"""Who is let in where: every route of the app is asked, so that a new one cannot be forgotten."""

import pytest

from collector.receiver.access import Access
from collector.receiver.tokens import Tokens
from dashboards.web.access.caller import WebAccess
from dashboards.web.access.roles import ASKING, OPEN, OWN_CHECK, READING
from dashboards.web.app import create_app
from tests.dashboards.web.access.asked import (
    ADMIN,
    STRANGER,
    VIEWER,
    asking,
    basic,
    bearer,
    logged_in,
    questions,
    web_access,
)
from tests.dashboards.web.seeded import NOW_S, deps
from tests.dashboards.web.visitor import Visitor

ENDLESS = ("GET", "/api/topology/stream")
LOGIN = ("POST", "/login")
CORRECTION = {
    "objectives": ["cart-latency"],
    "from": "2027-01-15T07:00:00Z",
    "to": "2027-01-15T07:10:00Z",
    "by": "ann",
    "why": "an upgrade",
}


@pytest.fixture(scope="module")
def routes(store):
    found = questions(create_app(deps(store)))
    assert len(found) > 90, "the routes are no longer found"
    return found


def statuses(visitor, routes, **options):
    return {
        (method, path): visitor.request(method, path, **options).status_code
        for method, path in routes
        if path not in OWN_CHECK
    }


@pytest.mark.parametrize("headers", [{}, bearer(STRANGER), {"Cookie": "meshscope_session=AAAA"}])
def test_no_route_answers_without_a_token_but_the_open_ones(visitor, routes, headers):
    found = statuses(visitor, routes, headers=headers)
    answered = {path for (_, path), status in found.items() if status not in {401, 303}}
    sent_to_login = {question for question, status in found.items() if status == 303}

    assert answered == (OPEN - {"/logout"}) | {"/static/app.css"}
    assert {method for method, _ in sent_to_login} <= READING | {"POST"}
    assert {path for method, path in sent_to_login if method == "POST"} == {"/logout"}
    assert all(not path.startswith(("/api", "/metrics", "/tempo")) for _, path in sent_to_login)


def test_a_path_that_is_not_there_is_refused_like_all_others(visitor):
    assert visitor.get("/api/nothing").status_code == 401
    assert visitor.get("/static/../api/slos").status_code in {401, 404}
    assert visitor.get("//healthz").status_code in {401, 303}


@pytest.mark.parametrize("host", ["x/healthz?", "x/static/", "x/login#", "x/api/v1/write?"])
def test_a_host_that_looks_like_an_open_path_opens_nothing(visitor, host):
    assert visitor.get("/api/slos", headers={"Host": host}).status_code == 401
    assert visitor.get("/slos", headers={"Host": host}).status_code == 303


@pytest.mark.parametrize("path", ["/healthz%3F", "/login%23", "/static%2Fapp.css", "/healthz/"])
def test_a_path_that_is_written_oddly_opens_nothing_else(visitor, path):
    assert visitor.get(path).status_code in {200, 303, 401, 404}
    assert visitor.get(f"{path}/../api/slos").status_code in {303, 401, 404}


def test_a_viewer_may_look_at_all_and_change_nothing(visitor, routes):
    routes = set(routes) - {ENDLESS, LOGIN}
    found = statuses(visitor, routes, headers=bearer(VIEWER))
    refused = {question for question, status in found.items() if status in {401, 403}}
    changes = {
        (method, path)
        for method, path in found
        if method not in READING and path not in ASKING | OPEN
    }

    assert refused == changes
    assert ("POST", "/api/slos/corrections") in changes


def test_an_admin_is_refused_nothing(visitor, routes):
    routes = set(routes) - {ENDLESS, LOGIN}
    found = statuses(visitor, routes, headers=bearer(ADMIN))
    assert not {401, 403} & set(found.values())


def test_a_server_without_tokens_asks_nobody(store, routes):
    open_to_all = Visitor(create_app(deps(store)))
    routes = set(routes) - {ENDLESS, LOGIN}
    assert not {401, 403} & set(statuses(open_to_all, routes).values())
    assert open_to_all.get("/login").headers["location"] == "/topology"


@pytest.mark.parametrize("shown", [bearer, basic])
@pytest.mark.parametrize("token", [ADMIN, VIEWER])
@pytest.mark.parametrize(
    "path",
    ["/api/slos", "/metrics", "/metrics/mesh", "/api/v1/query?query=1", "/tempo/api/echo",
     "/jaeger/api/services", "/topology"],
)  # fmt: skip
def test_a_token_is_shown_as_a_bearer_or_as_a_password(visitor, shown, token, path):
    assert visitor.get(path, headers=shown(token)).status_code == 200
    assert visitor.get(path, headers=shown(f"{token}x")).status_code in {401, 303}


@pytest.mark.parametrize(
    "shown", ["", "Bearer", "Basic", "Basic %%%", "Basic YQ==", f"Digest {ADMIN}", ADMIN]
)
def test_what_is_no_token_is_refused_and_challenged(visitor, shown):
    answer = visitor.get("/api/slos", headers={"Authorization": shown})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="meshscope"'
    assert answer.json()["error"]["type"] == "unauthenticated"
    assert ADMIN not in answer.text


def test_who_has_both_roles_is_an_admin(store):
    access = WebAccess(Tokens.of(ADMIN), Tokens.of(ADMIN), clock_s=lambda: NOW_S)
    answer = asking(store, access).request("POST", "/api/slos/corrections", headers=bearer(ADMIN))
    assert answer.status_code == 400, "let in, and told that there is no body"


def test_with_tokens_of_viewers_alone_nobody_may_change(store):
    visitor = asking(store, WebAccess(None, Tokens.of(VIEWER), clock_s=lambda: NOW_S))
    assert visitor.get("/api/slos", headers=bearer(VIEWER)).status_code == 200
    answer = visitor.request("POST", "/api/slos/corrections", headers=bearer(VIEWER))
    assert (answer.status_code, answer.json()["error"]["type"]) == (403, "viewers_only_look")


def test_a_path_with_a_check_of_its_own_is_let_through(visitor):
    for path in OWN_CHECK:
        answer = visitor.request("POST", path, headers=bearer(STRANGER))
        assert answer.headers.get("www-authenticate") != 'Bearer realm="meshscope"', path


SITES = [
    ({"Origin": "http://mesh.test"}, True),
    ({"Origin": "https://mesh.test"}, True),
    ({"Origin": "https://mesh.example"}, True),
    ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Sec-Fetch-Site": "none"}, True),
    ({"Origin": "http://evil.test"}, False),
    ({"Origin": "http://mesh.test:81"}, False),
    ({"Origin": "http://mesh.test.evil"}, False),
    ({"Origin": "null"}, False),
    ({"Origin": ""}, False),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "same-site"}, False),
]


@pytest.mark.parametrize(("headers", "is_ours"), SITES)
def test_a_change_by_a_browser_comes_from_a_page_of_ours(visitor, headers, is_ours):
    cookies = logged_in(visitor, ADMIN)
    for options in ({"cookies": cookies, "headers": headers}, {"headers": headers | basic(ADMIN)}):
        answer = visitor.request("POST", "/api/slos/corrections", json=CORRECTION, **options)
        assert (answer.status_code == 403) == (not is_ours), answer.text
        if not is_ours:
            assert answer.json()["error"]["type"] == "wrong_origin"


@pytest.mark.parametrize("headers", [given for given, is_ours in SITES if not is_ours])
def test_a_bearer_token_is_no_browsers_and_looking_is_no_change(visitor, headers):
    cookies = logged_in(visitor, ADMIN)
    path = "/api/slos/corrections"
    sent = visitor.request("POST", path, json=CORRECTION, headers=headers | bearer(ADMIN))
    assert sent.json()["error"]["type"] == "refused", "there is no ledger, but it was asked"
    assert visitor.get("/api/slos", cookies=cookies, headers=headers).status_code == 200


def test_a_session_without_a_word_of_the_browser_changes_nothing(visitor):
    cookies = logged_in(visitor, ADMIN)
    answer = visitor.request("POST", "/api/slos/corrections", json=CORRECTION, cookies=cookies)
    assert answer.json()["error"]["type"] == "wrong_origin"


def test_another_site_cannot_use_a_server_that_asks_nobody(store):
    open_to_all = Visitor(create_app(deps(store)))
    headers = {"Origin": "http://evil.test"}
    answer = open_to_all.request("POST", "/api/sql", json={"sql": "SELECT 1"}, headers=headers)
    assert answer.status_code == 403


def test_ten_wrong_tokens_a_minute_are_enough(store):
    now_s = [1000.0]
    access = web_access(clock_s=lambda: now_s[0])
    visitor = asking(store, access)
    for _ in range(50):
        assert visitor.get("/api/slos", headers=bearer("an-old-token-of-ours")).status_code == 401
    assert visitor.get("/api/slos", headers=bearer(ADMIN)).status_code == 200, "it is one guess"
    cookies = logged_in(visitor, VIEWER)
    for number in range(9):
        assert visitor.get("/api/slos", headers=bearer(f"guess-{number}")).status_code == 401

    answer = visitor.get("/api/slos", headers=bearer(ADMIN))
    form = visitor.request("POST", "/login", data={"token": ADMIN})
    assert (answer.status_code, form.status_code) == (429, 429)
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert visitor.get("/api/slos", cookies=cookies).status_code == 200, "who is in, stays in"

    now_s[0] += 60
    assert visitor.get("/api/slos", headers=bearer(ADMIN)).status_code == 200
    refused = {reason: number for (reason,), number in access.refused.values().items()}
    assert refused == {"wrong_token": 59, "too_many_tries": 2}


def test_tokens_are_replaced_while_the_server_runs(store, tmp_path):
    admins, viewers = tmp_path / "admins", tmp_path / "viewers"
    admins.write_text(f"{ADMIN}\n")
    viewers.write_text(f"# Grafana\n{VIEWER}\n")
    tokens = (Tokens.of(path=admins), Tokens.of(path=viewers))
    visitor = asking(store, WebAccess(*tokens, clock_s=lambda: NOW_S))
    sessions = {token: logged_in(visitor, token) for token in (ADMIN, VIEWER)}

    admins.write_text("another-admin-of-the-tests\n")
    assert visitor.get("/api/slos", headers=bearer(ADMIN)).status_code == 401
    assert visitor.get("/api/slos", cookies=sessions[ADMIN]).status_code == 401, "it ends with it"
    assert visitor.get("/api/slos", headers=bearer("another-admin-of-the-tests")).is_success
    assert visitor.get("/api/slos", cookies=sessions[VIEWER]).status_code == 200

    viewers.write_text("short\n")
    assert visitor.get("/api/slos", headers=bearer(VIEWER)).status_code == 200, "half a file"
    admins.write_text(f"{VIEWER}\n")
    answer = visitor.request("POST", "/api/slos/corrections", headers=bearer(VIEWER))
    assert answer.status_code == 400, "the viewer has become an admin"


def test_no_token_is_logged(visitor, caplog):
    caplog.set_level(0)
    visitor.get("/api/slos", headers=bearer(STRANGER))
    visitor.request("POST", "/login", data={"token": STRANGER})
    logged_in(visitor, ADMIN)
    assert STRANGER not in caplog.text
    assert ADMIN not in caplog.text


def test_remote_write_takes_tokens_of_otlp_and_of_admins():
    access = Access(tokens=Tokens.of("an-agent-of-the-tests") | Tokens.of(ADMIN))
    assert access.admit("Bearer an-agent-of-the-tests")
    assert access.admit(basic(ADMIN)["Authorization"])
    assert not access.admit(f"Bearer {VIEWER}")
