"""Every kind of OpenSLO, its references, budgeting methods, and both ways to read."""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from slo.burnrate import Tier
from slo.calendars import Calendar
from slo.codes import ERRORS, Codes
from slo.errors import OpenSloError
from slo.model import (
    AvailabilitySli,
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
from slo.openslo import parse_openslo
from slo.windows import load_tiers, tiers_of
from tests.slo.openslo_files import QUERIES, RATIO, obj, slo, threshold

TARGET = obj("AlertNotificationTarget", "pager", "  target: slack\n  description: the team\n")
CONDITION = obj(
    "AlertCondition",
    "fast",
    "  severity: page\n"
    "  condition: {kind: burnrate, op: gt, threshold: 14.4, lookbackWindow: 1h, alertAfter: 5m}\n",
)
POLICY = obj(
    "AlertPolicy",
    "wake",
    "  alertWhenBreaching: true\n  alertWhenNoData: true\n"
    "  conditions: [{conditionRef: fast}]\n  notificationTargets: [{targetRef: pager}]\n",
)


def _read(*texts, strict=True):
    return parse_openslo([(f"{n}.yaml", text) for n, text in enumerate(texts)], strict=strict)


def _one(*texts, strict=True):
    (found,) = _read(*texts, strict=strict).slos
    return found


def _problems(*texts, strict=True):
    with pytest.raises(OpenSloError) as caught:
        _read(*texts, strict=strict)
    return [str(problem) for problem in caught.value.problems]


def _lints(*texts):
    return [warning.lint for warning in _read(*texts, strict=False).warnings]


def test_a_policy_with_its_condition_and_target_in_other_files_becomes_an_alert():
    found = _one(slo(alertPolicies="[{alertPolicyRef: wake}]"), POLICY, CONDITION, TARGET)
    assert found.tiers == (Tier("page", 3600, 300, Decimal("0.02")),)
    assert found.notification_targets == ("pager",)
    catalog = _read(POLICY, CONDITION, TARGET)
    assert catalog.alert_policies[0].when_no_data
    assert catalog.notification_targets[0].target == "slack"
    assert [warning.lint for warning in catalog.warnings] == ["alert-after"]


def test_several_policies_are_several_tiers_and_an_annotation_is_the_short_window():
    slow = obj(
        "AlertPolicy",
        "slow",
        "  conditions:\n    - kind: AlertCondition\n      metadata: {name: s, annotations: "
        "{meshscope.dev/short-window: 30m}}\n      spec:\n        severity: low\n        condition:"
        " {kind: burnrate, threshold: 3, lookbackWindow: 1d}\n"
        "  notificationTargets: [{kind: AlertNotificationTarget, metadata: {name: mail}, "
        "spec: {target: mail}}]\n",
    )
    policies = "[{alertPolicyRef: slow}, {alertPolicyRef: wake}]"
    found = _one(slo(alertPolicies=policies), POLICY, CONDITION, TARGET, slow)
    assert found.tiers == (
        Tier("page", 3600, 300, Fraction(2, 100)),
        Tier("ticket", 86_400, 1800, Fraction(1, 10)),
    )
    assert found.notification_targets == ("mail", "pager")


def test_annotations_of_an_slo_name_a_table_or_tiers():
    profile = _one(slo(extra="meshscope.dev/alert-profile: three_x_30d"))
    assert profile.tiers == load_tiers("three_x_30d")
    tiers = _one(slo(extra="meshscope.dev/alert-tiers: 'ticket 3x 1d/2h; page 2% 1h/5m'"))
    assert tiers.tiers == (
        Tier("page", 3600, 300, Decimal("0.02")),
        Tier("ticket", 86_400, 7200, Fraction(1, 10)),
    )
    assert [tier.long_s for tier in tiers_of(_one(slo()))] == [3600, 21_600, 86_400, 259_200]


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ("meshscope.dev/alert-profile: none", "must be one of google_30d, three_x_30d, got 'none'"),
        ("meshscope.dev/alert-tiers: page 2 1h/5m", "a tier is written as"),
        ("meshscope.dev/alert-tiers: page 2% 5m/1h", "must be shorter than the long one"),
        ("meshscope.dev/alert-tiers: page 2% 1h/5s", "must be a whole number and one of"),
        (
            "meshscope.dev/alert-tiers: page 2% 1h/5m, meshscope.dev/alert-profile: google_30d",
            "and not two of them",
        ),
        ("meshscope.dev/group-by: planet", "must be some of source, route, version"),
    ],
)
def test_an_annotation_that_cannot_be_read_is_told_at_its_line(extra, told):
    (problem,) = _problems(slo(extra=extra))
    assert problem.startswith("0.yaml:4: metadata.annotations.meshscope.dev/")
    assert told in problem


