import re

import pytest

from alerts.names import ERROR_CODES, quote, selector
from alerts.recording import objective_record, remaining_record, window_records
from collector.edges import is_error
from tests.slo.strategies import slo

HOUR_S, DAY_S = 3600, 86_400


def test_the_window_is_a_label_and_never_part_of_a_name():
    rules = window_records([300, HOUR_S, 30 * DAY_S])
    assert {rule.record for rule in rules} == {
        "slo:bad_events:increase",
        "slo:total_events:increase",
    }
    assert [rule.labels for rule in rules[::2]] == [
        {"window": "30d"},
        {"window": "1h"},
        {"window": "5m"},
    ]


def test_no_record_has_the_name_and_labels_of_another():
    rules = [*window_records([300, 300, DAY_S]), objective_record(), remaining_record(slo())]
    identities = {(rule.record, *sorted(rule.labels.items())) for rule in rules}
    assert len(identities) == len(rules) == 6


@pytest.mark.parametrize(
    ("length_s", "ranges"),
    [
        (300, ["5m"]),
        (6 * HOUR_S, ["6h"]),
        (DAY_S, ["1d:5m", "10m"]),
        (3 * DAY_S, ["3d:5m", "10m"]),
        (30 * DAY_S, ["30d:1h", "2h"]),
    ],
)
def test_long_windows_are_read_in_steps_and_young_counters_as_they_are(length_s, ranges):
    bad, total = window_records([length_s])
    events = "meshscope_slo_events_total"
    of_bad, of_all = (
        " or ".join(f"increase({events}{only}[{range_}])" for range_ in ranges)
        for only in ('{result="bad"}', "")
    )
    assert bad.expr == f"sum by (slo, service) ({of_bad})"
    assert total.expr == f"sum by (slo, service) ({of_all})"


def test_what_is_left_of_a_budget_is_told_with_the_target_as_it_was_written():
    assert remaining_record(slo(target="0.999")).expr.endswith(" / 0.001")


def test_the_pattern_of_error_codes_says_what_the_collector_says():
    for code in (0, *range(100, 1000)):
        assert bool(re.fullmatch(ERROR_CODES, str(code))) is is_error(code)


def test_label_values_are_escaped():
    assert quote('a"b\\c\n') == '"a\\"b\\\\c\\n"'
    assert selector("m", a="x", b=None) == 'm{a="x"}'
    assert selector("m") == "m"
