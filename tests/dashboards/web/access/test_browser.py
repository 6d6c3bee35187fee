"""Chromium at a server that asks: in by the form, out by the button, and out with the token."""

import time

import pytest
from playwright.sync_api import expect, sync_playwright

from collector.edges import latency_bucket
from collector.receiver.tokens import Tokens
from collector.store.store import open_store
from dashboards.web.access.caller import WebAccess
from dashboards.web.app import create_app
from tests.collector.rollups import put
from tests.dashboards.web.access.asked import VIEWER
from tests.dashboards.web.seeded import FRONTEND, SLOS, deps
from tests.dashboards.web.serving import serve
from tests.dashboards.web.test_browser import CHROMIUM

pytestmark = pytest.mark.e2e


@pytest.fixture
def tokens(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(f"{VIEWER}\n")
    return path


@pytest.fixture
def url(tokens):
    access = WebAccess(None, Tokens.of(path=tokens), clock_s=time.time)
    with open_store() as store:
        now_s = int(time.time())
        put(store, FRONTEND, 1, [(now_s, 100, 100)], [(now_s, latency_bucket(20_000), 100)])
        app = create_app(deps(store, slos=SLOS, clock_s=time.time, access=access), tick_s=0.2)
        with serve(app) as base:
            yield base


@pytest.fixture
def page(url):
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = browser.new_page()
        page.set_default_timeout(15_000)
        yield page
        browser.close()


def log_in(page, token):
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Log in").click()


def test_a_person_logs_in_sees_the_live_graph_and_logs_out(page, url):
    page.goto(f"{url}/topology?from=now-15m&to=now")
    log_in(page, "not-a-token-of-ours")
    expect(page.get_by_role("alert")).to_have_text("That is no token of this server.")
    log_in(page, VIEWER)
    page.wait_for_url("**/topology?from=now-15m&to=now")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    expect(page.locator("#summary")).to_contain_text("requests/s")
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert page.evaluate("document.cookie") == ""

    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    page.goto(f"{url}/slos")
    page.wait_for_url("**/login?next=%2Fslos")


@pytest.mark.parametrize("path", ["/slos/cart-latency", "/topology?from=now-1h&to=now"])
def test_an_open_page_goes_to_the_login_when_its_token_is_taken_away(page, url, tokens, path):
    page.goto(f"{url}{path}")
    log_in(page, VIEWER)
    page.wait_for_url(f"**{path}")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    tokens.write_text("another-token-of-the-tests\n")
    if path.startswith("/topology"):
        page.evaluate("document.querySelector('#live').click()")
        page.evaluate("document.querySelector('#live').click()")  # the stream is asked for anew
    page.wait_for_url("**/login?next=**")
