"""The pages in a real browser: what an SRE sees, and sees change, without a reload."""

import time
from contextlib import closing
from dataclasses import replace

import pytest
from playwright.sync_api import expect, sync_playwright

from collector.edges import latency_bucket
from collector.receiver.export import export
from collector.receiver.intake import Intake
from collector.receiver.listening import Listening
from collector.redaction.policy import Policy
from collector.redaction.redactor import Redactor
from collector.store.store import open_store
from collector.store.writer import Writer
from dashboards.selfwatch import Selfwatch
from dashboards.web.app import create_app
from tests.collector.exports import requests
from tests.collector.rollups import put
from tests.dashboards.web.seeded import CART, CART_FAILED, FRONTEND, SLOS, deps
from tests.dashboards.web.serving import serve

pytestmark = pytest.mark.e2e

CHROMIUM = "/usr/bin/chromium"
TICK_S = 0.2


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield launched
        launched.close()


@pytest.fixture
def store():
    with open_store() as opened:
        yield opened


@pytest.fixture
def url(store):
    with serve(create_app(deps(store, slos=SLOS, clock_s=time.time), tick_s=TICK_S)) as base:
        yield base


@pytest.fixture
def page(browser, url):  # it asks for the url, so that the browser leaves before the server does
    context = browser.new_context(viewport={"width": 1300, "height": 900}, color_scheme="light")
    opened = context.new_page()
    opened.set_default_timeout(10_000)
    troubles = []
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("console", lambda said: said.type == "error" and troubles.append(said.text))
    yield opened
    context.close()
    assert troubles == []


def shop(store):
    """Store 100 requests to the frontend and as many to the cart, just now."""
    now_s = int(time.time())
    put(store, FRONTEND, 1, [(now_s, 100, 100)], [(now_s, latency_bucket(20_000), 100)])
    put(store, CART, 2, [(now_s, 100, 100)], [(now_s, latency_bucket(5_000), 100)])
    return now_s