def test_references_to_nobody_are_told():
    assert _problems(slo(alertPolicies="[{alertPolicyRef: wak}]"), POLICY, CONDITION, TARGET) == [
        "0.yaml:11: spec.alertPolicies[0].alertPolicyRef: no AlertPolicy is named 'wak' in these "
        "files; did you mean 'wake'?"
    ]
    assert "no AlertCondition is named 'fast'" in _problems(POLICY, TARGET)[0]
    assert "no AlertNotificationTarget is named 'pager'" in _problems(POLICY, CONDITION)[0]


def test_a_data_source_gives_the_type_of_a_metric():
    source = obj("DataSource", "ours", "  type: Prometheus\n  connectionDetails: {url: x}\n")
    ratio = QUERIES.replace("type: prometheus", "metricSourceRef: ours")
    found = _read(slo(ratio=ratio), source)
    assert found.slos[0].sli == QuerySli("sum(good_total)", "sum(all_total)")
    assert [one.type for one in found.data_sources] == ["Prometheus"]
    assert "no DataSource is named 'ours'" in _problems(slo(ratio=ratio))[0]
    assert "connectionDetails is required" in _problems(obj("DataSource", "a", "  type: x\n"))[0]


@pytest.mark.parametrize(
    ("ratio", "sli"),
    [
        (QUERIES.replace("good:", "bad:"), QuerySli("sum(good_total)", "sum(all_total)", True)),
        (
            "{counter: false, " + QUERIES.removeprefix("{").replace("sum(all_total)", "sum(a) / 2"),
            QuerySli("sum(good_total)", "sum(a) / 2", is_counter=False),
        ),
        (
            "{rawType: failure, raw: {metricSource: {type: prometheus, spec: {promql: a / b}}}}",
            RawSli("a / b", is_failure=True),
        ),
        (
            RATIO.replace("good:", "bad:").replace("cart}", "cart, codes: [5xx, 429]}", 1),
            CodeSli(EdgeSelector("cart"), Codes.of(["5xx", "429"])),
        ),
        (
            RATIO.replace("cart}", "cart, codes: [2xx, 3xx]}", 1),
            CodeSli(EdgeSelector("cart"), Codes.of(["2xx", "3xx"]).rest()),
        ),
        (
            RATIO[: RATIO.index("total")]
            + RATIO[RATIO.index("total") :].replace("cart}", "cart, codes: ['!4xx']}"),
            CodeSli(EdgeSelector("cart"), ERRORS, Codes.of(["!4xx"])),
        ),
        (
            RATIO.replace("cart}", "cart, consumers: [web, app]}"),
            AvailabilitySli(EdgeSelector("cart", consumers=("app", "web"))),
        ),
    ],
)
def test_ratios_are_read_from_the_mesh_and_from_promql(ratio, sli):
    assert _one(slo(ratio=ratio)).sli == sli


