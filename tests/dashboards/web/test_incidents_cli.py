"""``meshscope incidents`` against a server on a socket."""

import json

import httpx
import pytest
from typer.testing import CliRunner

from alerts.incidents.cli import app
from collector.store.store import open_store
from dashboards.web.app import create_app
from tests.alerts.incidents.told import body
from tests.dashboards.running import free_port
from tests.dashboards.web.failing_shop import HOOK, fired, seed, serving
from tests.dashboards.web.serving import serve


@pytest.fixture(scope="module")
def url():
    with open_store() as store:
        seed(store)
        with serving(store) as given, serve(create_app(given)) as address:
            yield address


def run(url, *arguments):
    command, *rest = arguments
    return CliRunner().invoke(app, [command, "--url", url, *rest])


def test_an_incident_is_listed_shown_taken_noted_and_reported(url, tmp_path):
    assert run(url, "list").output == "no incidents\n"
    assert run(url, "list", "--check").exit_code == 0
    assert httpx.post(f"{url}{HOOK}", content=body(*fired())).status_code == 200

    (line,) = json.loads(run(url, "list", "--json").output)
    name = line["id"]
    assert run(url, "list", "--open", "--service", "payment", "--check").exit_code == 1
    table = run(url, "list").output
    assert name in table
    assert "3 of 3" in table
    taken = run(url, "ack", name, "--by", "ann", "--text", "on it")
    assert taken.output == f"acknowledged {name}: ErrorBudgetBurn of payment\n"
    assert json.loads(run(url, "note", name, "rolled back", "--by", "bob", "--json").output)["id"]

    shown = run(url, "show", name).output
    for part in ("open  page  ErrorBudgetBurn of payment", "taken by ann at",
                 "suggested cause: payment, by ", "  - response flag UH on ",
                 "  payment-availability: 3,850 of ", "note  bob  rolled back"):  # fmt: skip
        assert part in shown
    assert json.loads(run(url, "show", name, "--json").output)["cause"]["service"] == "payment"

    out = tmp_path / "review.md"
    assert run(url, "report", name, "-o", str(out)).output == f"wrote {out}\n"
    assert out.read_text().startswith(f"# Incident {name}")
    assert run(url, "report", name, "--format", "html").output.startswith("<!doctype html>")


def test_what_is_wrong_is_told_with_an_exit_code(url):
    told = run(url, "show", "nope")
    assert (told.exit_code, "There is no incident named nope." in told.output) == (2, True)
    away = run(f"http://127.0.0.1:{free_port()}", "list")
    assert away.exit_code == 3
    assert "hint: start one with `meshscope demo`" in away.output
    assert run("not a url", "list").exit_code == 3
