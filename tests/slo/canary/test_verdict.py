"""Verdicts on whole trials: each state, its reasons, and how often they are wrong."""

from dataclasses import replace

import numpy as np
import pytest

from slo.canary.policy import Policy
from slo.canary.trial import CANARY
from slo.canary.verdict import judge
from tests.slo.canary.trials import FROM_S, Truth, draw, drawn, rows, trial

WIDE = Policy(max_error_increase=0.02, max_latency_increase=0.5, quantile=0.9)
BIG = Truth(rate=2000.0, weight=0.3)


def _judge(truth, buckets=60, policy=WIDE, seed=5):
    return judge(drawn(np.random.default_rng(seed), [truth], buckets), policy)


@pytest.mark.parametrize(
    ("truth", "verdict", "reason"),
    [
        (BIG, "promote", "errors: "),
        (replace(BIG, canary_errors=0.08), "roll_back", "p < 0.0001, however often"),
        (replace(BIG, canary_ms=40.0), "roll_back", "are slower in"),
        (replace(BIG, canary_errors=0, baseline_errors=0), "promote", "0 of 36,"),
        (replace(BIG, canary_errors=1), "roll_back", "failures where both were asked"),
        (replace(BIG, rate=10.0, weight=0.05), "hold", "more requests to v2 should tell"),
        (replace(BIG, weight=0.0), "hold", "v2 got no requests; payments answered as v1"),
        (replace(BIG, weight=1.0), "hold", "v1 got no requests; payments answered as v2"),
        (replace(BIG, rate=0.0), "hold", "payments was not called in this window"),
    ],
)
def test_a_trial_is_judged_with_reasons(truth, verdict, reason):
    found = _judge(truth)
    assert found.verdict == verdict, found.reasons
    assert any(reason in one for one in found.reasons), found.reasons


def test_versions_that_never_met_cannot_be_compared():
    found = judge(trial(rows((0, 0, 0, 500, 0), (0, 1, 1, 500, 0))), WIDE)
    assert found.verdict == "hold"
    assert found.reasons == (
        "no caller reached both versions by the same route at the same time: "
        "nothing can be compared",
    )
    assert found.more_requests is None


def test_errors_can_be_judged_alone():
    slow = replace(BIG, canary_ms=80.0)
    assert _judge(slow).verdict == "roll_back"
    found = _judge(slow, policy=replace(WIDE, ignore_latency=True))
    assert (found.verdict, found.latency) == ("promote", None)


def test_a_proven_increase_within_the_margin_is_promoted_and_told():
    found = _judge(replace(BIG, canary_errors=0.02), buckets=400, policy=replace(
        WIDE, max_error_increase=0.05
    ))  # fmt: skip
    assert found.verdict == "promote"
    assert any("more than before is proven, but less than 5 %" in one for one in found.reasons)


def test_a_canary_that_breaks_after_a_look_is_rolled_back_before_the_next():
    counted, latencies = draw(np.random.default_rng(6), [BIG], 60)
    assert judge(trial(counted, latencies), WIDE).verdict == "promote"
    errors = counted.errors.copy()
    late = (counted.bucket_s >= FROM_S + 580) & (counted.version == CANARY)
    errors[late] = counted.requests[late]
    found = judge(trial(replace(counted, errors=errors), latencies), WIDE)
    assert found.look.to_s < FROM_S + 580
    assert found.verdict == "roll_back"


def test_the_answer_stands_still_between_two_looks():
    counted, latencies = draw(np.random.default_rng(7), [replace(BIG, rate=200.0)], 60)
    seen = {}
    for at in range(5, 60):
        now = judge(trial(counted.before(FROM_S + at * 10), latencies, buckets=at), WIDE)
        if now.look is not None:
            key = now.errors.p_not_worse, now.latency.p_slower
            assert seen.setdefault(now.look.number, key) == key
    assert len(seen) > 3


def test_the_requests_that_it_asks_for_do_suffice_when_all_goes_on_as_it_was():
    truth = replace(BIG, canary_errors=0.0, baseline_errors=0.0, rate=100.0)
    policy = replace(WIDE, max_error_increase=0.01, ignore_latency=True)
    found = _judge(truth, buckets=8, policy=policy)
    assert found.verdict == "hold"
    needed = found.canary.requests + found.more_requests
    enough = _judge(truth, buckets=int(needed / found.canary.requests * 8 * 1.1), policy=policy)
    assert enough.verdict == "promote", enough.reasons


def test_numbers_add_up_to_the_requests():
    found = _judge(BIG)
    shown = found.distribution
    assert sum(shown.canary) == found.canary.requests - found.canary.errors
    assert sum(shown.baseline) == found.baseline.requests - found.baseline.errors
    assert found.canary.share_ratio + found.baseline.share_ratio == pytest.approx(1)


FALSE = Policy(max_error_increase=0.02, max_latency_increase=0.15, quantile=0.5, min_requests=100)
"""Margins that a few thousand requests can tell from nothing."""


WRONGED = [
    (Truth(rate=200.0, weight=0.2), "roll_back"),
    (Truth(rate=200.0, weight=0.2, canary_errors=0.03), "promote"),
    (Truth(rate=200.0, weight=0.8), "roll_back"),
    (Truth(rate=200.0, weight=0.2, canary_ms=23.0), "promote"),
    (Truth(rate=200.0, weight=0.8, canary_errors=0.021, baseline_errors=0.001), "promote"),
]


@pytest.mark.parametrize(("truth", "wrong"), WRONGED[:2])
def test_asked_again_and_again_a_verdict_is_seldom_wrong(truth, wrong):
    rng = np.random.default_rng(8)
    assert sum(wrong in _ever(draw(rng, [truth], 60), FALSE) for _ in range(15)) <= 2


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("truth", "wrong"), WRONGED)
def test_of_a_hundred_trials_no_more_go_wrong_than_stated(truth, wrong):
    """At 95 % five may; more than ten of a hundred would be a chance of 1 in 100 or less."""
    rng = np.random.default_rng(9)
    assert sum(wrong in _ever(draw(rng, [truth], 60), FALSE) for _ in range(100)) <= 10


def _ever(drawing, policy):
    counted, latencies = drawing
    asked = range(10, 61, 10)
    return {
        judge(trial(counted.before(FROM_S + at * 10), latencies, buckets=at, first_look=100),
              policy).verdict for at in asked
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "value"),
    [("confidence", 1.0), ("max_error_increase", 0), ("quantile", 1), ("min_requests", 0)],
)
def test_a_threshold_without_sense_is_named(change, value):
    with pytest.raises(ValueError, match=change):
        Policy(**{change: value})
