"""Files of objectives: what is read, and every complaint with its line and its property path."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slo.errors import OpenSloError
from slo.model import AvailabilitySli, EdgeSelector, LatencySli, TimeWindow
from slo.openslo import load_openslo, parse_openslo

SHOP = Path(__file__).parents[2] / "slo/objectives/shop.yaml"

GOOD = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: cart-availability
  labels:
    team: orders
    region: [eu, us]
spec:
  service: cart
  indicator:
    metadata:
      name: cart-answers
    spec:
      ratioMetric:
        counter: true
        good:
          metricSource:
            type: meshscope
            spec:
              destination: cart
        total:
          metricSource:
            type: meshscope
            spec:
              destination: cart
  budgetingMethod: Occurrences
  timeWindow:
    - duration: 30d
      isRolling: true
  objectives:
    - target: 0.999
"""
INDICATOR = GOOD[GOOD.index("  indicator:") : GOOD.index("  budgetingMethod")]
SLI = """\
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: cart-quick}
spec:
  ratioMetric:
    good:
      metricSource:
        type: meshscope
        spec: {destination: cart, source: web, route: r, version: v2, latency: {thresholdMs: 250}}
    total:
      metricSource:
        type: meshscope
        spec: {destination: cart, source: web, route: r, version: v2}
"""


def _problems(*texts, strict=True):
    files = [(f"{name}.yaml", text) for name, text in zip("abc", texts, strict=False)]
    with pytest.raises(OpenSloError) as caught:
        parse_openslo(files, strict=strict)
    return [str(problem) for problem in caught.value.problems]


def test_an_slo_is_read_with_its_target_exactly_as_written():
    (slo,) = parse_openslo([("a.yaml", GOOD)]).slos
    assert (slo.name, slo.service) == ("cart-availability", "cart")
    assert slo.sli == AvailabilitySli(EdgeSelector("cart"))
    assert slo.objective.target == Decimal("0.999")
    assert slo.window == TimeWindow(30 * 86_400)
    assert slo.labels == {"team": "orders", "region": "eu,us"}


def test_a_percentage_is_the_same_target():
    text = GOOD.replace("target: 0.999", "targetPercent: 99.9")
    (slo,) = parse_openslo([("a.yaml", text)]).slos
    assert slo.objective.target == Decimal("0.999")


def test_an_indicator_may_stand_in_another_file():
    referring = GOOD.replace(INDICATOR, "  indicatorRef: cart-quick\n")
    (slo,) = parse_openslo([("a.yaml", referring), ("b.yaml", SLI)]).slos
    assert slo.sli == LatencySli(EdgeSelector("cart", "web", "r", "v2"), 250.0)


def test_bad_over_total_means_the_same_as_good_over_total():
    (slo,) = parse_openslo([("a.yaml", GOOD.replace("good:", "bad:"))]).slos
    assert slo.sli == AvailabilitySli(EdgeSelector("cart"))


def test_a_file_may_be_several_documents_or_one_list_or_json():
    items = "".join(
        f"- {line}\n" if i == 0 else f"  {line}\n" for i, line in enumerate(GOOD.splitlines())
    )
    assert parse_openslo([("a.yaml", items)]).slos == parse_openslo([("a.yaml", GOOD)]).slos
    json = '{"apiVersion": "openslo/v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {}}'
    assert [s.name for s in parse_openslo([("a.json", json)]).services] == ["a"]
    assert parse_openslo([("empty.yaml", "")]).slos == ()


