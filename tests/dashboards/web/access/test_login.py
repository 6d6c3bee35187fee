"""The form: a token becomes a cookie, and nothing leads elsewhere."""

import pytest

from dashboards.web.access.sessions import COOKIE, LASTS_S
from tests.dashboards.web.access.asked import ADMIN, VIEWER, logged_in


def test_a_page_leads_to_the_form_and_the_form_back_to_the_page(visitor):
    sent = visitor.get("/slos?from=now-1h&to=now").headers["location"]
    assert sent == "/login?next=%2Fslos%3Ffrom%3Dnow-1h%26to%3Dnow"
    form = visitor.get(sent)
    assert 'value="/slos?from=now-1h&amp;to=now"' in form.text

    form = {"token": f" {VIEWER}\n", "next": "/slos?from=now-1h&to=now"}
    answer = visitor.request("POST", "/login", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/slos?from=now-1h&to=now")


@pytest.mark.parametrize(
    "next_",
    ["//evil.test", "/\\evil.test", "https://evil.test", "evil", "", "/\r\nX: y", "/\t/evil"],
)
def test_the_form_leads_nowhere_else(visitor, next_):
    answer = visitor.request("POST", "/login", data={"token": ADMIN, "next": next_})
    assert answer.headers["location"] == "/topology"


def test_the_cookie_is_hidden_from_scripts_and_from_other_sites(visitor):
    form = {"token": ADMIN}
    plain = visitor.request("POST", "/login", data=form).headers["set-cookie"]
    behind = visitor.request("POST", "/login", data=form, headers={"X-Forwarded-Proto": "https"})

    name, *attributes = plain.split("; ")
    assert name.startswith(f"{COOKIE}=")
    assert set(attributes) == {"HttpOnly", f"Max-Age={LASTS_S}", "Path=/", "SameSite=lax"}
    assert "Secure" in behind.headers["set-cookie"].split("; ")


@pytest.mark.parametrize(
    "body", ["", "token=", "token=wrong", "x" * 9000, "token=%ff%fe", "&".join(["a=b"] * 2000)]
)
def test_what_is_no_token_is_told_and_never_shown_again(visitor, body):
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = visitor.request("POST", "/login", content=body, headers=headers)
    assert answer.status_code == 401
    assert "That is no token of this server." in answer.text
    assert "wrong" not in answer.text
    assert "set-cookie" not in answer.headers


def test_a_session_looks_and_logs_out(visitor):
    cookies = logged_in(visitor, VIEWER)
    page = visitor.get("/slos", cookies=cookies)
    assert page.status_code == 200
    assert 'action="/logout"' in page.text
    assert visitor.get("/api/slos", cookies=cookies).status_code == 200

    ours = {"Origin": "http://mesh.test"}
    answer = visitor.request("POST", "/logout", cookies=cookies, headers=ours)
    assert answer.headers["location"] == "/login"
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert visitor.get("/api/slos", cookies=cookies).status_code == 401, "also if it was kept"


def test_another_site_cannot_log_anybody_out(visitor):
    cookies = logged_in(visitor, VIEWER)
    theirs = {"Origin": "http://evil.test"}
    assert visitor.request("POST", "/logout", cookies=cookies, headers=theirs).status_code == 403
    assert visitor.get("/api/slos", cookies=cookies).status_code == 200


def test_a_page_without_a_session_offers_no_logout(visitor):
    page = visitor.get("/slos", headers={"Authorization": f"Bearer {VIEWER}"})
    assert 'action="/logout"' not in page.text
