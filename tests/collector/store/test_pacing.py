import pytest

from collector.store.pacing import Pace


def paced(least_s, *seconds):
    pace = Pace(least_s)
    for one in seconds:
        pace.took(one, 2)
    return pace.window_s


@pytest.mark.parametrize(
    ("least_s", "commits", "window_s"),
    [
        (0.02, [], 0.02),
        (0.02, [0.001] * 50, 0.02),
        (0.02, [0.005] * 50, 0.08),
        (0.02, [0.5] * 50, 0.1),
        (0.02, [0.5], 0.1),
        (1.0, [0.5] * 50, 1.0),
        (0, [0.5] * 50, 0),
    ],
)
def test_the_window_is_as_long_as_sixteen_commits_within_bounds(least_s, commits, window_s):
    assert paced(least_s, *commits) == pytest.approx(window_s, rel=0.01)


def test_one_slow_commit_is_forgotten():
    assert paced(0.02, 0.02, *[0.002] * 20) == pytest.approx(0.032, rel=0.1)


def test_who_sends_one_after_the_other_soon_waits_for_nobody_but_now_and_then():
    pace = Pace(0.02)
    windows = []
    for _ in range(200):
        pace.took(0.005, 1)
        windows.append(pace.window_s)

    assert sum(window > 0.02 for window in windows) < 20
    assert max(windows[100:]) > 0.02

    pace.took(0.005, 2)
    assert pace.window_s == pytest.approx(0.08, rel=0.01)
