import re

from alerts.names import ERROR_CODES, quote, selector
from alerts.recording import bad_expr, period_records, total_expr, window_records
from collector.edges import is_error
from slo.model import AvailabilitySli, EdgeSelector
from slo.windows import google_30d
from tests.slo.strategies import slo


def test_the_window_is_a_label_and_never_part_of_a_name():
    rules = [*window_records(slo(), google_30d()), *period_records(slo())]
    assert {rule.record for rule in rules} == {
        "slo:bad_events:increase",
        "slo:total_events:increase",
        "slo:objective:ratio",
        "slo:error_budget_remaining:ratio",
    }
    windows = {rule.labels["window"] for rule in rules if "window" in rule.labels}
    assert windows == {"5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"}


def test_no_record_has_the_name_and_labels_of_another():
    rules = [*window_records(slo(), google_30d()), *period_records(slo())]
    identities = {(rule.record, *sorted(rule.labels.items())) for rule in rules}
    assert len(identities) == len(rules)


def test_selectors_carry_every_label_of_the_objective():
    objective = slo()
    edges = EdgeSelector("cart", "web", "read", "v2")
    object.__setattr__(objective, "sli", AvailabilitySli(edges))
    selected = 'mesh_requests_total{destination="cart",source="web",route="read",version="v2"'
    assert total_expr(objective, "5m") == f"sum(increase({selected}}}[5m]))"
    assert bad_expr(objective, "5m").startswith(
        f'sum(increase({selected},code=~"0|[5-9].."}}[5m]))'
    )


def test_the_pattern_of_error_codes_says_what_the_collector_says():
    for code in (0, *range(100, 1000)):
        assert bool(re.fullmatch(ERROR_CODES, str(code))) is is_error(code)


def test_label_values_are_escaped():
    assert quote('a"b\\c\n') == '"a\\"b\\\\c\\n"'
    assert selector("m", a="x", b=None) == 'm{a="x"}'
    assert selector("m") == "m"