@pytest.mark.parametrize(
    ("ratio", "told"),
    [
        (QUERIES.replace("sum(good_total)", "sum("), "is no PromQL"),
        (QUERIES.replace("sum(good_total)", "avg(good_total)"), "must be a sum of counters"),
        (QUERIES.replace("sum(good_total)", "good_total[5m]"), "must give numbers at an instant"),
        (QUERIES.replace("query: 'sum(good_total)'", "qery: a"), "did you mean 'query'?"),
        (RATIO.replace("cart}", "cart, codes: [6xx]}", 1), "a class (5xx), a code (429) or none"),
        (RATIO.replace("cart}", "cart, codes: []}", 1), "must name at least one class"),
        (
            RATIO.replace("cart}", "cart, codes: [5xx], latency: {thresholdMs: 1}}", 1),
            "must have either a latency or codes",
        ),
        (
            RATIO.replace("cart}", "cart, source: a, consumers: [a]}", 2),
            "must not be given beside source",
        ),
        (RATIO.replace("{good", "{raw: {}, good"), "raw and rawType are required together"),
    ],
)
def test_a_ratio_that_cannot_be_counted_is_refused(ratio, told):
    assert any(told in problem for problem in _problems(slo(ratio=ratio)))


def test_thresholds_compare_values_and_ages():
    found = _one(threshold())
    assert found.sli == ThresholdSli("age_seconds", "lte", Decimal(5))
    fresh = "{metricSource: {type: meshscope, spec: {freshness: {service: cart}}}}"
    indicator = f"{{metadata: {{name: i}}, spec: {{thresholdMetric: {fresh}}}}}"
    sli = _one(threshold(indicator=indicator)).sli
    assert (sli.is_freshness, sli.op) == (True, "lte")
    assert sli.query == 'time() - max(mesh_exporter_last_seen_timestamp_seconds{service="cart"})'
    assert "op and value are required" in _problems(threshold(objectives="[{target: 0.9}]"))[0]
    wrong = threshold(objectives="[{op: eq, value: 1, target: 0.9}]")
    assert "must be one of lte, gte, lt, gt" in _problems(wrong)[0]


def test_slices_are_read_with_their_target_or_without():
    cart = AvailabilitySli(EdgeSelector("cart"))
    sliced = "[{target: 0.9, timeSliceTarget: 0.95, timeSliceWindow: 5m}]"
    found = _one(slo(budgetingMethod="Timeslices", objectives=sliced))
    assert found.sli == Slices(cart, 300, Decimal("0.95"))
    averaged = "[{target: 0.9, timeSliceWindow: 1h}]"
    found = _one(slo(budgetingMethod="RatioTimeslices", objectives=averaged))
    assert (found.sli, found.budgeting_method) == (Slices(cart, 3600), "RatioTimeslices")
    wrong = slo(budgetingMethod="Timeslices", objectives=averaged)
    assert "timeSliceTarget is required" in _problems(wrong)[0]
    wrong = slo(budgetingMethod="RatioTimeslices", objectives=sliced)
    assert "belongs to Timeslices" in _problems(wrong)[0]
    wrong = sliced.replace("0.95", "1.5")
    wrong = slo(budgetingMethod="Timeslices", objectives=wrong)
    assert "must be in (0, 1], got 1.5" in _problems(wrong)[0]


def test_calendar_windows_are_read_with_their_zone():
    calendar = "{startTime: 2026-01-01 06:00:00, timeZone: Europe/Berlin}"
    for start in (calendar, calendar.replace("2026-01-01 06:00:00", "'2026-01-01 06:00:00'")):
        found = _one(slo(timeWindow=f"[{{duration: 1M, calendar: {start}}}]"))
        wanted = Calendar(datetime.fromisoformat("2026-01-01 06:00"), "Europe/Berlin", 1, "M")
        assert found.window == TimeWindow(30 * 86_400, wanted)
        assert not found.window.is_rolling


def test_several_objectives_are_several_slos_that_belong_together():
    objectives = "[{displayName: Good enough, target: 0.9}, {displayName: Great, target: 0.99}]"
    found = _read(slo(objectives=objectives)).slos
    assert [one.name for one in found] == ["cart.good-enough", "cart.great"]
    assert {one.belongs_to for one in found} == {"cart"}
    assert found[0].names == ("cart.good-enough", "cart")
    unnamed = _read(slo(objectives="[{target: 0.9}, {target: 0.99}]")).slos
    assert [one.name for one in unnamed] == ["cart.1", "cart.2"]