def test_op_and_value_on_a_ratio_are_refused_unless_reading_is_lenient():
    text = GOOD.replace("- target:", "- op: gt\n      value: 1\n      target:")
    complaint = "must not be given for a ratio indicator; only thresholds have it"
    assert _problems(text) == [
        f"a.yaml:31: spec.objectives[0].op: {complaint}",
        f"a.yaml:32: spec.objectives[0].value: {complaint}",
    ]
    assert len(parse_openslo([("a.yaml", text)], strict=False).slos) == 1


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (
            "0.999",
            "1.2",
            "a.yaml:31: spec.objectives[0].target: must be in [0, 1), got 1.2",
        ),
        (
            "0.999",
            "1",
            "a.yaml:31: spec.objectives[0].target: must be in [0, 1), got 1: "
            "a target of 100 % leaves no error budget to spend",
        ),
        (
            "0.999",
            "'0.999'",
            "a.yaml:31: spec.objectives[0].target: must be a decimal number, got 0.999",
        ),
        (
            "0.999",
            ".nan",
            "a.yaml:31: spec.objectives[0].target: must be a decimal number, got .nan",
        ),
        (
            "target: 0.999",
            "targetPercent: 100",
            "a.yaml:31: spec.objectives[0].targetPercent: must be in [0, 100), got 100: "
            "a target of 100 % leaves no error budget to spend",
        ),
        (
            "target: 0.999",
            "displayName: x",
            "a.yaml:31: spec.objectives[0]: exactly one of target, targetPercent is required",
        ),
        (
            "    - target: 0.999",
            "    []",
            "a.yaml:30: spec.objectives: at least one objective is required",
        ),
        (
            "target: 0.999",
            "target: 0.9\n      timeSliceTarget: 0.9",
            "a.yaml:32: spec.objectives[0].timeSliceTarget: belongs to Timeslices and "
            "RatioTimeslices",
        ),
        (
            "service: cart",
            "servise: cart",
            "a.yaml:9: spec.servise: unknown field; did you mean 'service'?",
        ),
        (
            "              destination: cart\n        total",
            "              destnation: cart\n        total",
            "a.yaml:20: spec.indicator.spec.ratioMetric.good.metricSource.spec.destnation: "
            "unknown field; did you mean 'destination'?",
        ),
        (
            "duration: 30d",
            "duration: 30 days",
            "a.yaml:28: spec.timeWindow[0].duration: must be a whole number and one of "
            "m h d w M Q Y, got '30 days'",
        ),
        (
            "duration: 30d",
            "duration: 0d",
            "a.yaml:28: spec.timeWindow[0].duration: a time window must be longer than 0 s, got 0",
        ),
        (
            "isRolling: true",
            "isRolling: false",
            "a.yaml:28: spec.timeWindow[0]: calendar is required for a window that is not rolling",
        ),
        (
            "duration: 30d",
            "duration: 1m",
            "a.yaml:28: spec.timeWindow[0].duration: 1m is 1 minutes, too short for a budget; "
            "1M is months",
        ),
        (
            "isRolling: true",
            "calendar: {startTime: 2026-01-01 00:00:30, timeZone: UTC}",
            "a.yaml:29: spec.timeWindow[0].calendar.startTime: must be at a whole minute: shorter "
            "than that is no data, got 2026-01-01 00:00:30",
        ),
        (
            "isRolling: true",
            "calendar: {startTime: 2026-01-01 00:00:00, timeZone: Mars}",
            "a.yaml:29: spec.timeWindow[0].calendar.timeZone: no time zone is called 'Mars'; "
            "an IANA name, such as UTC",
        ),
        (
            "isRolling: true",
            "isRolling: true\n      calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}",
            "a.yaml:30: spec.timeWindow[0].calendar: must not be given for a rolling window",
        ),
        (
            "Occurrences",
            "Timeslices",
            "a.yaml:31: spec.objectives[0]: timeSliceWindow is required for Timeslices",
        ),
        (
            "Occurrences",
            "TimeSlices",
            "a.yaml:26: spec.budgetingMethod: must be one of Occurrences, Timeslices, "
            "RatioTimeslices, got 'TimeSlices'",
        ),
        (
            "name: cart-availability",
            "name: Cart Availability",
            "a.yaml:4: metadata.name: must be a DNS label (lower case, digits and -, at most 63 "
            "characters), got 'Cart Availability'",
        ),
        (
            "kind: SLO",
            "kind: Servce",
            "a.yaml:2: kind: must be one of Service, DataSource, SLI, SLO, AlertPolicy, "
            "AlertCondition, AlertNotificationTarget, got 'Servce'; did you mean 'Service'?",
        ),
        (
            "openslo/v1",
            "openslo/v1alpha",
            "a.yaml:1: apiVersion: must be 'openslo/v1' or 'openslo.com/v2alpha', "
            "got 'openslo/v1alpha'",
        ),
        (
            "        counter: true",
            "        counter: 1",
            "a.yaml:15: spec.indicator.spec.ratioMetric.counter: must be true or false, got 1",
        ),
        (
            "team: orders",
            "team: 7",
            "a.yaml:6: metadata.labels.team: must be a string, got int",
        ),
        (
            "team: orders",
            "team: orders\n    team: other",
            "a.yaml:7: metadata.labels.team: is given twice",
        ),
        (
            "type: meshscope\n            spec:\n              destination: cart\n        total",
            "type: prometheus\n            spec:\n              destination: cart\n        total",
            "a.yaml:16: spec.indicator.spec.ratioMetric.good: must be of the type of total, "
            "'meshscope', got 'prometheus'",
        ),
        (
            "type: meshscope\n            spec:\n              destination: cart\n        total",
            "type: Datadog\n            spec:\n              destination: cart\n        total",
            "a.yaml:18: spec.indicator.spec.ratioMetric.good.metricSource.type: a source of type "
            "'Datadog' cannot be counted here; meshscope and prometheus can",
        ),
        (
            "destination: cart\n        total",
            "destination: cat\n        total",
            "a.yaml:16: spec.indicator.spec.ratioMetric.good: must select the same requests as "
            "total: same destination, source, route...",
        ),
        (
            "destination: cart\n  budgeting",
            "destination: cart\n              latency: {thresholdMs: 1}\n  budgeting",
            "a.yaml:21: spec.indicator.spec.ratioMetric.total: must not have a latency: "
            "the total is every request",
        ),
        (
            "destination: cart\n        total",
            "destination: cart\n              latency: {thresholdMs: 0}\n        total",
            "a.yaml:21: spec.indicator.spec.ratioMetric.good.metricSource.spec.latency.thresholdMs:"
            " must be above 0, got 0",
        ),
        (INDICATOR, "", "a.yaml:8: spec: exactly one of indicator, indicatorRef is required"),
        (
            INDICATOR,
            "  indicatorRef: cart-quik\n",
            "a.yaml:10: spec.indicatorRef: no SLI is named 'cart-quik' in these files",
        ),
        ("  service: cart\n", "", "a.yaml:8: spec: service is required"),
        ("spec:\n  service", "spec: [\n  service", "a.yaml:10: not YAML: "),
    ],
)
def test_every_mistake_is_told_with_file_line_and_property(old, new, complaint):
    assert old in GOOD
    (problem,) = _problems(GOOD.replace(old, new, 1))
    assert problem.startswith(complaint) if complaint.endswith(": ") else problem == complaint


