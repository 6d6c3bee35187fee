"""Times and durations as people write them."""

from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshscope.errors import BadTime
from meshscope.times import Window, duration_s, from_seconds, instant, window

AT = datetime(2026, 11, 23, 13, 30, tzinfo=UTC)
AT_S = "1795440600"


@pytest.mark.parametrize(
    "time",
    [
        AT,
        AT.replace(tzinfo=None),
        AT.astimezone(timezone(timedelta(hours=-5))),
        pd.Timestamp(AT),
        "2026-11-23T13:30Z",
        "2026-11-23 13:30",
        "2026-11-23T14:30+01:00",
    ],
)
def test_a_moment_without_a_zone_is_utc(time):
    assert instant(time) == AT_S


@pytest.mark.parametrize(
    ("start", "end", "means"),
    [
        ("1h", None, Window("now-1h", "now")),
        ("30d", "now", Window("now-30d", "now")),
        ("1h", AT, Window("1795437000", AT_S)),
        (AT, None, Window(AT_S, "now")),
        ("2h", "1h", None),
    ],
)
def test_a_range_ends_now_unless_it_is_said(start, end, means):
    if means is None:
        assert window("90m", "now") == Window("now-90m", "now")
    else:
        assert window(start, end) == means


@given(st.datetimes(*(pd.Timestamp(f"{year}-01-01").to_pydatetime() for year in (1971, 2200))))
def test_a_time_comes_back_as_it_went(moment):
    (back,) = from_seconds([float(instant(moment))])
    assert abs(back - pd.Timestamp(moment, tz="UTC")) <= pd.Timedelta("2us")


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [("30s", 30), ("5m", 300), ("1w", 604_800), ("200ms", 0.2), (timedelta(minutes=2), 120),
     (pd.Timedelta("1h"), 3600)],
)  # fmt: skip
def test_durations(duration, seconds):
    assert duration_s(duration) == seconds


@pytest.mark.parametrize("bad", ["soon", "", "0s", "-5m", timedelta(0), pd.NaT])
def test_what_is_no_duration_is_refused(bad):
    with pytest.raises(BadTime):
        duration_s(bad)


@pytest.mark.parametrize("bad", ["soon", "", None, pd.NaT])
def test_what_is_no_time_is_refused(bad):
    with pytest.raises(BadTime):
        instant(bad)
