from dataclasses import replace
from decimal import Decimal

import pytest

from slo.evaluate import evaluate
from slo.gate import Overrides, gate, policy
from slo.sources.fixed import FixedCountSource, FixedRow
from tests.slo.strategies import NOW_S, slo

GOOD = FixedRow(NOW_S - 10 * 86_400, "cart", 100_000)
LATELY = FixedRow(NOW_S - 100, "cart", 1_000)


def _gate(rows, overrides=None, objectives=None, **annotations):
    keys = {f"meshscope.dev/gate-{key.replace('_', '-')}": v for key, v in annotations.items()}
    slos = objectives or [replace(slo(), annotations=keys)]
    statuses = evaluate(slos, FixedCountSource(rows), NOW_S)
    return gate("cart", slos, statuses, overrides or Overrides())


def _failed(count, *, ago_s=100):
    return FixedRow(NOW_S - ago_s, "cart", count, code=503)


def test_a_service_with_budget_and_traffic_may_go():
    verdict = _gate([GOOD, LATELY])
    assert (verdict.decision, verdict.reasons) == ("go", ())


@pytest.mark.parametrize(
    ("rows", "decision", "reason"),
    [
        ([], "unknown", "cart-availability: no data in its window"),
        ([GOOD], "unknown", "no events in the last 1h"),
        ([GOOD, LATELY, _failed(200, ago_s=86_400 * 9)], "no_go", "the error budget is exhausted"),
        ([GOOD, LATELY, _failed(30)], "no_go", "page 1h/5m is firing: the budget burns 29.13x"),
    ],
)
def test_what_stands_against_it_is_told(rows, decision, reason):
    verdict = _gate(rows)
    assert verdict.decision == decision
    assert any(reason in told for told in verdict.reasons)


SPENT_HALF = [GOOD, LATELY, _failed(50, ago_s=86_400 * 9)]


@pytest.mark.parametrize(
    ("annotations", "overrides", "decision"),
    [
        ({}, None, "go"),
        ({"min_budget": "60"}, None, "no_go"),
        ({"min_budget": "60 %"}, Overrides(min_budget_ratio=Decimal("0.4")), "go"),
        ({}, Overrides(min_budget_ratio=Decimal("0.6")), "no_go"),
        ({"min_budget": "much"}, None, "unknown"),
        ({"page": "maybe"}, None, "unknown"),
    ],
)
def test_annotations_set_the_thresholds_and_flags_win(annotations, overrides, decision):
    assert _gate(SPENT_HALF, overrides, **annotations).decision == decision


def test_a_burn_below_the_page_can_stop_it_too():
    rows = [GOOD, LATELY, _failed(5)]
    assert _gate(rows).decision == "go"
    verdict = _gate(rows, max_burn="3")
    assert verdict.decision == "no_go"
    assert "the budget burns 4.98x in the last 1h and 5m, above 3x" in verdict.reasons[0]


def test_a_page_and_silence_can_be_allowed():
    assert _gate([GOOD, LATELY, _failed(30)], Overrides(ignore_page=True)).decision == "go"
    assert _gate([GOOD], silence="allow").decision == "go"


def test_the_worst_objective_decides_and_others_are_not_asked():
    slos = [slo("a"), slo("b", target="0.5"), slo("other", destination="payments")]
    verdict = _gate([GOOD, LATELY, _failed(200)], objectives=slos)
    assert verdict.decision == "no_go"
    assert [one.slo for one in verdict.objectives] == ["a", "b"]
    assert verdict.objectives[1].decision == "go"


def test_a_service_without_objectives_is_unknown():
    verdict = gate("nobody", [slo()], [])
    assert (verdict.decision, verdict.reasons) == ("unknown", ("nobody has no objectives",))


def test_without_annotations_the_defaults_hold():
    wanted = policy({})
    assert (wanted.min_budget_ratio, wanted.max_burn) == (0, None)
    assert not wanted.ignore_page
    assert not wanted.allow_silence
