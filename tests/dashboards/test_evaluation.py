"""`meshscope serve --rules`, beside a real Prometheus with the same file and the same samples."""

import contextlib
import json
import subprocess
import time

import httpx
import pytest

from dashboards.server import ServerFailed, run
from dashboards.settings import server_settings
from tests.alerts.notify.alertmanager import alertmanager, hook
from tests.collector.prometheus.written import first, series, snappy
from tests.dashboards.running import free_port, running, wait_until

pytestmark = pytest.mark.e2e

RULES = """
groups:
  - name: errors
    interval: 1s
    rules:
      - {record: "shop:down:max", expr: "max by (shop) (app_down)"}
      - alert: ShopDown
        expr: shop:down:max > 0
        for: 2s
        labels: {severity: page, size: "{{ $value | humanize }}"}
        annotations: {summary: "{{ $labels.shop }} is down", dashboard_url: "http://here/shop"}
"""
HEADERS = {
    "content-encoding": "snappy",
    "content-type": "application/x-protobuf",
    "x-prometheus-remote-write-version": "0.1.0",
}
LABELS = {"alertname": "ShopDown", "severity": "page", "shop": "north", "size": "1.5k"}


def say(urls, value):
    """Write a sample to all."""
    at_ms = int(time.time() * 1000)
    body = snappy(first(series("app_down", [(at_ms, float(value))], shop="north", host="a")))
    for url in urls:
        answer = httpx.post(f"{url}/api/v1/write", content=body, headers=HEADERS, timeout=20)
        assert answer.status_code == 204, answer.text


def data(url, path, **asked):
    return httpx.get(f"{url}/api/v1/{path}", params=asked, timeout=20).json()["data"]


def alert_rule(url):
    (group,) = data(url, "rules", type="alert")["groups"]
    return group["rules"][0]


def wait_for(urls, state):
    wait_until(lambda: all(alert_rule(url)["state"] == state for url in urls))


@contextlib.contextmanager
def prometheus(folder, rules):
    address = f"127.0.0.1:{free_port()}"
    (folder / "prometheus.yml").write_text(f"rule_files: ['{rules}']\n")
    command = ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb",
               f"--web.listen-address={address}", "--web.enable-remote-write-receiver",
               "--log.level=error"]  # fmt: skip
    with subprocess.Popen(command, cwd=folder) as process:
        try:
            wait_until(lambda: _is_ready(f"http://{address}"))
            yield f"http://{address}"
        finally:
            process.terminate()


def _is_ready(url):
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{url}/-/ready").status_code == 200
    return False


def first_sample(url, expr):
    """Return when the only series of an expression began, and its value then."""
    (one,) = data(url, "query", query=f"{expr}[10m]")["result"]
    at_s, value = one["values"][0]
    return float(at_s), float(value)


def test_an_alert_goes_the_whole_way_and_prometheus_says_the_same(tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    with (
        hook() as told,
        alertmanager(tmp_path / "am", told.url) as manager,
        prometheus(tmp_path, rules) as theirs,
        running(
            tmp_path / "s.duckdb",
            rules=json.dumps([str(rules)]),
            alertmanager=json.dumps([manager]),
            external_labels='{"site": "eu"}',
        ) as server,
    ):
        ours = f"http://{server.web}"
        both = (ours, theirs)
        active = data(ours, "alertmanagers")["activeAlertmanagers"]
        assert active == [{"url": f"{manager}/api/v2/alerts"}]
        say(both, 0)
        wait_until(lambda: all(alert_rule(url)["health"] == "ok" for url in both))
        say(both, 1500)
        wait_for(both, "pending")
        wait_for(both, "firing")
        found = {url: alert_rule(url)["alerts"] for url in both}
        (own,), (other,) = found[ours], found[theirs]
        for name in ("labels", "annotations", "state", "value"):
            assert own[name] == other[name], name
        assert own["labels"] == LABELS
        assert data(ours, "alerts")["alerts"][0]["labels"] == LABELS
        wait_until(lambda: told.states("ShopDown"))
        say(both, 0)
        wait_for(both, "inactive")
        wait_until(lambda: "resolved" in told.states("ShopDown"))
        # Ended, the series are gone at once: what is recorded says what was.
        assert data(ours, "query", query="ALERTS")["result"] == []
        for url in both:
            pending_s, _ = first_sample(url, 'ALERTS{alertstate="pending"}')
            firing_s, _ = first_sample(url, 'ALERTS{alertstate="firing"}')
            _, since_s = first_sample(url, "ALERTS_FOR_STATE")
            assert since_s <= pending_s
            assert firing_s - since_s >= 2
        alert = told.alerts("ShopDown")[-1]
        assert alert["labels"] == LABELS | {"site": "eu"}
        assert alert["generatorURL"] == "http://here/shop"

        # A file that cannot be used changes nothing; one that can is taken at once.
        rules.write_text(RULES.replace("shop:down:max > 0", "sum("))
        wait_until(lambda: "meshscope_rules_fresh 0" in server.get("/metrics").text)
        assert alert_rule(ours)["health"] == "ok"
        rules.write_text(RULES.replace("ShopDown", "ShopIsDown"))
        wait_until(lambda: alert_rule(ours)["name"] == "ShopIsDown")


def test_a_server_does_not_start_with_rules_that_cannot_be_used(tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES.replace("for: 2s", "for: soon"))
    settings = server_settings(
        store=tmp_path / "s.duckdb", web="127.0.0.1:0", otlp_grpc="127.0.0.1:0",
        otlp_http="127.0.0.1:0", rules=(rules,),
    )  # fmt: skip
    with pytest.raises(ServerFailed, match=r"rules.yaml:9: groups.0.rules.1.for: not a valid"):
        run(settings)