def test_all_mistakes_of_all_files_come_at_once():
    first = GOOD.replace("0.999", "2").replace("30d", "30x").replace("service:", "srvice:")
    problems = _problems(first, SLI.replace("thresholdMs: 250", "thresholdMs: fast"))
    assert [problem.partition(": ")[0] for problem in problems] == [
        "a.yaml:9",
        "a.yaml:28",
        "a.yaml:31",
        "b.yaml:10",
    ]


def test_a_second_object_of_the_same_name_points_at_the_first():
    (problem,) = _problems(GOOD, GOOD)
    assert problem == (
        "b.yaml:3: metadata: a second SLO named 'cart-availability'; the first is at a.yaml:3"
    )


def test_a_service_must_be_declared_when_any_is():
    service = GOOD[: GOOD.index("kind")] + "kind: Service\nmetadata: {name: cards}\nspec: {}\n"
    (problem,) = _problems(GOOD, service)
    assert problem.endswith(
        "spec.service: no Service is named 'cart' in these files; did you mean 'cards'?"
    )


@settings(deadline=None)
@given(st.text(max_size=60) | st.text("-: []{}&*!|>#\n\tab01.'\"", max_size=60))
def test_any_text_is_read_or_refused_with_an_openslo_error(text):
    try:
        parse_openslo([("a.yaml", text)])
    except OpenSloError as error:
        assert all(problem.line >= 1 for problem in error.problems)  # noqa: PT017


@settings(deadline=None)
@given(st.data())
def test_any_one_line_left_out_is_read_or_refused_with_an_openslo_error(data):
    lines = GOOD.splitlines()
    left_out = data.draw(st.integers(0, len(lines) - 1))
    try:
        parse_openslo([("a.yaml", "\n".join(lines[:left_out] + lines[left_out + 1 :]))])
    except OpenSloError as error:
        assert error.problems  # noqa: PT017


def test_the_demo_shop_has_two_objectives_for_each_of_its_eight_services():
    catalog = load_openslo([SHOP])
    assert len(catalog.services) == 8
    assert sorted(slo.name for slo in catalog.slos) == sorted(
        f"{service.name}-{kind}"
        for service in catalog.services
        for kind in ("availability", "latency")
    )
    assert all({"team", "severity", "owner"} <= slo.labels.keys() for slo in catalog.slos)