def _journey(*objectives, **given):
    steps = ", ".join(f"{{indicator: {{metadata: {{name: s}}, spec: {{ratioMetric: {ratio}}}}}, "
                      f"{rest}}}" for ratio, rest in objectives)  # fmt: skip
    return slo("journey", indicator=None, objectives=f"[{steps}]", **given)


def test_a_composite_is_a_whole_and_each_of_its_steps():
    text = _journey(
        (RATIO, "displayName: cart, target: 0.95"),
        (RATIO.replace("cart", "pay"), "displayName: pay, target: 0.999, compositeWeight: 2"),
    )
    whole, *steps = _read(text).slos
    cart, pay = (AvailabilitySli(EdgeSelector(name)) for name in ("cart", "pay"))
    # A failed payment counts 2 x 50 times: the budget of payments is a fiftieth of the journey's.
    assert whole.sli == Composite((Member(cart, Fraction(1)), Member(pay, Fraction(100))))
    assert (whole.name, whole.objective.target) == ("journey", Decimal("0.95"))
    assert [(one.name, one.sli) for one in steps] == [("journey.cart", cart), ("journey.pay", pay)]


def test_steps_of_a_composite_must_be_counted_alike_and_stand_in_one_place():
    text = _journey((RATIO, "target: 0.9"), (RATIO, "target: 0.9"))
    both = text.replace("  service: cart\n", "  service: cart\n  indicatorRef: x\n")
    assert "stand on the SLO or on each objective, not both" in _problems(both)[0]
    sliced = [(RATIO, f"target: 0.9, timeSliceTarget: 0.9, timeSliceWindow: {n}m") for n in (1, 5)]
    mixed = _journey(*sliced, budgetingMethod="Timeslices")
    assert "must be counted alike" in _problems(mixed)[0]


@pytest.mark.parametrize(
    ("lint", "refused", "text"),
    [
        ("no-time-window", "timeWindow is required", slo(timeWindow=None)),
        ("no-time-window", "exactly one time window is required, got 0", slo(timeWindow="[]")),
        ("no-budgeting-method", "budgetingMethod is required", slo(budgetingMethod=None)),
        (
            "op-on-ratio",
            "only thresholds have it",
            slo(objectives="[{op: gt, target: 0.9}]"),
        ),
        (
            "minute-for-month",
            "1M is months",
            slo(timeWindow="[{duration: 1m, isRolling: true}]"),
        ),
        (
            "bare-number-slice",
            "must be a duration, such as 5m",
            slo(
                budgetingMethod="RatioTimeslices",
                objectives="[{target: 0.9, timeSliceWindow: 5}]",
            ),
        ),
        (
            "alert-when-healthy",
            "alerts while the burn rate is low",
            CONDITION.replace("op: gt", "op: lte").replace(", alertAfter: 5m", ""),
        ),
        (
            "source-not-counted",
            "cannot be counted here",
            slo(ratio=RATIO.replace("type: meshscope", "type: Datadog")),
        ),
    ],
)
def test_a_trap_is_refused_strictly_and_named_leniently(lint, refused, text):
    assert any(refused in problem for problem in _problems(text))
    assert set(_lints(text)) == {lint}


def test_what_lenient_reading_makes_of_the_traps():
    month = _one(slo(timeWindow="[{duration: 1m, isRolling: true}]"), strict=False)
    assert month.window == TimeWindow(30 * 86_400)
    assert _one(slo(timeWindow=None), strict=False).window == TimeWindow(30 * 86_400)
    bare = slo(budgetingMethod="RatioTimeslices", objectives="[{target: 0.9, timeSliceWindow: 5}]")
    assert _one(bare, strict=False).sli.seconds == 300
    healthy = CONDITION.replace("op: gt", "op: lte")
    assert _one(
        slo(alertPolicies="[{alertPolicyRef: wake}]"), POLICY, healthy, TARGET, strict=False
    ).tiers == (Tier("page", 3600, 300, Decimal("0.02")),)
    left_out = slo(ratio=RATIO.replace("type: meshscope", "type: Datadog"))
    assert _read(left_out, strict=False).slos == ()


