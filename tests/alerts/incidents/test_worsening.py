"""When a call got worse, and when it only always was so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.incidents.worsening import (
    GAP_STEPS,
    MINUTE_S,
    RECENT_S,
    Point,
    failing,
    onset,
    run_start,
    slow_from,
    slower,
)

FIRST_S = 1_800_000_000
END_S = FIRST_S + 600
PAIR = ("a", "b")


def points(*errors, requests=100):
    """Return minutes that end with that of the alert."""
    first = FIRST_S - (len(errors) - 1) * MINUTE_S
    return [Point(first + at * MINUTE_S, requests, one) for at, one in enumerate(errors)]


def test_failures_that_were_not_there_before_are_worse_since_their_first_minute():
    found = failing(PAIR, points(*[0] * 60, 10, 20, 0, 30), FIRST_S, from_s=0, until_s=END_S)
    assert (found.began_s, found.errors, found.requests) == (FIRST_S - 180, 60, 400)
    assert (found.error_ratio, found.before_error_ratio) == (0.15, 0.0)


@pytest.mark.parametrize(
    "errors",
    [
        [0] * 60,
        [3] * 60,
        [0] * 50 + [4],
        [0] * 20 + [50] + [0] * 40,
        [0, 2, 0, 3] * 20,
    ],
    ids=["never", "always the same", "too few", "long over", "now and then"],
)
def test_what_is_no_worse_is_not_told(errors):
    known = points(*errors)
    assert failing(PAIR, known, FIRST_S, from_s=known[0].at_s, until_s=END_S) is None


def test_an_edge_that_failed_a_little_and_now_fails_much_is_worse():
    found = failing(
        PAIR, points(*[0] * 5, *[1] * 5, *[0] * 50, *[40] * 5), FIRST_S, from_s=0, until_s=END_S
    )
    assert found.began_s == FIRST_S - 4 * MINUTE_S


def test_an_edge_without_traffic_before_has_no_ratio_before():
    found = failing(PAIR, points(40), FIRST_S, from_s=0, until_s=END_S)
    assert found.before_error_ratio is None
    assert found.began_s == FIRST_S


def test_failures_after_the_alert_go_on_with_the_run():
    later = [Point(FIRST_S + 60 * at, 100, 50) for at in range(1, 5)]
    found = failing(PAIR, [*points(*[0] * 9, 50), *later], FIRST_S, from_s=0, until_s=END_S)
    assert (found.began_s, found.errors) == (FIRST_S, 250)


minutes = st.lists(st.integers(-30, 10).map(lambda at: FIRST_S + at * MINUTE_S), max_size=20)


@given(minutes)
def test_a_run_begins_where_walking_back_meets_a_long_calm(bad):
    """The twin walks minute by minute."""
    found = run_start(bad, FIRST_S)
    begun = [at for at in bad if at <= FIRST_S]
    if not begun:
        assert found is None
        return
    start, calm, at = max(begun), 0, max(begun)
    while calm <= GAP_STEPS:
        at -= MINUTE_S
        calm = 0 if at in bad else calm + 1
        start = at if at in bad else start
    assert found == start


def minutes_of(*histograms):
    """Return minutes that end with that of the alert."""
    first = FIRST_S - (len(histograms) - 1) * MINUTE_S
    return {first + at * MINUTE_S: counts for at, counts in enumerate(histograms)}


FAST, LATE = {40: 100}, {40: 50, 80: 50}


def test_latency_that_doubled_is_slower_since_its_first_minute():
    found = slower(PAIR, minutes_of(*[FAST] * 20, *[LATE] * 5), FIRST_S, until_s=END_S)
    assert (found.kind, found.began_s) == ("latency", FIRST_S - 240)
    assert found.p95_ms > 2 * found.before_p95_ms
    assert found.requests == 500


def test_what_has_been_slow_for_most_of_the_time_is_still_told():
    found = slower(PAIR, minutes_of(*[FAST] * 5, *[LATE] * 14), FIRST_S, until_s=END_S)
    assert found.began_s == FIRST_S - 13 * MINUTE_S


def test_slowness_that_came_after_a_first_alert_of_little_weight_is_told():
    later = {FIRST_S + at * MINUTE_S: LATE for at in range(2, 6)}
    found = slower(PAIR, minutes_of(*[FAST] * 9) | later, FIRST_S, until_s=END_S)
    assert found.began_s == FIRST_S + 120


@pytest.mark.parametrize(
    "histograms",
    [[LATE] * 20, [FAST] * 20, [{40: 4}] * 9 + [{80: 4}] * 9, [{40: 100}] * 9 + [{41: 100}] * 9,
     [{10: 100}] * 9 + [{19: 100}] * 9, [FAST] * 5 + [LATE] * 5 + [FAST] * 30, []],
    ids=["always", "never", "too few", "a little", "still quick", "over", "nothing"],
)  # fmt: skip
def test_latency_that_is_no_worse_is_not_told(histograms):
    assert slower(PAIR, minutes_of(*histograms), FIRST_S, until_s=END_S) is None


def test_the_first_slow_step_is_found_within_a_minute():
    edge = slower(PAIR, minutes_of(*[FAST] * 20, *[LATE] * 5), FIRST_S, until_s=END_S)
    steps = {FIRST_S + at * 10: LATE if at >= 3 else FAST for at in range(6)}
    assert slow_from(steps, edge) == FIRST_S + 30
    assert slow_from({}, edge) is None


@given(minutes)
def test_an_onset_is_a_bad_minute_and_none_only_when_all_was_long_over(bad):
    found = onset(bad, FIRST_S)
    near = [at for at in bad if at >= FIRST_S - RECENT_S]
    assert (found is None) == (not near)
    assert found is None or found in bad
