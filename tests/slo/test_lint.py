from dataclasses import replace
from decimal import Decimal

from slo.burnrate import Tier
from slo.lint import alert_problems, objective_problems
from slo.windows import google_30d
from tests.slo.strategies import slo


def test_nothing_is_odd_about_a_usual_objective():
    assert objective_problems([slo()], google_30d()) == []


def test_tiers_that_cannot_fire_are_named_with_the_target_that_would_do():
    (problem,) = alert_problems(slo(target="0.9"), google_30d())
    assert problem == (
        "page-1h cannot fire: a full outage burns 10x, its factor is 14.4; "
        "the target must be above 93.06 %"
    )
    assert len(alert_problems(slo(target="0.5"), google_30d())) == 3


def test_tiers_longer_than_the_time_window_are_named():
    told = alert_problems(slo(window_s=86_400), google_30d())
    assert [problem.split(" is ")[0] for problem in told] == ["ticket-1d", "ticket-3d"]


def test_windows_shorter_than_the_data_are_named():
    tier = Tier("page", 3600, 5, Decimal("0.02"))
    (problem,) = alert_problems(slo(), (tier,))
    assert problem.startswith("page-1h cannot be measured: its short window, 5s, is no multiple")
    assert "no multiple of the 10 s" in alert_problems(slo(window_s=86_405), ())[0]


def test_an_unreadable_gate_policy_is_named():
    odd = replace(slo(), annotations={"meshscope.dev/gate-max-burn": "fast"})
    ((name, problems),) = objective_problems([odd], google_30d())
    assert name == "cart-availability"
    assert problems[0].startswith("meshscope.dev/gate-max-burn must be a number")
