"""Calendar windows: as long as the calendar says, to the second, wherever the clock changes."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slo.calendars import Calendar, begin_before
from slo.model import TimeWindow
from slo.replay import begins_s

ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
)
DAY_S = 86_400
WALL = datetime.fromisoformat


def _at(text, zone="UTC"):
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def _lengths(calendar, from_, to):
    marks = calendar.marks(_at(from_, calendar.zone), _at(to, calendar.zone))
    return [after - before for before, after in pairwise(marks)]


def test_months_have_their_days_and_the_hours_that_the_clock_takes_and_gives():
    months = Calendar(WALL("2020-01-01 00:00"), "Europe/Berlin", 1, "M")
    hours = [length / 3600 for length in _lengths(months, "2024-01-01", "2025-01-01")]
    days = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    assert hours == [24 * n + {2: -1, 9: 1}.get(place, 0) for place, n in enumerate(days)]


@pytest.mark.parametrize(
    ("zone", "day", "seconds"),
    [
        ("America/New_York", "2024-03-10", 23 * 3600),
        ("America/New_York", "2024-11-03", 25 * 3600),
        ("Australia/Lord_Howe", "2024-04-07", 24 * 3600 + 1800),
        ("Australia/Lord_Howe", "2024-10-06", 24 * 3600 - 1800),
        ("UTC", "2024-03-10", 24 * 3600),
    ],
)
def test_a_day_is_as_long_as_its_clock_makes_it(zone, day, seconds):
    days = Calendar(WALL("2020-01-01 00:00"), zone, 1, "d")
    begin, end = days.period(_at(f"{day} 12:00", zone))
    assert (begin, end - begin) == (_at(day, zone), seconds)


def test_quarters_and_years_begin_where_they_were_told_to():
    quarters = Calendar(WALL("2020-02-01 06:00"), "UTC", 1, "Q")
    assert quarters.period(_at("2024-05-01 05:59"))[0] == _at("2024-02-01 06:00")
    assert quarters.period(_at("2024-05-01 06:00"))[0] == _at("2024-05-01 06:00")
    years = Calendar(WALL("2020-02-29 00:00"), "UTC", 1, "Y")
    assert years.period(_at("2023-06-01")) == (_at("2023-02-28"), _at("2024-02-29"))


def test_a_month_that_begins_on_the_31st_begins_on_the_last_day_of_a_shorter_one():
    months = Calendar(WALL("2024-01-31 00:00"), "UTC", 1, "M")
    begins = months.marks(_at("2024-01-31"), _at("2024-06-01"))
    days = [datetime.fromtimestamp(mark, UTC).date().isoformat() for mark in begins]
    assert days == ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"]


@settings(deadline=None)
@given(
    zone=ZONES,
    start=st.datetimes(WALL("2001-01-01 00:00"), WALL("2030-01-01 00:00")).map(
        lambda at: at.replace(second=0, microsecond=0)
    ),
    count=st.integers(1, 5),
    unit=st.sampled_from(["h", "d", "w", "M", "Q", "Y"]),
    at_s=st.integers(1_000_000_000, 1_900_000_000),
)
def test_periods_follow_each_other_without_gaps_and_one_holds_each_moment(
    zone, start, count, unit, at_s
):
    calendar = Calendar(start, zone, count, unit)
    begin, end = calendar.period(at_s)
    assert begin <= at_s < end
    assert calendar.period(end)[0] == end
    assert calendar.period(begin - 1)[1] == begin
    assert calendar.period(begin) == calendar.period(end - 1) == (begin, end)


@settings(deadline=None)
@given(zone=ZONES, at_s=st.integers(1_600_000_000, 1_800_000_000))
def test_a_day_is_found_as_by_looking_at_the_clock_every_half_hour(zone, at_s):
    begin, end = Calendar(WALL("2020-01-01 00:00"), zone, 1, "d").period(at_s)
    today = datetime.fromtimestamp(at_s, ZoneInfo(zone)).date()
    marks = range(at_s // 900 * 900 - 2 * DAY_S, at_s + 2 * DAY_S, 900)
    same = [m for m in marks if datetime.fromtimestamp(m, ZoneInfo(zone)).date() == today]
    assert (begin, end) == (same[0], same[-1] + 900)


@settings(deadline=None)
@given(zone=ZONES, steps=st.lists(st.integers(1, 500_000), min_size=1, max_size=20))
def test_a_replay_knows_the_same_beginnings_as_a_status(zone, steps):
    window = TimeWindow(30 * DAY_S, Calendar(WALL("2020-01-01 00:00"), zone, 1, "M"))
    at_s = np.cumsum(np.array([1_700_000_000, *steps], dtype=np.int64)) // 10 * 10
    at_s = np.unique(at_s)
    assert begins_s(window, at_s).tolist() == [window.from_s(int(at)) for at in at_s]


def test_a_window_that_ends_with_its_month_is_the_whole_month():
    window = TimeWindow(30 * DAY_S, Calendar(WALL("2020-01-01 00:00"), "UTC", 1, "M"))
    end = _at("2024-03-01")
    assert (window.from_s(end), window.end_s(end)) == (_at("2024-02-01"), end)
    assert window.from_s(end + 10) == end
    assert window.duration == "1M"
    assert begin_before([1, 5, 9], 5) == 1


def test_a_zone_and_a_start_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="no time zone is called 'Mars/Olympus'"):
        Calendar(WALL("2020-01-01 00:00"), "Mars/Olympus", 1, "M")
    with pytest.raises(ValueError, match="longer than 0"):
        Calendar(WALL("2020-01-01 00:00"), "UTC", 0, "M")
    with pytest.raises(ValueError, match="wall-clock"):
        Calendar(datetime(2020, 1, 1, tzinfo=UTC) + timedelta(0), "UTC", 1, "M")
