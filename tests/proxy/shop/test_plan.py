"""Plans follow their seed and their odds; answers of calls decide the answer of the request."""

from random import Random

import pytest

from proxy.shop.operation import Call, Failure, Operation, ServiceTime
from proxy.shop.plan import degraded_by, draw_plan, failure_of

MUST = Call("catalog", "show-product")
MAY = Call("recommendations", "recommend", is_optional=True)
SOMETIMES = Call("shipping", "quote", probability=0.25)
TIME = ServiceTime(5, 20)


def plans(operation, count=4000, seed="x", **flags):
    rng = Random(seed)
    return [draw_plan(operation, rng, **flags) for _ in range(count)]


def test_the_same_seed_gives_the_same_plans():
    operation = Operation("o", "GET", "/", TIME, ((MUST, SOMETIMES),), (Failure(500, 0.1),))
    assert plans(operation, seed="a") == plans(operation, seed="a")
    assert plans(operation, seed="a") != plans(operation, seed="b")


def test_failures_and_calls_come_in_their_shares():
    operation = Operation("o", "GET", "/", TIME, ((SOMETIMES,),), (Failure(402, 0.05),))
    drawn = plans(operation)
    assert sum(p.failure == 402 for p in drawn) / len(drawn) == pytest.approx(0.05, abs=0.015)
    called = sum(p.stages == ((SOMETIMES,),) for p in drawn)
    assert called / len(drawn) == pytest.approx(0.25, abs=0.03)


def test_a_bad_release_fails_more_and_is_slower():
    operation = Operation("o", "GET", "/", TIME)
    good, bad = plans(operation), plans(operation, pace=3.0, failure_ratio=0.2)
    assert {p.failure for p in good} == {None}
    assert sum(p.failure == 500 for p in bad) / len(bad) == pytest.approx(0.2, abs=0.03)
    mean = [sum(p.delay_s for p in drawn) / len(drawn) for drawn in (good, bad)]
    assert mean[1] / mean[0] == pytest.approx(3.0, rel=0.1)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((200, 200), None),
        ((201, 500), None),
        ((204, 0), None),
        ((500, 200), 502),
        ((502, 200), 502),
        ((503, 200), 503),
        ((504, 200), 504),
        ((0, 200), 504),
        ((402, 200), 402),
        ((404, 500), 404),
        ((409, 200), 409),
        ((403, 200), 502),
        ((429, 200), 502),
    ],
)
def test_a_critical_failure_decides_and_an_optional_one_does_not(statuses, expected):
    assert failure_of((MUST, MAY), statuses) == expected


def test_the_first_critical_failure_decides():
    assert failure_of((MUST, SOMETIMES), (404, 503)) == 404


def test_a_failed_optional_call_degrades_the_answer():
    assert degraded_by((MUST, MAY), (200, 500)) == ["recommendations"]
    assert degraded_by((MUST, MAY), (200, 200)) == []
