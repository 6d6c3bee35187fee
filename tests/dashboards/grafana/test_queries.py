"""Prometheus itself answers our queries with the numbers that the product promises."""

import json
import re
import subprocess

from collector.edges import is_error
from dashboards.grafana import queries
from tests.dashboards.grafana.expressions import expressions, filled

# Per second over the minute before t = 2m: checkout 8 ok, 1 failed, 1 without a response;
# cart 5 ok and none failed; search is known and idle.
SERIES = {
    'mesh_requests_total{source="web",destination="checkout",version="v1",code="200",flags="-"}': 8,
    'mesh_requests_total{source="web",destination="checkout",code="503",flags="URX,UO"}': 1,
    'mesh_requests_total{source="web",destination="checkout",version="v2",code="0",flags="DC"}': 1,
    'mesh_requests_total{source="web",destination="cart",version="v1",code="404",flags="-"}': 5,
    'mesh_requests_total{source="web",destination="search",version="v1",code="200",flags="-"}': 0,
    'mesh_retries_total{source="web",destination="checkout"}': 5,
    'mesh_tls_requests_total{source="web",destination="checkout",mtls="mtls"}': 6,
    'mesh_tls_requests_total{source="web",destination="checkout",mtls="plaintext"}': 2,
    'mesh_tls_requests_total{source="web",destination="checkout",mtls="none"}': 2,
    'mesh_tls_requests_total{source="web",destination="cart",mtls="plaintext"}': 5,
    'mesh_request_duration_seconds_bucket{source="web",destination="checkout",le="0.064"}': 50,
    'mesh_request_duration_seconds_bucket{source="web",destination="checkout",le="0.128"}': 100,
    'mesh_request_duration_seconds_bucket{source="web",destination="checkout",le="+Inf"}': 100,
    'meshscope_slo_events_total{slo="orders",service="checkout",result="good"}': 98,
    'meshscope_slo_events_total{slo="orders",service="checkout",result="bad"}': 2,
    'meshscope_slo_events_total{slo="basket",service="cart",result="good"}': 5,
}
GAUGES = {
    'meshscope_slo_objective_ratio{slo="orders",service="checkout",job="mesh"}': "0.99",
    'meshscope_slo_objective_ratio{slo="basket",service="cart",job="mesh"}': "0.999",
    'slo:error_budget_remaining:ratio{slo="orders",service="checkout",window="30d"}': "-0.5",
    'mesh_exporter_last_seen_timestamp_seconds{service="web",instance="web-1"}': "90",
}
SERVICE = ("destination",)
CASES = {
    "a success rate leaves out failures and missing responses, not 4xx": (
        queries.success_ratio(by=SERVICE),
        {'{destination="checkout"}': 0.8, '{destination="cart"}': 1},
    ),
    "a success rate over services is a ratio of sums": (
        queries.success_ratio(),
        {"{}": 1 - 2 / 15},
    ),
    "no requests is no data": (
        queries.success_ratio(where=('destination="search"',)),
        {},
    ),
    "errors are 0 where requests came and none failed": (
        queries.errors(by=SERVICE),
        {'{destination="checkout"}': 2, '{destination="cart"}': 0, '{destination="search"}': 0},
    ),
    "a flag is found alone and in a list": (
        queries.flagged("UO", by=SERVICE),
        {'{destination="checkout"}': 1},
    ),
    "a flag is not found inside another": (queries.flagged("U", by=SERVICE), {}),
    "retries are counted for each request": (
        queries.retry_ratio(by=SERVICE),
        {'{destination="checkout"}': 0.5},
    ),
    "encryption is a share of what reached a service": (
        queries.mtls_ratio(by=SERVICE),
        {'{destination="checkout"}': 0.75, '{destination="cart"}': 0},
    ),
    "a median of two even halves is the bound between them": (
        queries.latency(0.5, by=SERVICE),
        {'{destination="checkout"}': 0.064},
    ),
    "2 % bad events against a budget of 1 % burn twice as fast as allowed": (
        queries.burn_rate(),
        {'{slo="orders",service="checkout"}': 2, '{slo="basket",service="cart"}': 0},
    ),
    "a budget may be overspent": (
        queries.budget_remaining(),
        {'{slo="orders",service="checkout"}': -0.5},
    ),
    "silence is the time since the last export": (
        queries.silence_seconds(),
        {'{service="web",instance="web-1"}': 30},
    ),
}


def test_the_selector_of_failures_is_the_products_definition():
    pattern = re.fullmatch(r'code=~"(.*)"', queries.FAILED).group(1)
    selected = {code for code in range(1000) if re.fullmatch(pattern, str(code))}
    assert selected == {code for code in range(1000) if is_error(code)}


def test_prometheus_agrees_with_every_number(tmp_path):
    # rounded, for promtool compares floats exactly
    expected = [(f"round({expr}, 0.000001)", samples) for expr, samples in CASES.values()]
    assert_prometheus_answers(expected, tmp_path)


def test_every_panel_has_something_to_show_of_a_busy_mesh(tmp_path):
    expected = [(f"count({expr}) > bool 0", {"{}": 1}) for _, expr in expressions()]
    assert_prometheus_answers(expected, tmp_path)


def assert_prometheus_answers(expected, folder):
    """Let promtool evaluate each expression two minutes into the series."""
    tests = [
        {
            "expr": filled(expr),
            "eval_time": "2m",
            "exp_samples": [
                {"labels": labels, "value": round(value, 6)} for labels, value in samples.items()
            ],
        }
        for expr, samples in expected
    ]
    series = [
        *({"series": name, "values": f"0+{rate * 10}x12"} for name, rate in SERIES.items()),
        *({"series": name, "values": f"{value}x12"} for name, value in GAUGES.items()),
    ]
    test = {"interval": "10s", "input_series": series, "promql_expr_test": tests}
    path = folder / "numbers.json"
    path.write_text(json.dumps({"tests": [test]}))
    done = subprocess.run(
        ["promtool", "test", "rules", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
