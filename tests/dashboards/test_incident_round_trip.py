"""A budget burns: our rules fire, a real Alertmanager tells us, and it becomes an incident.

The server is a process, killed in between; requests come as OTLP of a proxy.
"""

import contextlib
import json
import re
import shutil
import signal
import subprocess
import time

import httpx
import pytest
from typer.testing import CliRunner

from alerts.cli import app as alerts_app
from collector import semconv
from tests.collector.exports import TAGS, metrics
from tests.collector.receiver.conformance.rig import PROTOBUF
from tests.dashboards.running import free_port, running, wait_until

pytestmark = pytest.mark.e2e

TOKEN = "0123456789abcdef-webhook"
CONFIG = """
route:
  receiver: meshscope
  group_by: [alertname, service]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: meshscope
    webhook_configs:
      - url: http://%s/api/v1/alertmanager/webhook
        send_resolved: true
        max_alerts: 1000
        http_config: {authorization: {credentials: %s}}
"""
OBJECTIVE = """
apiVersion: openslo/v1
kind: Service
metadata: {name: backend}
spec: {description: Behind.}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: backend-availability}
spec:
  service: backend
  indicator:
    metadata: {name: backend-answered}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: meshscope, spec: {destination: backend}}}
        total: {metricSource: {type: meshscope, spec: {destination: backend}}}
  budgetingMethod: Occurrences
  timeWindow: [{duration: 30d, isRolling: true}]
  objectives: [{target: 0.99}]
"""


class Proxy:
    """The proxy of a caller, with its counters since it started."""

    def __init__(self):
        self.start_ns = time.time_ns()
        self.counts = {"200": 0, "503": 0}

    def send(self, server, **grown):
        for code, number in grown.items():
            self.counts[code.removeprefix("c")] += number
        points = [
            (semconv.SLI_REQUESTS, TAGS | {semconv.TAG_CODE: code}, number)
            for code, number in self.counts.items()
        ]
        body = metrics(points, start_ns=self.start_ns, time_ns=time.time_ns())
        url = f"http://127.0.0.1:{server.http_port}/v1/metrics"
        assert httpx.post(url, content=body, headers=PROTOBUF, timeout=20).status_code == 200

    def burn(self, server, is_enough):
        """Send failures, as a proxy does again and again, until it is enough."""

        def burnt():
            self.send(server, c200=10, c503=10)
            time.sleep(0.2)
            return is_enough()

        wait_until(burnt)


class Alertmanager:
    """Debian's, with a server as its receiver."""

    def __init__(self, folder):
        self.folder, self.url = folder, f"http://127.0.0.1:{free_port()}"

    def point(self, web):
        """Tell whom to notify; it may be running."""
        (self.folder / "config.yml").write_text(CONFIG % (web, TOKEN))
        with contextlib.suppress(httpx.ConnectError):
            httpx.post(f"{self.url}/-/reload", timeout=20).raise_for_status()

    @contextlib.contextmanager
    def run(self):
        program = shutil.which("prometheus-alertmanager")
        if program is None:
            pytest.fail("Alertmanager is not installed: apt-get install prometheus-alertmanager")
        address = self.url.removeprefix("http://")
        command = [program, "--config.file=config.yml", "--storage.path=data",
                   f"--web.listen-address={address}", "--cluster.listen-address=",
                   "--log.level=error"]  # fmt: skip
        with subprocess.Popen(command, cwd=self.folder, stderr=subprocess.DEVNULL) as process:
            try:
                yield process
            finally:
                process.terminate()


def rules(folder):
    """Write the rules of the objective as users do, evaluated every second."""
    (folder / "slo.yaml").write_text(OBJECTIVE)
    out = folder / "rules.yaml"
    made = CliRunner().invoke(
        alerts_app, ["generate", "--slo", str(folder / "slo.yaml"), "--out", str(out)]
    )
    assert made.exit_code == 0, made.output
    quick = re.sub(r"interval: \w+", "interval: 1s", out.read_text())
    (folder / "quick.yaml").write_text(quick)
    return folder / "quick.yaml"


def incidents(server):
    return server.get("/api/incidents").json()


def firing(server):
    """Count the pages that its rules have: only what fires can be told to be over.

    Tickets look at long windows in steps of five minutes, and come later.
    """
    found = server.get("/api/v1/alerts").json()["data"]["alerts"]
    return sum(one["state"] == "firing" for one in found if "factor" in one["labels"])


def test_a_burn_becomes_an_incident_that_outlives_the_server_and_ends_with_the_alert(tmp_path):
    manager, proxy = Alertmanager(tmp_path), Proxy()
    settings = {
        "rules": json.dumps([str(rules(tmp_path))]),
        "slo": json.dumps([str(tmp_path / "slo.yaml")]),
        "alertmanager": json.dumps([manager.url]),
        "webhook_token": TOKEN,
    }
    manager.point("127.0.0.1:9")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(running(tmp_path / "s.duckdb", **settings))
        manager.point(server.web)
        stack.enter_context(manager.run())
        proxy.send(server, c200=100)
        proxy.burn(server, lambda: any(one["alerts"] >= 2 for one in incidents(server)))
        proxy.burn(server, lambda: firing(server) == 2)
        (before,) = incidents(server)
        assert (before["state"], before["severity"], before["services"]) == (
            "open", "page", ["backend"])  # fmt: skip
        found = server.get(f"/api/incidents/{before['id']}").json()
        (cost,) = found["impacts"]
        status = server.get("/api/slos/backend-availability").json()
        assert cost["bad"] == status["bad"] == proxy.counts["503"]
        assert cost["budget_events"] == status["budget_events_allowed"]
        assert (found["cause"]["service"], found["cause"]["source"]) == ("backend", "frontend")
        assert {one["slo"] for one in found["alerts"]} == {"backend-availability"}
        path = f"http://{server.web}/api/incidents/{before['id']}/ack"
        assert httpx.post(path, json={"by": "ann"}, timeout=20).status_code == 200
        for command in (["silence", "--by", "ann", "--reason", "trying v2"], ["unsilence"]):
            flags = ["--service", "backend", "--alertmanager", manager.url]
            assert CliRunner().invoke(alerts_app, [*command, *flags]).exit_code == 0
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(30)

        server = stack.enter_context(running(tmp_path / "s.duckdb", **settings))
        (after,) = incidents(server)
        assert after["id"] == before["id"]
        assert (after["alerts"], after["acknowledged"]["by"]) == (before["alerts"], "ann")
        manager.point(server.web)
        proxy.burn(server, lambda: firing(server) == incidents(server)[0]["firing"] == 2)
        proxy.send(server, c200=1_000_000)
        wait_until(lambda: incidents(server)[0]["state"] == "resolved")
        (ended,) = incidents(server)
        assert (ended["id"], ended["firing"]) == (before["id"], 0)
        timeline = server.get(f"/api/incidents/{ended['id']}").json()["timeline"]
        kinds = [one["kind"] for one in timeline]
        assert kinds.count("fired") == kinds.count("resolved") == ended["alerts"] >= 2
        assert "acknowledged" in kinds
        said = next(one for one in timeline if one["kind"] == "silenced")
        assert (said["who"], said["text"]) == ("ann", 'service="backend": trying v2')
        assert "silence_ended" in kinds
        own = server.get("/metrics").text
        assert 'meshscope_incidents{state="resolved"} 1' in own
        assert 'meshscope_webhook_messages_total{code="200"}' in own
