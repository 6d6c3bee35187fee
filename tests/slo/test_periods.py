from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.periods import Period, parse_period

NOW_S = 1_800_000_000
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"])


def _utc(year, month, day=1):
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("text", "begin", "end", "before", "before_begin"),
    [
        ("2026-10", _utc(2026, 10), _utc(2026, 11), "2026-09", _utc(2026, 9)),
        ("2026-01", _utc(2026, 1), _utc(2026, 2), "2025-12", _utc(2025, 12)),
        ("2026-Q1", _utc(2026, 1), _utc(2026, 4), "2025-Q4", _utc(2025, 10)),
        ("2026-q4", _utc(2026, 10), _utc(2027, 1), "2026-Q3", _utc(2026, 7)),
        ("2026", _utc(2026, 1), _utc(2027, 1), "2025", _utc(2025, 1)),
        ("7d", NOW_S - 604_800, NOW_S, "7d before", NOW_S - 2 * 604_800),
    ],
)
def test_a_period_is_compared_with_the_one_before(text, begin, end, before, before_begin):
    found = parse_period(text, NOW_S)
    assert (found.period.from_s, found.period.to_s) == (begin, end)
    assert (found.before.name, found.before.from_s) == (before, before_begin)
    assert found.before.to_s == begin


@pytest.mark.parametrize("text", ["2026-13", "2026-Q5", "october", "", "0d", "26-10", "2026-10-1"])
def test_what_is_no_period_is_refused_with_what_would_be(text):
    with pytest.raises(ValueError, match="expected 2026-10, 2026-Q4, 2026 or 30d"):
        parse_period(text, NOW_S)


@pytest.mark.parametrize("zone", ["Mars/Base", "", "../etc/passwd"])
def test_an_unknown_time_zone_is_refused(zone):
    with pytest.raises(ValueError, match="no time zone is called"):
        parse_period("2026-10", NOW_S, zone=zone)


def test_months_of_a_time_zone_have_their_long_and_short_days():
    october = parse_period("2026-10", NOW_S, zone="Europe/Berlin").period
    lengths = [end - begin for begin, end in october.days()]
    assert (len(lengths), lengths[24], set(lengths[:24])) == (31, 25 * 3600, {86_400})
    march = parse_period("2026-03", NOW_S, zone="Europe/Berlin").period
    assert march.days()[28][1] - march.days()[28][0] == 23 * 3600


@given(
    text=st.sampled_from(["2026-10", "2026-03", "2024-02", "2026-Q4", "2025", "30d", "36h"]),
    zone=ZONES,
    now_s=st.integers(NOW_S - 10**8, NOW_S).map(lambda n: n * 10 // 10),
)
def test_days_fill_a_period_without_gap_or_overlap(text, zone, now_s):
    period = parse_period(text, now_s, zone=zone).period.until(now_s)
    days = period.days()
    marks = [period.from_s, *(end for _, end in days)]
    assert [begin for begin, _ in days] == marks[:-1]
    assert marks[-1] == period.to_s
    assert [period.date(begin) for begin, _ in days] == sorted({period.date(b) for b, _ in days})


def test_a_period_that_has_not_begun_is_empty_until_now():
    period = Period("2099", 100, 200)
    assert period.until(50).days() == ()
    assert period.until(150) == Period("2099", 100, 150)
