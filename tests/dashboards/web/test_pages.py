"""The pages: what the server renders, and what it lets a browser load."""

import re
from dataclasses import replace

import pytest

from dashboards.web.app import create_app
from tests.collector.rollups import put
from tests.dashboards.web.seeded import CART, MINUTE_AGO_S, availability, deps
from tests.dashboards.web.visitor import Visitor

PAGES = ("/topology", "/services", "/slos", "/slos/cart-availability", "/collector")


def test_the_front_door_leads_to_the_topology_and_keeps_the_range(client):
    answer = client.get("/?from=now-1h&to=now")

    assert answer.status_code == 307
    assert answer.headers["location"].endswith("/topology?from=now-1h&to=now")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_carries_the_range_to_the_other_pages(client, path):
    text = client.get(f"{path}?from=now-6h&to=now").text

    for other in ("/topology", "/services", "/slos"):
        assert f'href="{other}?from=now-6h&amp;to=now"' in text
    assert "Last 6 hours" in text


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_only_our_own_script_files(client, path):
    answer = client.get(path)

    assert "script-src 'self';" in answer.headers["content-security-policy"]
    assert re.findall(r"<script(?![^>]* src=\"/static/)[^>]*>", answer.text) == []
    assert " style=" not in answer.text
    assert not re.search(r"\son[a-z]+=", answer.text)


def test_services_show_ratio_neighbours_and_silence(client):
    text = client.get("/services").text

    assert 'data-service="cart"' in text
    assert "20.0 %" in text
    assert "10 min ago" in text
    assert "silent" in text


def test_slos_show_state_budget_and_firing_windows(client):
    text = client.get("/slos").text

    assert 'data-slo="cart-availability" data-state="exhausted"' in text
    assert "Exhausted" in text
    assert text.index("cart-availability") < text.index("frontend-availability")


def test_slos_of_one_service_can_be_shown_alone(client):
    text = client.get("/slos?service=frontend").text

    assert 'data-slo="frontend-availability"' in text
    assert 'data-slo="cart-availability"' not in text


def test_a_store_without_data_says_what_to_do(empty_client):
    assert "Point the OTLP exporters" in empty_client.get("/topology").text
    assert "No services in this range" in empty_client.get("/services").text
    assert "No SLOs yet" in empty_client.get("/slos").text


@pytest.mark.parametrize(
    ("path", "status"), [("/slos/nope", 404), ("/x", 404), ("/slos?from=x", 400)]
)
def test_a_page_that_fails_is_still_a_page(client, path, status):
    answer = client.get(path)

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert f'data-status="{status}"' in answer.text


def test_names_from_telemetry_never_become_markup(store):
    evil = '<img src=x onerror="alert(1)">'
    put(store, replace(CART, destination=evil), 9, [(MINUTE_AGO_S, 5, 5)])
    slos = (availability(name=evil, service=evil),)
    client = Visitor(create_app(deps(store, slos=slos)))

    texts = [client.get(path).text for path in ("/services", "/slos", f"/slos?service={evil}")]

    assert all("<img src=x" not in text for text in texts)
    assert all("&lt;img" in text for text in texts)


def test_the_theme_of_the_cookie_is_rendered_and_others_are_ignored(client):
    assert 'data-theme="dark"' in client.get("/slos", cookies={"theme": "dark"}).text


def test_a_theme_that_we_do_not_have_is_ignored(client):
    assert "data-theme" not in client.get("/slos", cookies={"theme": 'x" onload="y'}).text


def test_grafana_is_linked_when_there_is_one(store):
    client = Visitor(create_app(deps(store, grafana_url="http://grafana:3000")))

    assert 'href="http://grafana:3000"' in client.get("/slos").text


@pytest.mark.parametrize("path", ["/nope", "/runbooks"])
def test_a_page_without_a_range_offers_none(client, path):
    text = client.get(path).text

    assert 'href="/services"' in text
    assert 'id="picker"' not in text
