"""The shape of traffic beside the numbers."""

from dashboards.web.sparklines import points, read_sparklines, step_for
from tests.dashboards.web.seeded import NOW_S


def test_a_line_has_about_thirty_steps_of_whole_buckets():
    assert [step_for(span) for span in (10, 300, 900, 3600, 86_400)] == [10, 10, 30, 120, 2880]


def test_a_missing_step_is_zero_and_the_peak_touches_the_top():
    assert points({1: 4}, steps=3) == "0.0,18.0 50.0,2.0 100.0,18.0"


def test_every_destination_with_requests_has_a_line(store):
    lines = read_sparklines(store.cursor(), NOW_S // 10 * 10 - 900, NOW_S // 10 * 10 + 10)

    assert set(lines) == {"cart", "frontend"}
