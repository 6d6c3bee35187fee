"""What-if, the gate and reports: the API, and the command line against it on a real socket."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from dashboards.web.app import create_app
from slo.cli import app as slo_app
from slo.ledger import Ledger
from slo.openslo import parse_openslo
from tests.dashboards.web.seeded import availability, deps
from tests.dashboards.web.serving import serve
from tests.dashboards.web.visitor import Visitor

WHATIF = "/api/slos/frontend-availability/whatif"


@pytest.fixture
def url(store):
    with serve(create_app(deps(store))) as address:
        yield address


def _run(*arguments):
    return CliRunner().invoke(slo_app, list(arguments))


def test_a_whatif_replays_the_objective_as_it_is_now(client):
    (found,) = client.get("/api/slos/cart-availability/whatif?since=1d&every=10s").json()[
        "backtests"
    ]
    live = client.get("/api/slos/cart-availability").json()

    assert (found["good"], found["total"]) == (live["good"], live["total"])
    assert found["budget_remaining_ratio"] == live["budget_remaining_ratio"]
    firing = {f"{t['severity']}-{t['long']}" for t in live["burn_rates"] if t["firing"]}
    assert {one["tier"] for one in found["firings"] if one["is_open"]} == firing
    assert "page-1h cannot fire" in found["notes"][0]


def test_a_whatif_takes_targets_windows_and_tables(client):
    asked = f"{WHATIF}?target=99&target=99.95&window=7d&profile=three_x_30d&since=6h"
    found = client.get(asked).json()["backtests"]

    assert [(one["target"], one["window"]) for one in found] == [(0.99, "7d"), (0.9995, "7d")]
    assert [tier["tier"] for tier in found[0]["tiers"]] == ["page-6h", "ticket-3d"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("target=100", "target: a target of 100 % leaves no error budget"),
        ("target=x", "target: a target must be a percent"),
        ("profile=none", "profile: must be one of own, google_30d, three_x_30d"),
        ("every=15s", "every: must be a multiple of 10 s"),
        ("since=500w&every=10s", "every: asks for more than"),
        ("window=90s", "window: must be whole minutes"),
        ("since=soon", "since=soon: expected a duration"),
    ],
)
def test_a_whatif_that_cannot_be_read_says_which_parameter(client, asked, told):
    answer = client.get(f"{WHATIF}?{asked}")

    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(told)


def test_a_whatif_of_nobody_is_a_404(client):
    assert client.get("/api/slos/nope/whatif").status_code == 404


def test_the_gate_decides_by_service(client):
    cart = client.get("/api/slos/gate?service=cart").json()
    frontend = client.get("/api/slos/gate?service=frontend").json()

    assert cart["decision"] == "no_go"
    assert any("exhausted" in reason for reason in cart["reasons"])
    assert (frontend["decision"], frontend["reasons"]) == ("go", [])
    assert client.get("/api/slos/gate?service=nobody").json()["decision"] == "unknown"
    assert client.get("/api/slos/gate").status_code == 400
    assert client.get("/api/slos/gate?service=cart&min_budget=101").status_code == 400


def test_the_gate_command_exits_by_the_decision(url):
    go = _run("gate", "frontend", "--url", url)
    no_go = _run("gate", "cart", "--url", url)
    unknown = _run("gate", "nobody", "--json", "--url", url)
    away = _run("gate", "cart", "--url", "http://127.0.0.1:9")

    assert (go.exit_code, go.output) == (0, "go: frontend\n")
    assert no_go.exit_code == 1
    assert no_go.output.startswith("no-go: cart\n  cart-")
    assert (unknown.exit_code, json.loads(unknown.output)["decision"]) == (2, "unknown")
    assert away.exit_code == 2
    strict = _run("gate", "frontend", "--max-burn", "0", "--min-budget", "100", "--url", url)
    assert strict.exit_code == 0


def test_a_report_is_a_file_in_three_formats(client):
    page = client.get("/api/slos/report?period=7d")
    text = client.get("/api/slos/report?period=7d&format=markdown&service=cart")
    data = client.get("/api/slos/report?period=2027-01&format=json&zone=Asia/Kolkata").json()

    assert page.headers["content-disposition"] == 'attachment; filename="slo-report-7d.html"'
    assert "Plotly.newPlot" in page.text
    assert text.headers["content-type"].startswith("text/markdown")
    assert "## cart-availability" in text.text
    assert "frontend" not in text.text
    assert (data["period"], data["zone"], len(data["objectives"])) == ("2027-01", "Asia/Kolkata", 3)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("period=soon", "period: 'soon' is no period"),
        ("period=2099", "period: 2099 has not begun"),
        ("zone=Nowhere", "period: no time zone is called 'Nowhere'"),
        ("format=pdf", "format: "),
    ],
)
def test_a_report_that_cannot_be_made_says_why(client, asked, told):
    answer = client.get(f"/api/slos/report?{asked}")

    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(told)


def test_the_slo_page_leads_to_the_report(client):
    assert 'href="/api/slos/report?period=30d"' in client.get("/slos").text
    of_one = client.get("/slos?service=cart").text
    assert 'href="/api/slos/report?period=30d&amp;service=cart"' in of_one


def test_the_report_command_writes_a_file(url, tmp_path):
    out = tmp_path / "report.html"
    written = _run("report", "--period", "7d", "--format", "html", "-o", str(out), "--url", url)
    shown = _run("report", "--period", "7d", "--url", url)

    assert (written.exit_code, written.output) == (0, f"wrote {out}\n")
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert shown.output.startswith("# Service levels, 7d\n")
    assert _run("report", "--period", "x", "--url", url).exit_code == 2


MAINTENANCE = {
    "objectives": ["cart-availability"],
    "from": "2027-01-15T07:00:00Z",
    "to": "2027-01-15T08:00:00Z",
    "by": "ann",
    "why": "database upgrade",
}
"""An hour that holds all of the seeded traffic."""


@pytest.fixture
def correcting(store, tmp_path):
    return Visitor(create_app(deps(store, ledger=Ledger(tmp_path / "corrections.yaml"))))


def test_a_correction_recomputes_one_objective_until_it_is_withdrawn(correcting):
    def totals():
        rows = correcting.get("/api/slos").json()
        return {row["name"]: (row["total"], row["corrected_s"]) for row in rows}

    before = totals()
    made = correcting.request("POST", "/api/slos/corrections", json=MAINTENANCE)
    after = totals()
    path = f"/api/slos/corrections/{made.json()['id']}/withdraw"
    taken = correcting.request("POST", path, json={"by": "bob", "why": "it was fine"})

    assert (made.status_code, taken.status_code) == (201, 200)
    assert before["cart-availability"] == (100, 0)
    assert after == before | {"cart-availability": (0, 3600)}
    assert totals() == before
    (kept,) = correcting.get("/api/slos/corrections").json()
    assert (kept["by"], kept["withdrawn"]["by"]) == ("ann", "bob")


def test_every_answer_about_an_objective_is_corrected(correcting):
    correcting.request("POST", "/api/slos/corrections", json=MAINTENANCE)
    one = correcting.get("/api/slos/cart-availability").json()
    found = correcting.get("/api/slos/cart-availability/whatif?since=1h").json()["backtests"]
    report = correcting.get("/api/slos/report?period=7d&format=json&service=cart").json()

    assert (one["state"], sum(one["series"]["total"])) == ("no_data", 0)
    assert found[0]["total"] == 0
    by_name = {row["name"]: row for row in report["objectives"]}
    assert by_name["cart-availability"]["attainment"]["total"] == 0
    assert "60 minutes do not count" in by_name["cart-availability"]["notes"][0]
    assert by_name["cart-latency"]["attainment"]["total"] == 100
    assert correcting.get("/api/slos/gate?service=cart").json()["decision"] == "no_go"
    assert "do not count, by" in correcting.get("/slos/cart-availability").text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"objectives": ["nope"]}, "no objective is named nope"),
        ({"to": "2027-01-15T06:00:00Z"}, "must end after it begins"),
        ({"to": "2027-01-15T08:00:30Z"}, "at whole minutes"),
        ({"from": "2027-01-15T07:00:00"}, "from: "),
        ({"why": ""}, "why: "),
        ({"by": " "}, "who made it"),
    ],
)
def test_a_correction_that_cannot_be_is_refused_and_not_kept(correcting, change, told):
    answer = correcting.request("POST", "/api/slos/corrections", json=MAINTENANCE | change)

    assert answer.status_code == 400
    assert told in answer.json()["error"]["message"]
    assert correcting.get("/api/slos/corrections").json() == []


def test_a_server_without_a_ledger_corrects_nothing(client):
    answer = client.request("POST", "/api/slos/corrections", json=MAINTENANCE)

    assert answer.status_code == 400
    assert "MESHSCOPE_SLO_CORRECTIONS" in answer.json()["error"]["message"]
    assert client.get("/api/slos/corrections").json() == []


def test_the_correct_command_adds_lists_and_withdraws(store, tmp_path):
    app = create_app(deps(store, ledger=Ledger(tmp_path / "corrections.yaml")))
    with serve(app) as url:
        span = ("--from", "2027-01-15T07:00Z", "--to", "2027-01-15T08:00Z")
        who = ("--by", "ann", "--why", "upgrade")
        added = _run("correct", "add", "cart-availability", *span, *who, "--url", url)
        name = added.output.split()[-1]
        removed = _run("correct", "remove", name, "--by", "bob", "--why", "no", "--url", url)
        again = _run("correct", "remove", name, "--by", "bob", "--why", "no", "--url", url)
        listed = _run("correct", "list", "--url", url)

    assert (added.exit_code, name) == (0, "2027-01-15-1")
    assert removed.output == "withdrew 2027-01-15-1\n"
    assert again.exit_code == 2
    assert listed.output == (
        "2027-01-15-1  2027-01-15 07:00 to 2027-01-15 08:00 UTC  cart-availability  "
        "by ann: upgrade; withdrawn by bob: no\n"
    )


def test_the_whatif_command_prints_tiers_and_firings(url):
    found = _run("whatif", "cart-availability", "--target", "99.9", "--since", "1h", "--url", url)

    assert found.exit_code == 0, found.output
    assert "cart-availability with 99.9 % over 30d, google_30d" in found.output
    assert "page-1h    14.4x" in found.output
    as_json = _run("whatif", "cart-availability", "--json", "--since", "1h", "--url", url)
    assert json.loads(as_json.output)[0]["target"] == 0.9
    wrong = _run("whatif", "cart-availability", "--target", "100", "--url", url)
    assert wrong.exit_code == 2
    assert "leaves no error budget" in wrong.output
    assert _run("whatif", "x", "--url", "http://127.0.0.1:9").exit_code == 3


def test_objectives_to_start_with_are_offered_for_each_service_that_was_called(client, store):
    text = client.get("/api/slos/starter").text
    catalog = parse_openslo([("a.yaml", text)])
    assert [service.name for service in catalog.services] == ["cart", "frontend"]
    one = parse_openslo([("a.yaml", client.get("/api/slos/starter?service=cart").text)])
    assert [service.name for service in one.services] == ["cart"]
    assert client.get("/api/slos/starter?uncovered=true").status_code == 404
    nobody = client.get("/api/slos/starter?service=nobody")
    assert nobody.json()["error"]["message"].startswith("nobody was not called in the last 1d")


def test_a_page_without_objectives_offers_them(store):
    page = Visitor(create_app(deps(store, slos=()))).get("/slos").text
    assert "2 services were called in the last day" in page
    assert 'href="/api/slos/starter"' in page


def test_the_starter_command_writes_a_file_once(url, tmp_path):
    out = tmp_path / "objectives.yaml"
    found = _run("starter", "--out", str(out), "--url", url)
    assert found.exit_code == 0, found.output
    assert len(parse_openslo([("a.yaml", out.read_text())]).slos) == 6
    again = _run("starter", "--out", str(out), "--url", url)
    assert again.exit_code == 2
    assert "is there already" in again.output
    assert "kind: SLO" in _run("starter", "--service", "cart", "--url", url).output
    nothing = _run("starter", "--service", "nobody", "--url", url)
    assert nothing.exit_code == 2
    assert "nobody was not called" in nothing.output


@pytest.fixture
def grouped(store):
    slos = (replace(availability(), group_by=("source",)),)
    return Visitor(create_app(deps(store, slos=slos)))


def test_a_member_of_a_group_is_answered_everywhere_by_its_name(grouped):
    names = {one["name"]: one for one in grouped.get("/api/slos").json()}
    assert set(names) == {"cart-availability", "cart-availability@frontend"}
    assert names["cart-availability@frontend"]["group"] == {"source": "frontend"}
    path = "/slos/cart-availability%40frontend"
    assert grouped.get(f"/api{path}").json()["total"] == names["cart-availability"]["total"]
    assert "source frontend" in grouped.get(path).text
    assert grouped.get(f"/api{path}/whatif?since=1h").json()["backtests"][0]["bad"] == 20
    assert grouped.get("/api/slos/cart-availability%40nobody").status_code == 404
    assert 'slo="cart-availability@frontend"' in grouped.get("/metrics/mesh").text
    assert "source frontend" in grouped.get("/api/slos/report?format=markdown").text
