"""Where alerts go, judged by amtool; what is muted, by a running Alertmanager."""

import http.server
import shutil
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from alerts.cli import app
from alerts.routing.config import alertmanager_config, unnamed_teams
from alerts.routing.reading import read_contacts
from alerts.rulefile import dump_yaml
from tests.alerts.notify.alertmanager import alertmanager
from tests.alerts.routing.test_reading import WHOLE
from tests.dashboards.running import wait_until

ROOT = Path(__file__).parents[3]
RULES = ("alerts/rules/shop.yaml", "alerts/rules/mesh.yaml")


def written(text, teams=("orders", "edge")):
    return dump_yaml(alertmanager_config(read_contacts(text, file="c"), teams), header="a test")


def amtool(*arguments):
    program = shutil.which("amtool")
    if program is None:
        pytest.fail("amtool is not installed: apt-get install prometheus-alertmanager")
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("am") / "alertmanager.yml"
    path.write_text(written(WHOLE))
    return path


def test_amtool_accepts_it(config):
    said = amtool("check-config", config)
    assert "SUCCESS" in said
    assert " - 6 inhibit rules" in said


ROUTES = [
    ("severity=page team=orders service=cart", "meshscope,orders-page"),
    ("severity=page team=orders region=eu", "meshscope,orders-page"),
    ("severity=ticket team=orders region=eu", "meshscope,orders/eu-ticket"),
    ("severity=ticket team=orders region=us", "meshscope,default-ticket"),
    ("severity=ticket team=orders", "meshscope,default-ticket"),
    ("severity=page team=edge", "meshscope,default-page"),
    ("severity=page team=edge region=eu", "meshscope,default-page"),
    ("severity=ticket team=platform alertname=MeshTlsFailures", "meshscope,default-ticket"),
    ("alertname=Watchdog", "meshscope"),
]


@pytest.mark.parametrize(("labels", "receivers"), ROUTES)
def test_an_alert_goes_to_incidents_and_to_whoever_is_named_most_exactly(config, labels, receivers):
    said = amtool("config", "routes", "test", f"--config.file={config}", *labels.split())
    assert said.strip() == receivers


def test_an_alert_without_a_severity_reaches_somebody_without_incidents(tmp_path):
    path = tmp_path / "a.yml"
    path.write_text(written("default: {}"))
    said = amtool("config", "routes", "test", f"--config.file={path}", "alertname=Watchdog")
    assert said.strip() == "default-ticket"


def test_no_secret_is_in_it_and_tickets_wait_for_their_hours(config):
    document = YAML(typ="safe").load(config)
    text = config.read_text()
    assert not {"password:", "token:", "api_url:", "routing_key:"} & set(text.split())
    (team,) = [route for route in document["route"]["routes"] if route.get("routes")]
    hours = {
        route["receiver"]: route.get("active_time_intervals")
        for route in (*team["routes"][0]["routes"], *team["routes"][1:])
    }
    assert hours == {
        "orders-page": None,
        "orders/eu-ticket": ["ticket-hours"],
        "default-ticket": ["ticket-hours"],
    }


def test_teams_without_contacts_are_named():
    assert unnamed_teams(read_contacts(WHOLE, file="c"), ["orders", "edge"]) == ["edge"]


def test_what_is_muted_is_an_alert_of_ours_that_has_the_labels_that_are_compared():
    rules = [
        rule
        for path in RULES
        for group in YAML(typ="safe").load(ROOT / path)["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    by_name = {}
    for rule in rules:
        by_name.setdefault(rule["alert"], []).append(rule)
    document = alertmanager_config(read_contacts("", file="c"), ())
    for inhibition in document["inhibit_rules"]:
        for side, severity in (("source_matchers", "page"), ("target_matchers", "ticket")):
            assert f'severity="{severity}"' in inhibition[side]
            named = [one for one in inhibition[side] if one.startswith("alertname")]
            for name in "".join(named).partition('"')[2].rstrip('"').split("|") if named else ():
                found = [r for r in by_name[name] if r["labels"]["severity"] == severity]
                assert found, f"no {severity} is called {name}"
                if "service" in inhibition["equal"]:
                    assert all("service" in r["labels"] or "service" in r["expr"] for r in found)


def test_the_command_writes_it_checks_it_and_tells_mistakes(tmp_path):
    contacts, out = tmp_path / "contacts.yaml", tmp_path / "am.yml"
    contacts.write_text(WHOLE)
    shop = str(ROOT / "slo/objectives/shop.yaml")
    command = ["alertmanager", "--contacts", str(contacts), "--slo", shop, "--out", str(out)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0
    assert "note: told as default: edge, " in done.output
    assert "SUCCESS" in amtool("check-config", out)
    assert CliRunner().invoke(app, [*command, "--check"]).exit_code == 0
    out.write_text(out.read_text().replace("group_wait: 10s", "group_wait: 9s"))
    drifted = CliRunner().invoke(app, [*command, "--check"])
    assert drifted.exit_code == 1
    assert "+              group_wait: 10s" in drifted.output
    contacts.write_text("teems: {}\n")
    wrong = CliRunner().invoke(app, command)
    assert wrong.exit_code == 1
    assert f"{contacts}:1: teems: unknown field" in wrong.output


def alert(name, severity, **labels):
    now = datetime.now(UTC).isoformat()
    return {"labels": {"alertname": name, "severity": severity, **labels}, "startsAt": now}


@pytest.mark.e2e
def test_a_running_alertmanager_mutes_causes_under_symptoms_and_shows_its_token(tmp_path):
    heard = []

    class Incidents(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            heard.append((self.path, self.headers["authorization"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    (tmp_path / "token").write_text("secret-of-incidents")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Incidents) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        text = written(
            f"incidents: {{url: 'http://127.0.0.1:{server.server_port}', "
            f"tokenFile: {tmp_path}/token}}"
        )
        with alertmanager(
            tmp_path / "am", config=text.replace("group_wait: 5s", "group_wait: 0s")
        ) as url:
            alerts = [
                alert("ErrorBudgetBurn", "page", slo="a", service="cart", long="1h"),
                alert("ErrorBudgetBurn", "ticket", slo="a", service="cart", long="3d"),
                alert("ErrorBudgetBurn", "ticket", slo="b", service="cart", long="3d"),
                alert("MeshRetryAmplification", "ticket", service="cart", source="web"),
                alert("MeshRetryAmplification", "ticket", service="web", source="gateway"),
                alert("MeshProxyMemoryGrows", "ticket", service="cart"),
            ]
            httpx.post(f"{url}/api/v2/alerts", json=alerts).raise_for_status()

            def muted():
                found = httpx.get(f"{url}/api/v2/alerts").json()
                return {
                    (one["labels"]["alertname"], one["labels"].get("slo"), one["labels"]["service"])
                    for one in found
                    if one["status"]["inhibitedBy"]
                }

            wanted = {
                ("ErrorBudgetBurn", "a", "cart"),
                ("MeshRetryAmplification", None, "cart"),
            }
            wait_until(lambda: muted() == wanted, within_s=20)
            wait_until(lambda: heard, within_s=20)
        server.shutdown()
    assert set(heard) == {("/api/v1/alertmanager/webhook", "Bearer secret-of-incidents")}
