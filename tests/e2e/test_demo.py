"""The main job, end to end, on real input: what `make demo` promises.

The tests share one running demo and run in this order; the last one ends it.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import pytest
from playwright.sync_api import sync_playwright

from dashboards.demo.intent import free_port
from proxy.shop.shop import SHOP
from tests.e2e.conftest import Demo

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SERVICES = {service.name for service in SHOP}
CALLS = {
    (caller.name, call.destination)
    for caller in SHOP
    for operation in caller.operations
    for call in operation.calls
}
T = TypeVar("T")
RULES = Path("alerts/rules/shop.yaml")


def test_all_eight_services_and_their_calls_are_in_the_topology(demo: Demo) -> None:
    def graph() -> dict[str, Any]:
        return get(demo, "/api/topology?from=now-15m")

    expected = {*CALLS, ("external", "gateway")}
    found = wait_for(
        lambda: g if edges(g := graph()).keys() >= expected else None, "all calls of the shop"
    )
    assert {node["id"] for node in found["nodes"]} == {*SERVICES, "external"}
    assert edges(found).keys() == expected


def test_every_call_inside_the_mesh_is_mutual_tls(demo: Demo) -> None:
    found = edges(get(demo, "/api/topology?from=now-15m"))
    inside = {pair: edge["mtls_ratio"] for pair, edge in found.items() if pair[0] != "external"}
    assert inside
    assert set(inside.values()) == {1.0}
    assert found["external", "gateway"]["mtls_ratio"] == 0.0


def test_the_page_draws_the_services_and_updates_without_a_reload(demo: Demo) -> None:
    artifacts = Path(".artifacts")
    artifacts.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        failures: list[str] = []
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.goto(demo.url)
        page.wait_for_function(
            "() => window.meshscope?.graph?.nodes('[!isBox]').length >= 9", timeout=20_000
        )
        drawn = page.evaluate("() => window.meshscope.graph.nodes().map(node => node.id())")
        assert set(drawn) >= {*SERVICES, "external"}
        drawn_edges = page.evaluate("() => window.meshscope.graph.edges().length")
        assert drawn_edges == len(CALLS) + 1
        rows = page.locator("[data-source][data-destination]")
        assert rows.count() >= len(CALLS) + 1
        before = page.locator("body").inner_text()
        page.wait_for_function(
            "text => document.body.innerText !== text", arg=before, timeout=15_000
        )
        page.screenshot(path=artifacts / "topology.png")
        for path in ("/services", "/slos"):
            page.goto(demo.url + path)
            page.wait_for_load_state("load")
            page.screenshot(path=artifacts / f"{path[1:]}.png", full_page=True)
        browser.close()
    assert failures == []


def test_spans_of_one_request_share_a_trace_across_services(demo: Demo) -> None:
    services = get(demo, "/api/services?from=now-15m")
    assert {row["service"] for row in services} >= SERVICES
    assert all(row["last_seen_s"] for row in services if row["service"] in SERVICES)


def test_the_objectives_are_judged_on_the_demo_s_counts(demo: Demo) -> None:
    statuses = get(demo, "/api/slos")
    assert {status["service"] for status in statuses} == SERVICES
    assert all(status["total"] > 0 for status in statuses)
    printed = meshscope("slo", "status", "--url", demo.url, "-o", "json")
    assert {status["name"] for status in json.loads(printed.stdout)} == {
        status["name"] for status in statuses
    }


def test_the_injected_fault_shows_on_the_edge_to_payments(demo: Demo) -> None:
    def failing() -> float | None:
        graph = get(demo, "/api/topology?from=now-1m")
        ratio = edges(graph).get(("checkout", "payments"), {}).get("error_ratio")
        return ratio if ratio and ratio > 0.05 else None

    assert wait_for(failing, "payments to fail", timeout_s=60)


def test_a_canary_that_suffers_as_its_baseline_does_is_not_rolled_back(demo: Demo) -> None:
    def judged() -> dict[str, Any] | None:
        asked = "service=payments&canary=v2&baseline=v1&confidence=0.999"
        found = get(demo, f"/api/canary?{asked}")
        return found if found["canary"]["requests"] and found["baseline"]["errors"] else None

    found = wait_for(judged, "both versions of payments to be called")
    assert found["verdict"] == "hold", found["reasons"]
    requests = found["canary"]["requests"] + found["baseline"]["requests"]
    edge = edges(get(demo, "/api/topology?from=now-15m"))["checkout", "payments"]
    seen = sum(found["versions"].values())  # also before the canary's first request
    assert requests <= seen <= edge["requests"]


def test_prometheus_scrapes_the_mesh_and_evaluates_the_generated_rules(
    demo: Demo, tmp_path: Path
) -> None:
    rules_now = tmp_path / "rules.yaml"  # the same rules, evaluated before the test ends
    rules_now.write_text(re.sub(r"interval: \w+", "interval: 3s", RULES.read_text()))
    config = tmp_path / "prometheus.yml"
    target = demo.url.removeprefix("http://")
    config.write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
        f"rule_files: [{rules_now}]\n"
        "scrape_configs:\n"
        "- job_name: meshscope\n"
        "  metrics_path: /metrics/mesh\n"
        f"  static_configs: [{{targets: ['{target}']}}]\n"
    )
    port = free_port()
    with (tmp_path / "prometheus.log").open("w") as log:
        prometheus = subprocess.Popen(
            ["/usr/bin/prometheus", f"--config.file={config}",
             f"--storage.tsdb.path={tmp_path / 'tsdb'}",
             f"--web.listen-address=127.0.0.1:{port}"],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        api = f"http://127.0.0.1:{port}/api/v1"

        def recorded() -> list[Any] | None:
            try:
                rules = httpx.get(f"{api}/rules", timeout=5).json()["data"]["groups"]
            except (httpx.HTTPError, ValueError):  # not ready yet
                return None
            all_rules = [rule for group in rules for rule in group["rules"]]
            done = all_rules and all(rule["health"] != "unknown" for rule in all_rules)
            return all_rules if done else None

        rules = wait_for(recorded, "Prometheus to evaluate every rule", timeout_s=40)
        assert [rule for rule in rules if rule["health"] != "ok"] == []
        records = {rule["name"] for rule in rules if rule["type"] == "recording"}

        def without_series() -> set[str]:
            query = '{__name__=~"slo:.+"}'
            found = httpx.get(f"{api}/query", params={"query": query}, timeout=5).json()
            return records - {series["metric"]["__name__"] for series in found["data"]["result"]}

        wait_for(lambda: not without_series() or None, "every recording rule to give series")
    finally:
        prometheus.terminate()
        prometheus.wait(20)


def test_ctrl_c_settles_the_ledger_at_difference_zero_and_leaves_no_process(demo: Demo) -> None:
    code, printed = demo.interrupt()
    assert "difference: 0 on every edge, route and status" in printed
    assert code == 0
    left = [
        process.info["cmdline"]
        for process in psutil.process_iter(["cmdline"])
        if str(demo.directory) in " ".join(process.info["cmdline"] or [])
    ]
    assert left == []


def get(demo: Demo, path: str) -> Any:
    answer = httpx.get(demo.url + path, timeout=10)
    answer.raise_for_status()
    return answer.json()


def edges(graph: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(edge["source"], edge["destination"]): edge for edge in graph["edges"]}


def meshscope(*arguments: str) -> subprocess.CompletedProcess[str]:

    return subprocess.run(
        [sys.executable, "-m", "dashboards.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def wait_for(probe: Callable[[], T | None], what: str, timeout_s: float = 30) -> T:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = probe()
        if found:
            return found
        time.sleep(0.3)
    raise AssertionError(f"waited {timeout_s:.0f} s in vain for {what}")
