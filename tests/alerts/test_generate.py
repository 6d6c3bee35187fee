"""What is generated, judged by Prometheus's own promtool."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from alerts.generate import Options, generated_files, mesh_rule_groups, rule_groups
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
FILES = ("shop", "mesh")


def test_the_committed_files_are_what_the_objectives_generate():
    catalog = load_openslo([ROOT / "slo/objectives/shop.yaml"])
    wanted = generated_files(catalog, RULES / "shop.yaml", Options(command=COMMAND))
    assert {path.name for path in wanted} == {path.name for path in RULES.iterdir()}
    for path, text in wanted.items():
        assert path.read_text(encoding="utf-8") == text, f"run `{COMMAND}`"


@pytest.mark.parametrize("name", FILES)
def test_promtool_accepts_the_committed_rules(name):
    assert "SUCCESS" in run_promtool("check", "rules", f"{name}.yaml", cwd=RULES)


@pytest.mark.parametrize("name", FILES)
def test_promtool_proves_that_every_alert_fires_and_ends(name):
    assert "SUCCESS" in run_promtool("test", "rules", f"{name}.test.yaml", cwd=RULES)


def test_promtool_proves_that_a_silent_proxy_is_told_of_in_time(tmp_path):
    groups = [group for group in mesh_rule_groups(DEFAULTS) if group.name == "mesh-exporters"]
    (tmp_path / "rules.yaml").write_text(rule_file(groups, header="a test"))
    text = (Path(__file__).parent / "silent.test.yaml").read_text(encoding="utf-8")
    (tmp_path / "silent.test.yaml").write_text(text)
    assert "SUCCESS" in run_promtool("test", "rules", "silent.test.yaml", cwd=tmp_path)


def test_a_profile_decides_which_windows_page():
    options = Options(profile="three_x_30d")
    groups = rule_groups(CART, options)
    burns = [
        (rule.labels["severity"], rule.labels["long"], rule.labels["factor"])
        for group in groups
        for rule in group.rules
        if getattr(rule, "alert", "") == "ErrorBudgetBurn"
    ]
    assert sorted(burns) == [("page", "6h", "3"), ("ticket", "3d", "1")]


def _run(tmp_path, groups, series, checks):
    """Run rules over series of a sample per 30 s."""
    (tmp_path / "rules.yaml").write_text(rule_file(groups, header="a test"))
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


def _run_cart(tmp_path, series, checks, *, options=DEFAULTS):
    _run(tmp_path, rule_groups(CART, options), series, checks)


OWN = 'slo="cart-availability",service="cart"'
GOOD = f'meshscope_slo_events_total{{{OWN},result="good"}}'
BAD = f'meshscope_slo_events_total{{{OWN},result="bad"}}'
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


def test_the_budget_left_weighs_every_event_the_same(tmp_path):
    busy_then_quiet = [(GOOD, "0+1000x10 10000+1x170"), (BAD, "0x11 0+1x169")]
    bad, total = "slo:bad_events:increase", "slo:total_events:increase"
    left = "slo:error_budget_remaining:ratio"
    same = f'({left} - (1 - {bad}{{window="30d"}} / {total}{{window="30d"}} / 0.001)) == 0'
    labels = f'{{{OWN},window="30d"}}'
    checks = [(same, "70m", [{"labels": labels, "value": 0}])]
    _run_cart(tmp_path, busy_then_quiet, checks)


def test_without_traffic_there_is_no_ratio_and_no_nan(tmp_path):
    records = ("slo:bad_events:increase", "slo:total_events:increase", "slo:objective:ratio")
    nan = [(f"{record} != {record}", "10m", []) for record in records]
    left = ("slo:error_budget_remaining:ratio", "10m", [])
    _run_cart(tmp_path, [(GOOD, "500x20")], [*nan, left, (PAGES, "10m", [])])


def test_the_first_value_of_a_new_counter_counts_and_a_prometheus_that_is_new_counts_none(tmp_path):
    """A counter with flag UO is born with 500 refusals, and then stands still."""
    groups = [group for group in mesh_rule_groups(DEFAULTS) if group.name == "mesh-traffic"]
    edge = 'mesh_requests_total{source="web",destination="cart",code="503",flags="UO"}'
    other = 'mesh_requests_total{source="web",destination="cart",code="200",flags="-"}'
    fires = 'ALERTS{alertname="MeshCircuitBreakerTripped",alertstate="firing"}'
    labels = (
        fires[:-1]
        + ',source="web",destination="cart",service="cart",severity="ticket",team="platform"}'
    )
    born = [(edge, "_x20 500x40"), (other, "0+1x60")]
    checks = [(fires, "11m", [{"labels": labels, "value": 1}]), (fires, "20m", [])]
    _run(tmp_path, groups, born, checks)
    both_new = [(edge, "_x20 500x40"), (other, "_x20 9000+1x40")]
    _run(tmp_path, groups, both_new, [(fires, "11m", []), (fires, "20m", [])])
