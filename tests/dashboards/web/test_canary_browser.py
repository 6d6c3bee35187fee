"""The page of a canary in a real browser: what it shows is what the API says."""

import time

import pytest
from playwright.sync_api import expect, sync_playwright

from collector.store.store import open_store
from dashboards.web.app import create_app
from tests.dashboards.web.canary_shop import seed_canary
from tests.dashboards.web.seeded import deps
from tests.dashboards.web.serving import serve

pytestmark = pytest.mark.e2e

NOW_S = int(time.time()) // 10 * 10


def test_from_the_services_to_the_verdict_and_the_buckets_behind_the_chart():
    with open_store() as store, sync_playwright() as playwright:
        seed_canary(store, canary=40, canary_errors=4, baseline_errors=1, to_s=NOW_S)
        with serve(create_app(deps(store, slos=(), clock_s=lambda: NOW_S + 5))) as url:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport={"width": 1300, "height": 900})
            page.set_default_timeout(10_000)
            troubles = []
            page.on("pageerror", lambda error: troubles.append(str(error)))
            page.on("console", lambda said: said.type == "error" and troubles.append(said.text))

            page.goto(f"{url}/services")
            page.get_by_role("link", name="compare").click()
            expect(page.locator("[data-verdict]")).to_have_attribute("data-verdict", "roll_back")
            link = page.get_by_role("link", name="JSON").get_attribute("href")
            found = page.evaluate("path => fetch(path).then(a => a.json())", link)
            expect(page.locator("#distribution canvas")).to_be_visible()
            page.get_by_text("The same as a table").click()
            rows = page.locator("#buckets tbody tr")
            expect(rows).to_have_count(len(found["distribution"]["bound_ms"]))
            shown = [row.locator("td").first.inner_text() for row in rows.all()]
            counts = [int(text.replace("\N{THIN SPACE}", "")) for text in shown]
            assert counts == found["distribution"]["canary"]
            assert "2\N{THIN SPACE}400" in page.locator("[data-row=canary]").inner_text()

            page.get_by_label("Errors may rise by").fill("0.2")
            page.get_by_label("errors alone").check()
            page.get_by_role("button", name="Compare").click()
            expect(page.locator("[data-verdict]")).to_have_attribute("data-verdict", "promote")
            expect(page.locator(".reasons")).to_contain_text("more than before is proven")
            browser.close()
            assert troubles == []
