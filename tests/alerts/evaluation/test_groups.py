"""Groups: order, limits, mistakes, what is left after a change, and what survives a restart."""

import pytest

from alerts.evaluation.groups import continued, restore
from alerts.evaluation.reading import read_rules
from alerts.evaluation.rules import World
from alerts.evaluation.series import Sample
from collector.promql.samples import is_stale
from tests.alerts.evaluation.world import MINUTE, T0, Steps, series

HOUR = 60 * MINUTE


def one_group(*rules, **fields):
    lines = "".join(f"      - {rule}\n" for rule in rules)
    head = "".join(f"    {name}: {value}\n" for name, value in fields.items())
    return f"groups:\n  - name: g\n    interval: 1m\n{head}    rules:\n{lines}"


def down(*values, job="a"):
    return series("down", values, (("job", job),))


def test_a_later_rule_sees_what_an_earlier_one_recorded_at_the_same_evaluation():
    steps = Steps(one_group("{record: b, expr: a + 1}", "{record: c, expr: b * 10}"),
                  [series("a", [4.0])])  # fmt: skip
    steps.run(T0)
    assert [(dict(one.labels)["__name__"], one.value) for one in steps.written] == [
        ("b", 5.0),
        ("c", 50.0),
    ]


def test_a_scalar_is_recorded_as_a_series_without_labels():
    steps = Steps(one_group("{record: seven, expr: 3 + 4, labels: {a: b}}"))
    steps.run(T0)
    assert steps.written == [Sample((("__name__", "seven"), ("a", "b")), T0, 7.0)]


def test_expressions_and_samples_lie_back_by_the_query_offset_but_alerts_do_not():
    text = one_group("{record: b, expr: a}", "{alert: A, expr: a > 0}", query_offset="2m")
    steps = Steps(text, [series("a", [1.0, 2.0, 3.0, 4.0])])
    state = steps.run(T0 + 3 * MINUTE)
    assert steps.written[0] == Sample((("__name__", "b"),), T0 + MINUTE, 2.0)
    assert {one.at_ms for one in steps.written} == {T0 + MINUTE}
    assert state.rules[1].alerts[0].active_ms == T0 + 3 * MINUTE


def test_a_series_that_is_not_written_again_ends_with_a_stale_marker():
    steps = Steps(one_group("{record: b, expr: a > 1}"), [series("a", [2.0, 1.0])])
    steps.run(T0)
    steps.run(T0 + MINUTE)
    last = steps.written[-1]
    assert last.at_ms == T0 + MINUTE
    assert is_stale(__import__("numpy").array([last.value]))[0]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("{record: r, expr: sum without (job) (down), labels: {job: x}}", None),
        ("{record: r, expr: down, labels: {job: x}}", "same labelset after applying rule labels"),
        ("{alert: A, expr: down, labels: {job: x}}", "same labelset after applying alert labels"),
        ("{record: r, expr: down * on () down}", "many-to-many"),
    ],
)
def test_two_elements_with_the_same_labels_are_an_error_that_changes_nothing(rule, reason):
    steps = Steps(one_group(rule), [down(1.0), down(1.0, job="b")])
    (state,) = steps.run(T0).rules
    assert state.health == ("ok" if reason is None else "err")
    assert (reason or "") in state.last_error
    assert bool(steps.written) == (reason is None)


def test_a_failing_rule_does_not_spoil_its_neighbours():
    steps = Steps(one_group("{record: a, expr: down * on () down}", "{record: b, expr: 1}"),
                  [down(1.0), down(1.0, job="b")])  # fmt: skip
    healths = [one.health for one in steps.run(T0).rules]
    assert healths == ["err", "ok"]


def test_more_series_than_the_limit_are_none():
    steps = Steps(one_group("{record: r, expr: down}", limit=1), [down(1.0), down(1.0, job="b")])
    assert steps.run(T0).rules[0].last_error == "exceeded limit of 1 with 2 series"
    assert not steps.written