def test_what_refers_to_other_files_is_read_leniently_without_them():
    ratio = RATIO.replace("type: meshscope", "metricSourceRef: ours, type: meshscope")
    text = slo(ratio=ratio, alertPolicies="[{alertPolicyRef: wake}]")
    assert _one(text, strict=False).tiers is None
    assert set(_lints(text)) == {"not-in-these-files"}
    left_out = slo(indicator=None, indicatorRef="elsewhere")
    assert _read(left_out, strict=False).slos == ()
    assert len(_problems(text)) == 3


def test_several_objectives_of_a_threshold_are_read_with_a_warning():
    two = "[{op: lte, value: 5, target: 0.9}, {op: lte, value: 9, target: 0.99}]"
    catalog = _read(threshold(objectives=two))
    assert [one.sli.value for one in catalog.slos] == [5, 9]
    assert [warning.lint for warning in catalog.warnings] == ["several-thresholds"]


def test_a_warning_tells_its_place_and_its_name():
    (warning,) = _read(slo(timeWindow="[]"), strict=False).warnings
    assert str(warning) == (
        "0.yaml:9: spec.timeWindow: no time window is given: read as 30 days, rolling "
        "[no-time-window]"
    )


V2 = "openslo.com/v2alpha"
V2_SLO = obj(
    "SLO",
    "cart",
    "  serviceRef: cart\n  sliRef: answers\n  budgetingMethod: Occurrences\n"
    "  timeWindow: [{duration: 4w, isRolling: true}]\n  objectives: [{target: 0.99}]\n",
    version=V2,
)
V2_SLI = obj(
    "SLI",
    "answers",
    "  ratioMetric: {good: {dataSourceSpec: {type: meshscope}, spec: {destination: cart}}, "
    "total: {dataSourceRef: mesh, spec: {destination: cart}}}\n",
    version=V2,
)
V2_SOURCE = obj("DataSource", "mesh", "  type: meshscope\n  connectionDetails: {}\n", version=V2)


def test_v2alpha_is_read_with_its_own_words():
    found = _one(V2_SLO, V2_SLI, V2_SOURCE)
    assert (found.service, found.sli) == ("cart", AvailabilitySli(EdgeSelector("cart")))
    assert found.window.seconds == 28 * 86_400
    old = V2_SLO.replace("serviceRef", "service").replace("sliRef", "sli")
    old = old.replace("sli: answers", "sli: {metadata: {name: x}, spec: {ratioMetric: "
                      "{good: {dataSourceRef: mesh, spec: {destination: a}}, "
                      "total: {dataSourceRef: mesh, spec: {destination: a}}}}}")  # fmt: skip
    assert _one(old, V2_SOURCE).sli == AvailabilitySli(EdgeSelector("a"))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("4w", "1M", "must be in one of m h d w in v2alpha, got '1M'"),
        ("{name: cart}", "{name: cart, displayName: x}", "metadata.displayName: unknown field"),
        ("sliRef", "indicatorRef", "spec.indicatorRef: unknown field"),
    ],
)
def test_v2alpha_refuses_the_words_of_v1(old, new, told):
    assert any(
        told in problem for problem in _problems(V2_SLO.replace(old, new), V2_SLI, V2_SOURCE)
    )


def test_v2alpha_wants_to_know_how_long_to_wait():
    condition = CONDITION.replace("openslo/v1", V2).replace(", alertAfter: 5m", "")
    assert _problems(condition) == ["0.yaml:7: spec.condition: alertAfter is required"]


def test_a_group_by_belongs_to_the_mesh():
    found = _one(slo(extra="meshscope.dev/group-by: 'source, route'"))
    assert found.group_by == ("source", "route")
    query = slo(ratio=QUERIES, extra="meshscope.dev/group-by: source")
    assert "only indicators of the mesh can be grouped" in _problems(query)[0]
    named = slo(
        ratio=RATIO.replace("cart}", "cart, source: web}"), extra="meshscope.dev/group-by: source"
    )
    assert "source is one already" in _problems(named)[0]
