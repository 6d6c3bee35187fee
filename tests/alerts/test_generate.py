"""What is generated, judged by Prometheus's own promtool."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from alerts.generate import Options, generated_files, rule_groups
from alerts.rulefile import dump_yaml, rule_file
from slo.burnrate import detection_s
from slo.model import Catalog
from slo.openslo import load_openslo
from tests.alerts.promtool import run_promtool
from tests.slo.strategies import slo

ROOT = Path(__file__).parents[2]
RULES = ROOT / "alerts/rules"
COMMAND = "meshscope alerts generate --slo slo/objectives/shop.yaml --out alerts/rules/shop.yaml"
DEFAULTS = Options()
CART = Catalog(slos=(slo(labels={"team": "orders"}),))


def test_the_committed_files_are_what_the_objectives_generate():
    catalog = load_openslo([ROOT / "slo/objectives/shop.yaml"])
    for path, text in generated_files(
        catalog, RULES / "shop.yaml", Options(command=COMMAND)
    ).items():
        assert path.read_text(encoding="utf-8") == text, f"run `{COMMAND}`"


def test_promtool_accepts_the_committed_rules():
    assert "SUCCESS" in run_promtool("check", "rules", "shop.yaml", cwd=RULES)


def test_promtool_proves_that_outages_fire_and_healthy_services_do_not():
    assert "SUCCESS" in run_promtool("test", "rules", "shop.test.yaml", cwd=RULES)


def test_promtool_proves_the_alerts_on_the_mesh(tmp_path):
    catalog = load_openslo([ROOT / "slo/objectives/shop.yaml"])
    groups = [
        group
        for group in rule_groups(catalog, DEFAULTS)
        if group.name in {"mesh", "mesh-exporters", "slo-shipping-latency"}
    ]
    (tmp_path / "rules.yaml").write_text(rule_file(groups, header="a test"))
    text = (Path(__file__).parent / "mesh.test.yaml").read_text(encoding="utf-8")
    (tmp_path / "mesh.test.yaml").write_text(text)
    assert "SUCCESS" in run_promtool("test", "rules", "mesh.test.yaml", cwd=tmp_path)


def _run_cart(tmp_path, series, checks, *, options=DEFAULTS, catalog=CART):
    """Run rules of one objective over series of a sample per 30 s."""
    rules = rule_file(rule_groups(catalog, options), header="a test")
    (tmp_path / "rules.yaml").write_text(rules)
    document = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "30s",
        "tests": [
            {
                "interval": "30s",
                "input_series": [{"series": name, "values": values} for name, values in series],
                "promql_expr_test": [
                    {"expr": expr, "eval_time": at, "exp_samples": samples}
                    for expr, at, samples in checks
                ],
            }
        ],
    }
    (tmp_path / "test.yaml").write_text(dump_yaml(document, header="a test"))
    run_promtool("test", "rules", "test.yaml", cwd=tmp_path)


GOOD = 'mesh_requests_total{destination="cart",code="200"}'
BAD = 'mesh_requests_total{destination="cart",code="503"}'
NONE = 'mesh_requests_total{destination="cart",code="0"}'
CLIENT = 'mesh_requests_total{destination="cart",code="404"}'
PAGES = 'sum by (long) (ALERTS{alertname="ErrorBudgetBurn",alertstate="firing",severity="page"})'


def _firing(*longs):
    return [{"labels": f'{{long="{long}"}}', "value": 1} for long in longs]


def test_a_full_outage_after_a_quiet_hour_pages_within_two_minutes(tmp_path):
    detected_s = detection_s(Fraction(72, 5), Decimal("0.999"), 3600)
    assert float(detected_s) == pytest.approx(51.84)
    series = [(GOOD, "0+100x120 12000x10"), (BAD, "0x120 100+100x10")]
    checks = [(PAGES, "60m", []), (PAGES, "62m", _firing("1h", "6h"))]
    _run_cart(tmp_path, series, checks)


def test_an_outage_that_is_over_stops_paging_within_its_short_window(tmp_path):
    series = [(GOOD, "0+100x120 12000x8 12100+100x30"), (BAD, "0x120 100+100x7 800x31")]
    hour = PAGES.replace("severity=", 'long="1h",severity=')
    _run_cart(tmp_path, series, [(hour, "64m", _firing("1h")), (hour, "72m", [])])


def test_fewer_bad_events_than_the_guard_page_nobody(tmp_path):
    series = [(GOOD, "0+1x120"), (BAD, "0x60 1 2 3 4 5 5x55")]
    _run_cart(tmp_path, series, [(PAGES, "33m", [])])
    eager = Options(min_bad_events=2)
    _run_cart(tmp_path, series, [(PAGES, "33m", _firing("1h", "6h"))], options=eager)


def test_no_response_is_bad_and_a_client_error_is_not(tmp_path):
    series = [(GOOD, "0+60x10"), (NONE, "0+30x10"), (CLIENT, "0+30x10")]
    ratio = 'slo:bad_events:increase{window="5m"} / slo:total_events:increase{window="5m"}'
    labels = '{slo="cart-availability",service="cart",window="5m"}'
    _run_cart(tmp_path, series, [(ratio, "5m", [{"labels": labels, "value": 0.25}])])


def test_a_failed_request_is_never_quick_enough(tmp_path):
    bucket = 'mesh_request_duration_seconds_bucket{destination="cart",le="0.24038710790184534"'
    series = [
        (GOOD, "0+80x10"),
        (BAD, "0+20x10"),
        (f'{bucket},result="ok"}}', "0+60x10"),
        (f'{bucket},result="error"}}', "0+20x10"),
    ]
    ratio = 'slo:bad_events:increase{window="5m"} / slo:total_events:increase{window="5m"}'
    labels = '{slo="quick",service="cart",window="5m"}'
    quick = Catalog(slos=(slo("quick", threshold_ms=250, target="0.95"),))
    checks = [(ratio, "5m", [{"labels": labels, "value": 0.4}])]
    _run_cart(tmp_path, series, checks, catalog=quick)


def test_the_budget_left_weighs_every_event_the_same(tmp_path):
    busy_then_quiet = [(GOOD, "0+1000x10 10000+1x50"), (BAD, "0x11 0+1x49")]
    bad, total = "slo:bad_events:increase", "slo:total_events:increase"
    left = "slo:error_budget_remaining:ratio"
    same = f'({left} - (1 - {bad}{{window="30d"}} / {total}{{window="30d"}} / 0.001)) == 0'
    labels = '{slo="cart-availability",service="cart",window="30d"}'
    checks = [(same, "30m", [{"labels": labels, "value": 0}])]
    _run_cart(tmp_path, busy_then_quiet, checks)


def test_without_traffic_there_is_no_ratio_and_no_nan(tmp_path):
    records = ("slo:bad_events:increase", "slo:total_events:increase", "slo:objective:ratio")
    nan = [(f"{record} != {record}", "10m", []) for record in records]
    left = ("slo:error_budget_remaining:ratio", "10m", [])
    _run_cart(tmp_path, [(GOOD, "500x20")], [*nan, left, (PAGES, "10m", [])])
