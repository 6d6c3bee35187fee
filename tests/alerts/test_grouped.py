"""Rules of objectives that the server counts: members of groups, slices, queries, calendars."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from alerts.generate import Options, rule_groups
from alerts.rulefile import dump_yaml, rule_file
from slo.burnrate import Tier
from slo.calendars import Calendar
from slo.codes import ERRORS
from slo.model import (
    AvailabilitySli,
    Catalog,
    CodeSli,
    Composite,
    EdgeSelector,
    Member,
    QuerySli,
    RawSli,
    Slices,
    ThresholdSli,
    TimeWindow,
)
from tests.alerts.promtool import run_promtool
from tests.slo.strategies import slo

CART = AvailabilitySli(EdgeSelector("cart"))
TIERS = (Tier("page", 3600, 300, Decimal("0.02")),)
MONTH = TimeWindow(
    30 * 86_400, Calendar(datetime.fromisoformat("2026-01-01"), "Europe/Berlin", 1, "M")
)


def _events(name, result, values):
    labels = f'slo="{name}",service="cart",result="{result}"'
    return {"series": f"meshscope_slo_events_total{{{labels}}}", "values": values}


def _fired(tmp_path, objective, series):
    """Run the rules of an objective in promtool; return what fires after half an hour."""
    groups = rule_groups(Catalog(slos=(objective,)), Options())
    (tmp_path / "rules.yaml").write_text(rule_file(groups, header="a test"))
    run_promtool("check", "rules", "rules.yaml", cwd=tmp_path)
    check = {
        "expr": 'count by (slo) (ALERTS{alertname="ErrorBudgetBurn"})',
        "eval_time": "30m",
        "exp_samples": [],
    }
    test = {
        "interval": "30s",
        "input_series": series,
        "promql_expr_test": [check],
    }
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": "30s", "tests": [test]}
    (tmp_path / "test.yaml").write_text(dump_yaml(document, header="a test"))
    try:
        run_promtool("test", "rules", "test.yaml", cwd=tmp_path)
    except AssertionError as failure:
        return str(failure)
    return ""


def test_only_the_member_that_burns_fires_and_says_which_it_is(tmp_path):
    whole = replace(slo(), group_by=("source",), tiers=TIERS)
    told = _fired(
        tmp_path,
        whole,
        [
            _events("cart-availability@web", "good", "0+0x60"),
            _events("cart-availability@web", "bad", "0+50x60"),
            _events("cart-availability@app", "good", "0+50x60"),
            _events("cart-availability@app", "bad", "0+0x60"),
        ],
    )
    assert 'slo="cart-availability@web"' in told
    assert "cart-availability@app" not in told


@pytest.mark.parametrize(
    "sli",
    [
        Slices(CART, 60, Decimal("0.9")),
        Slices(CART, 60),
        CodeSli(CART.edges, ERRORS),
        QuerySli("a", "b"),
        RawSli("a"),
        ThresholdSli("a", "lte", Decimal(1)),
        Composite((Member(CART), Member(CART))),
        AvailabilitySli(EdgeSelector("cart", consumers=("a", "b"))),
    ],
)
def test_an_indicator_of_any_kind_fires_by_what_the_server_counted(tmp_path, sli):
    objective = replace(slo(), sli=sli, tiers=TIERS)
    parts = objective.parts_per_event
    down = [
        _events("cart-availability", "good", "0+0x60"),
        _events("cart-availability", "bad", f"0+{parts}x60"),
    ]
    well = [
        _events("cart-availability", "good", f"0+{parts}x60"),
        _events("cart-availability", "bad", "0+0x60"),
    ]
    assert 'slo="cart-availability"' in _fired(tmp_path, objective, down)
    assert _fired(tmp_path, objective, well) == ""


def test_a_calendar_window_has_alerts_and_no_rule_over_a_month(tmp_path):
    groups = rule_groups(Catalog(slos=(replace(slo(), window=MONTH),)), Options())
    text = rule_file(groups, header="a test")
    (tmp_path / "rules.yaml").write_text(text)
    assert "SUCCESS" in run_promtool("check", "rules", "rules.yaml", cwd=tmp_path)
    assert "[1M]" not in text
    assert text.count("alert: ErrorBudgetBurn") == 4