def positions(page):
    """Return where each node is, once the layout is done: until then all lie at one point."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = graph_says(page, "nodes().map(node => [node.id(), node.position()])")
        if len({(at["x"], at["y"]) for _, at in found}) > 1:
            return {name: (at["x"], at["y"]) for name, at in found}
        page.wait_for_timeout(50)
    raise AssertionError("the graph was not laid out within 20 s")


def graph_says(page, script):
    return page.evaluate(f"window.meshscope.graph.{script}")


def test_the_graph_and_its_table_show_every_service_and_call(page, url, store):
    shop(store)

    page.goto(f"{url}/")

    row = page.locator("tr[data-source=frontend][data-destination=cart]")
    expect(row).to_contain_text("100")
    expect(page.locator("li[data-service]")).to_have_count(3)
    assert sorted(graph_says(page, "nodes().map(node => node.id())")) == [
        "cart",
        "external",
        "frontend",
    ]
    assert graph_says(page, "getElementById('frontend>cart').data('lock')") == "closed"
    assert graph_says(page, "getElementById('external>frontend').data('lock')") == "open"
    expect(page.locator("#live")).to_have_attribute("data-state", "live")


def test_new_rows_change_numbers_and_health_without_a_reload_or_a_new_layout(page, url, store):
    now_s = shop(store)
    page.goto(f"{url}/topology")
    row = page.locator("tr[data-source=frontend][data-destination=cart]")
    expect(row).to_have_attribute("data-health", "ok")
    page.evaluate("window.sameDocument = true")
    before = positions(page)

    put(store, CART_FAILED, 3, [(now_s, 50, 50)], [(now_s, latency_bucket(90_000), 50)])

    expect(row).to_have_attribute("data-health", "bad")
    expect(row.locator("[data-cell=requests]")).to_have_text("150")
    assert graph_says(page, "getElementById('cart').data('health')") == "bad"
    assert positions(page) == before
    assert page.evaluate("window.sameDocument") is True


def test_a_first_request_replaces_the_empty_state(page, url, store):
    page.goto(f"{url}/topology")
    expect(page.locator("#empty")).to_contain_text("No traffic yet")

    shop(store)

    expect(page.locator("li[data-service=cart]")).to_be_visible()
    expect(page.locator("#empty")).to_be_hidden()


def test_a_service_that_comes_later_leaves_the_others_where_they_are(page, url, store):
    now_s = shop(store)
    page.goto(f"{url}/topology")
    expect(page.locator("li[data-service]")).to_have_count(3)
    before = positions(page)["cart"]

    put(store, replace(CART, destination="payment"), 7, [(now_s, 5, 5)])

    expect(page.locator("li[data-service=payment]")).to_be_visible()
    assert positions(page)["cart"] == before


def test_label_selection_and_range_live_in_the_url(page, url, store):
    shop(store)
    page.goto(f"{url}/topology?from=now-1h&to=now&label=p95")
    expect(page.locator("input[value=p95]")).to_be_checked()
    expect(page.locator("li[data-service=cart]")).to_be_visible()
    assert graph_says(page, "getElementById('frontend>cart').data('label')").endswith("ms")

    page.locator("tr[data-source=frontend] button").click()

    expect(page.locator("#panel")).to_contain_text("mutual TLS")
    assert "selected=frontend%3Ecart" in page.url
    page.locator(".segments span", has_text="Errors").click()
    assert "label=errors" in page.url
    page.reload()
    expect(page.locator("#panel-title")).to_contain_text("frontend → cart")
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_url("**/services?from=now-1h&to=now")


def test_the_theme_is_switched_by_a_key_and_stays(page, url, store):
    shop(store)
    page.goto(f"{url}/services")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")

    page.keyboard.press("d")

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.goto(f"{url}/slos")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_pausing_holds_the_numbers_and_the_badge_says_so(page, url, store):
    now_s = shop(store)
    page.goto(f"{url}/topology")
    requests = page.locator("tr[data-source=frontend] [data-cell=requests]")
    expect(requests).to_have_text("100")

    page.keyboard.press("p")
    put(store, CART_FAILED, 3, [(now_s, 50, 50)])
    page.wait_for_timeout(TICK_S * 4000)

    expect(page.locator("#live")).to_have_attribute("data-state", "paused")
    expect(requests).to_have_text("100")
    page.keyboard.press("p")
    expect(requests).to_have_text("150")


def test_a_column_sorts_by_its_numbers(page, url, store):
    shop(store)
    page.goto(f"{url}/services")

    page.get_by_role("button", name="p95").click()

    first = page.locator("#services tbody tr").first
    expect(first).to_have_attribute("data-service", "frontend")
    assert "sort=-p95" in page.url


def test_an_slo_page_draws_its_charts_and_holds_the_same_as_a_table(page, url, store):
    shop(store)
    page.goto(f"{url}/slos")
    page.get_by_role("link", name="cart-availability").click()

    expect(page.locator(".chart canvas")).to_have_count(2)
    page.get_by_text("The same as a table").click()
    expect(page.locator("#series tbody tr").first).to_contain_text("100")


@pytest.mark.parametrize("path", ["/topology", "/services", "/slos", "/slos/cart-availability"])
def test_a_page_fits_a_phone(page, url, store, path):
    shop(store)
    page.set_viewport_size({"width": 360, "height": 760})

    page.goto(f"{url}{path}")
    expect(page.locator("h1")).to_have_count(1)

    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.fixture
def collecting(store):
    """Serve an app with its collector; yields (url, Intake)."""
    with closing(Writer(store)) as writer:
        watch = Selfwatch(writer, store.path, time.time)
        keeper = Listening(writer, watch.exporters, time.time)
        intake = Intake(keeper, Redactor(Policy()).redact, watch.received, "grpc")
        served = replace(deps(store, slos=SLOS, clock_s=time.time), selfwatch=watch)
        with serve(create_app(served, tick_s=TICK_S)) as base:
            yield base, intake


def test_the_collector_page_fills_when_the_first_export_comes(page, collecting):
    base, intake = collecting
    page.goto(f"{base}/topology")
    page.get_by_role("link", name="Collector").click()
    expect(page.locator("#exporters-region")).to_contain_text("Nobody exports yet")
    expect(page.locator("tr[data-signal=metrics] [data-cell=accepted]")).to_have_text("0")

    now_ns = time.time_ns()
    export(intake, "metrics", requests(5, start_ns=now_ns, time_ns=now_ns), now_ns=now_ns)

    row = page.locator('tr[data-row^="frontend"]')
    expect(row).to_contain_text("heard", timeout=20_000)  # pages fetch themselves every 5 s
    expect(page.locator("tr[data-signal=metrics] [data-cell=accepted]")).to_have_text("1")
    expect(page.locator("[data-figure='Commit p99']")).to_contain_text("ms")
