"""The pages of the runbooks: found where the alerts look, and safe to show."""

import re
from dataclasses import replace

import pytest

from alerts.runbooks import read_runbook, runbook_names
from dashboards.web.app import create_app
from dashboards.web.routers.runbooks import rendered
from tests.dashboards.web.seeded import availability, deps
from tests.dashboards.web.visitor import Visitor


@pytest.mark.parametrize("name", runbook_names())
def test_a_runbook_is_a_page_of_the_site(client, name):
    answer = client.get(f"/runbooks/{name}", cookies={"theme": "dark"})

    assert answer.status_code == 200
    assert f"<h1>{read_runbook(name).title}</h1>" in answer.text
    assert "<table>" in answer.text
    assert 'class="language-promql"' in answer.text
    assert 'data-theme="dark"' in answer.text
    assert 'href="/topology"' in answer.text
    assert "meshscope 1.2.3" in answer.text


@pytest.mark.parametrize("name", runbook_names())
def test_every_page_that_a_runbook_links_to_is_there(client, name):
    links = re.findall(r'href="([^"]+)"', rendered(read_runbook(name).markdown))

    assert links
    assert {link: client.get(link).status_code for link in links} == dict.fromkeys(links, 200)


@pytest.mark.parametrize("name", runbook_names())
def test_every_address_of_the_server_in_a_command_is_there(client, name):
    paths = re.findall(r"http://127\.0\.0\.1:8428(/\S*)", read_runbook(name).markdown)

    assert {path: client.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)


def test_the_index_lists_every_runbook_and_every_page_leads_to_it(client):
    text = client.get("/runbooks").text

    for name in runbook_names():
        assert f'<a href="/runbooks/{name}">{read_runbook(name).title}</a>' in text
    assert 'href="/runbooks">Runbooks</a>' in client.get("/services").text


def test_an_unknown_runbook_is_a_404_with_those_that_there_are(client):
    answer = client.get("/runbooks/%3Cb%3Ex")

    assert answer.status_code == 404
    assert 'data-status="404"' in answer.text
    assert "&lt;b&gt;x" in answer.text
    assert all(f'href="/runbooks/{name}"' in answer.text for name in runbook_names())


@pytest.mark.parametrize("evil", ["<script>x</script>", "<img src=x onerror=y>", "a <b>b</b>"])
def test_markup_in_a_text_is_shown_and_not_run(evil):
    assert not re.search(r"<(script|img|b)\b", rendered(evil))


def test_a_link_that_would_run_a_script_stays_text():
    assert "href" not in rendered("[x](javascript:alert(1))")


def test_an_slo_leads_to_the_runbook_of_its_alert(client):
    assert 'href="/runbooks/error-budget-burn"' in client.get("/slos/cart-availability").text


def test_an_slo_with_a_runbook_of_its_own_leads_there(store):
    own = {"meshscope.dev/runbook-url": "https://wiki.test/cart"}
    slos = (replace(availability(), annotations=own),)
    client = Visitor(create_app(deps(store, slos=slos)))

    assert 'href="https://wiki.test/cart"' in client.get("/slos/cart-availability").text
