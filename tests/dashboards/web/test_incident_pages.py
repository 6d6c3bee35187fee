"""The pages of incidents: rendered, and in a real browser."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from collector.receiver.access import Access
from collector.receiver.tokens import Tokens
from collector.store.store import open_store
from dashboards.web.app import create_app
from tests.alerts.incidents.told import alert, body
from tests.dashboards.web.failing_shop import HOOK, fired, seed, serving
from tests.dashboards.web.serving import serve
from tests.dashboards.web.test_browser import browser  # noqa: F401 - a fixture
from tests.dashboards.web.visitor import Visitor


@pytest.fixture(scope="module")
def shop():
    with open_store() as store:
        seed(store)
        yield store


@pytest.fixture
def given(shop):
    with serving(shop) as found:
        yield found
    for table in ("told_alerts", "alert_groups", "incident_entries"):
        shop.cursor().execute(f"DELETE FROM {table}")


@pytest.fixture
def visitor(given):
    return Visitor(create_app(given))


def tell(visitor, *alerts):
    assert visitor.request("POST", HOOK, content=body(*alerts)).status_code == 200
    return visitor.get("/api/incidents").json()[0]["id"]


def test_without_incidents_the_page_says_how_to_point_an_alertmanager_here(visitor, shop):
    text = visitor.get("/incidents").text
    assert "No incidents yet" in text
    assert "url: http://mesh.test/api/v1/alertmanager/webhook" in text
    assert "credentials_file" not in text
    access = Access(tokens=Tokens.of("0123456789abcdef"))
    with serving(shop, access=access) as asking:
        assert "credentials_file" in Visitor(create_app(asking)).get("/incidents").text


def test_a_server_that_takes_nothing_says_how_to_start_one_that_does(client):
    assert "meshscope serve --store" in client.get("/incidents").text


def test_the_list_has_open_incidents_first_and_can_be_narrowed(visitor):
    tell(visitor, alert(service="search", at=-3000, until=-2900))
    name = tell(visitor, *fired())

    text = visitor.get("/incidents").text
    rows = re.findall(r'data-incident="([^"]+)" data-state="(\w+)"', text)
    assert rows[0] == (name, "open")
    assert rows[1][1] == "resolved"
    assert "nobody yet" in text
    narrowed = visitor.get("/incidents?service=search").text
    assert name not in narrowed
    assert "No incidents of nobody" in visitor.get("/incidents?service=nobody").text


def test_a_page_links_to_objective_topology_at_that_time_trace_and_runbook(visitor):
    name = tell(visitor, *fired(until=900))
    text = visitor.get(f"/incidents/{name}").text

    then = "from=1799998930&amp;to=1800001800"
    assert f'href="/topology?{then}&amp;selected=checkout%3Epayment"' in text
    assert f'href="/slos/payment-availability?{then}"' in text
    assert 'href="/runbooks/x"' in text
    assert f'href="/api/incidents/{name}/report"' in text
    for link in set(re.findall(r'href="(/(?:topology|slos|incidents)[^"]*)"', text)):
        assert visitor.get(link.replace("&amp;", "&")).status_code == 200, link


@pytest.mark.parametrize("evil", ["javascript:alert(1)", "//evil.test/x", "/\\evil.test", "data:x"])
def test_an_address_that_is_none_becomes_no_link(visitor, evil):
    one = alert()
    one["annotations"] = {"runbook_url": evil, "summary": "<img src=x onerror=y>"}
    one["generatorURL"] = evil
    text = visitor.get(f"/incidents/{tell(visitor, one)}").text
    assert f'href="{evil}' not in text
    assert "<img src=x" not in text


@pytest.mark.parametrize("path", ["/incidents", "/incidents/{name}"])
def test_a_page_runs_only_our_own_script_files_and_keeps_the_range(visitor, path):
    name = tell(visitor, *fired())
    answer = visitor.get(path.format(name=name) + "?from=now-6h&to=now")
    assert re.findall(r"<script(?![^>]* src=\"/static/)[^>]*>", answer.text) == []
    assert " style=" not in answer.text
    assert not re.search(r"\son[a-z]+=", answer.text)
    for other in ("/topology", "/services", "/slos"):
        assert f'href="{other}?from=now-6h&amp;to=now"' in answer.text


def test_an_incident_that_is_not_there_is_a_page_that_says_so(visitor):
    answer = visitor.get("/incidents/nope")
    assert answer.status_code == 404
    assert "There is no incident named nope." in answer.text


@pytest.fixture
def url(given):
    with serve(create_app(given)) as base:
        yield base


@pytest.fixture
def page(browser, url):  # noqa: F811 - it asks for the url, so that the browser leaves first
    context = browser.new_context(viewport={"width": 1300, "height": 900}, color_scheme="light")
    opened = context.new_page()
    opened.set_default_timeout(10_000)
    troubles = []
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("console", lambda said: said.type == "error" and troubles.append(said.text))
    yield opened
    context.close()
    assert troubles == []


@pytest.mark.e2e
def test_somebody_finds_takes_and_notes_an_incident_and_sees_it_end(page, url):
    page.goto(f"{url}/topology")
    page.keyboard.press("g")
    page.keyboard.press("i")
    expect(page.locator("#incidents-region")).to_contain_text("No incidents yet")
    assert httpx.post(f"{url}{HOOK}", content=body(*fired())).status_code == 200

    row = page.locator("tr[data-incident]")
    expect(row).to_contain_text("nobody yet", timeout=15_000)  # pages fetch themselves every 5 s
    page.get_by_role("link", name="ErrorBudgetBurn of payment").click()
    expect(page.locator("[data-cause=payment]")).to_be_visible()
    told = httpx.get(f"{url}/api/incidents/{row_id(page)}").json()
    (cost, *_) = told["impacts"]
    burnt = page.locator(f"[data-impact={cost['slo']}] [data-cell=bad]")
    expect(burnt).to_have_text(f"{cost['bad']:,}".replace(",", "\u2009"))
    expect(page.locator(".timeline li")).to_have_count(len(told["timeline"]))

    page.get_by_label("Your name").fill("ann")
    page.get_by_label("What others should know").fill("on it")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("Acknowledged by ann.")
    expect(page.locator("[data-figure=taken]")).to_contain_text("ann")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator("#said")).to_have_text("A note needs some words.")
    page.get_by_label("What others should know").fill("rolled <b>back</b>")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".timeline li[data-kind=note]")).to_contain_text("ann: rolled <b>back</b>")

    assert httpx.post(f"{url}{HOOK}", content=body(*fired(until=900))).status_code == 200
    page.reload()
    expect(page.locator("#incident-region")).to_have_attribute("data-state", "resolved")
    expect(page.get_by_label("Your name")).to_have_value("ann")
    page.get_by_role("link", name="topology at that time").click()
    expect(page.locator("tr[data-source=checkout]")).to_contain_text("payment")


def row_id(page):
    return page.locator("#incident-region").get_attribute("data-incident")


@pytest.mark.e2e
def test_the_pages_fit_a_phone_in_the_dark_and_every_control_has_a_name(page, url):
    httpx.post(f"{url}{HOOK}", content=body(*fired()))
    name = httpx.get(f"{url}/api/incidents").json()[0]["id"]
    page.set_viewport_size({"width": 360, "height": 760})
    page.emulate_media(color_scheme="dark")
    for path in ("/incidents", f"/incidents/{name}"):
        page.goto(f"{url}{path}")
        expect(page.locator("h1")).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        nameless = page.evaluate(
            "[...document.querySelectorAll('main a, button, input, summary')].filter((one) =>"
            " !(one.innerText || one.labels?.length || one.textContent.trim())).length"
        )
        assert nameless == 0
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
        assert len(ids) == len(set(ids))
