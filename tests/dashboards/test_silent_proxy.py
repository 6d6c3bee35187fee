"""M8 as it is lived: a proxy stops, and a real Prometheus tells of it within 30 s."""

import contextlib
import subprocess
import sys
import time

import httpx
import pytest

from collector import semconv
from tests.collector.exports import metrics
from tests.collector.receiver.conformance.rig import METHODS, call
from tests.dashboards.running import free_port, running, wait_until

EVERY_S = 5.0
WITHIN_S = 30.0
SEEN = 'ALERTS{alertname="MeshExporterSilent",alertstate="firing",service="%s"}'


def export(server, service, count, began_ns):
    """Send as a proxy does: its counters since its start."""
    body = metrics([(semconv.SLI_REQUESTS, {}, count)], service=service, start_ns=began_ns,
                   time_ns=time.time_ns())  # fmt: skip
    call(server, METHODS["metrics"], body)


@contextlib.contextmanager
def prometheus(folder, web):
    """Run Prometheus with the scrape and the rules of deploy/; yield its address."""
    generate = [sys.executable, "-m", "dashboards.cli", "alerts", "generate"]
    generate += ["--slo", "deploy/slo/gateway.yaml", "--out", str(folder / "rules.yaml")]
    subprocess.run(generate, check=True, capture_output=True)
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 5s, evaluation_interval: 10s}\n"
        "rule_files: [rules.yaml]\n"
        "scrape_configs:\n"
        "  - {job_name: meshscope, metrics_path: /metrics/mesh, honor_labels: true,"
        f" static_configs: [{{targets: ['{web}']}}]}}\n"
    )
    address = f"127.0.0.1:{free_port()}"
    command = [
        "/usr/bin/prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={address}",
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield address
        finally:
            process.terminate()


def is_up(address):
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"http://{address}/-/ready").status_code == 200
    return False


def fires(address, service):
    answer = httpx.get(f"http://{address}/api/v1/query", params={"query": SEEN % service})
    return answer.status_code == 200 and bool(answer.json()["data"]["result"])


@pytest.mark.long
@pytest.mark.timeout(180)
def test_a_proxy_that_stops_is_told_of_within_thirty_seconds_and_its_neighbour_never(tmp_path):
    began_ns = time.time_ns()
    with running(tmp_path / "s.duckdb") as server, prometheus(tmp_path, server.web) as address:
        wait_until(lambda: is_up(address))
        for count in range(1, 6):
            export(server, "cart", count, began_ns)
            export(server, "frontend", count, began_ns)
            time.sleep(EVERY_S)
        stopped_s, next_s, count = time.monotonic() - EVERY_S, time.monotonic(), 6
        while not fires(address, "cart"):
            assert not fires(address, "frontend")
            if time.monotonic() >= next_s:
                export(server, "frontend", count, began_ns)
                next_s, count = next_s + EVERY_S, count + 1
            assert time.monotonic() - stopped_s < WITHIN_S
            time.sleep(0.2)
        print(f"told of {time.monotonic() - stopped_s:.1f} s after its last export")
        assert not fires(address, "frontend")