def test_more_alerts_than_the_limit_forget_all():
    steps = Steps(one_group("{alert: A, expr: down > 0, for: 5m}", limit=1),
                  [down(1, 1, 1), down(0, 1, 0, job="b")])  # fmt: skip
    assert steps.run(T0).rules[0].state == "pending"
    state = steps.run(T0 + MINUTE).rules[0]
    assert (state.last_error, state.alerts) == ("exceeded limit of 1 with 2 alerts", ())
    assert steps.run(T0 + 2 * MINUTE).rules[0].alerts[0].active_ms == T0 + 2 * MINUTE


def test_labels_and_annotations_are_filled_in_for_each_alert():
    rule = (
        '{alert: A, expr: down > 0, labels: {who: "{{ $labels.job }}", job: ""},'
        ' annotations: {text: "{{ $value }} in {{ $externalLabels.region }}, {{ nope }}"}}'
    )
    with pytest.raises(ValueError, match='function "nope" not defined'):
        Steps(one_group(rule))
    world = World("http://here", {"region": "eu"})
    steps = Steps(one_group(rule.replace("nope", "query `down` | len")), [down(2.0)], world=world)
    (alert,) = steps.run(T0).rules[0].alerts
    assert alert.labels == (("alertname", "A"), ("who", "a"))
    assert alert.annotations == (("text", "2 in eu, 1"),)


def test_a_template_that_fails_is_told_and_the_alert_fires():
    rule = '{alert: A, expr: down > 0, annotations: {text: "{{ query `none` | first }}"}}'
    (alert,) = Steps(one_group(rule), [down(2.0)]).run(T0).rules[0].alerts
    assert alert.state == "firing"
    assert "first() called on vector with no elements" in dict(alert.annotations)["text"]


HELD = one_group("{alert: A, expr: down > 0, for: 30m}")


def pending_since(minutes_before, silent_minutes, *, ended=False):
    """Return what was written of an alert that was pending before the server went away."""
    labels = (("__name__", "ALERTS_FOR_STATE"), ("alertname", "A"), ("job", "a"))
    went_ms = T0 - silent_minutes * MINUTE
    since_s = (went_ms - minutes_before * MINUTE) / 1000
    found = [Sample(labels, went_ms, since_s)]
    if ended:
        from collector.promql.samples import STALE

        found.append(Sample(labels, went_ms + 1, float(STALE)))
    return found


@pytest.mark.parametrize(
    ("held", "silent", "ended", "since"),
    [
        (10, 5, False, -15 + 5),  # 20 minutes are left: begins later by the outage
        (25, 5, False, 10 - 30),  # 5 are left: waits for the grace period of 10
        (40, 5, False, -45),  # fired before: as it was
        (10, 61, False, 0),  # too long ago
        (10, 5, True, 0),  # had ended
    ],
)
def test_a_restart_costs_an_alert_only_the_outage(held, silent, ended, since):
    written = pending_since(held, silent, ended=ended)
    steps = Steps(HELD, [down(1.0, 1.0)], restores=True, written=written)
    steps.run(T0)
    assert not steps.written, "nothing is written before it is known what was"
    state = restore(steps.states[0], steps.source, T0)
    assert state.rules[0].alerts[0].active_ms == T0 + since * MINUTE
    steps.states[0] = state
    steps.run(T0 + MINUTE)
    assert steps.written


def test_a_rule_that_holds_less_than_the_grace_period_begins_anew():
    steps = Steps(
        HELD.replace("30m", "9m"), [down(1.0)], restores=True, written=pending_since(5, 1)
    )
    steps.run(T0)
    assert restore(steps.states[0], steps.source, T0).rules[0].alerts[0].active_ms == T0


def test_a_changed_file_keeps_the_state_of_rules_that_stay_and_ends_the_series_of_others():
    steps = Steps(one_group("{record: a, expr: 1}", "{alert: A, expr: down > 0, for: 5m}"),
                  [down(1.0)])  # fmt: skip
    before = steps.run(T0)
    (group,) = read_rules(one_group("{alert: A, expr: down > 0, for: 9m}"), file="r.yaml")
    after, gone = continued(before, group)
    assert [alert.active_ms for alert in after.rules[0].alerts] == [T0]
    assert after.rules[0].rule.hold_ms == 9 * MINUTE
    assert gone == [(("__name__", "a"),)]
