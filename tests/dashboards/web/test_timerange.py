"""What ``from`` and ``to`` of a URL mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.web.timerange import BadTime, parse_duration, parse_instant, parse_range
from slo.evaluate import window_end_s

NOW_S = 1_800_000_005


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("now", NOW_S),
        ("now-90s", NOW_S - 90),
        ("now-15m", NOW_S - 900),
        ("now-6h", NOW_S - 21_600),
        ("now-30d", NOW_S - 30 * 86_400),
        ("1700000000", 1_700_000_000),
        ("1700000000.5", 1_700_000_000.5),
        ("1700000000000", 1_700_000_000),
        ("2026-11-23T13:30:00Z", 1_795_440_600),
        ("2026-11-23T14:30:00+01:00", 1_795_440_600),
        ("2026-11-23T13:30", 1_795_440_600),
    ],
)
def test_an_instant_is_read_in_every_form_that_people_paste(text, seconds):
    assert parse_instant(text, parameter="from", now_s=NOW_S) == seconds


@pytest.mark.parametrize(
    "text", ["", "yesterday", "now-", "now-5x", "now+5m", "-5", "now-0m", "1e9"]
)
def test_an_unreadable_time_names_its_parameter_and_value(text):
    with pytest.raises(BadTime, match="to=") as caught:
        parse_instant(text, parameter="to", now_s=NOW_S)

    assert caught.value.parameter == "to"


def test_a_range_that_ends_before_it_starts_is_refused():
    with pytest.raises(BadTime, match="must be earlier than to=now-1h"):
        parse_range("now-15m", "now-1h", now_s=NOW_S)


@given(st.integers(0, 10**9), st.integers(1, 10**6))
def test_a_range_covers_what_was_asked_in_whole_buckets(from_s, length):
    found = parse_range(str(from_s), str(from_s + length), now_s=NOW_S)

    assert found.from_s <= from_s
    assert found.to_s >= from_s + length
    assert found.from_s % 10 == found.to_s % 10 == 0
    assert found.to_s - found.from_s < length + 20


@given(st.integers(10**6, 2 * 10**9))
def test_a_live_range_ends_where_the_windows_of_slos_end(now_s):
    assert parse_range("now-5m", "now", now_s=now_s).to_s == window_end_s(now_s)


def test_a_range_keeps_its_texts_for_links():
    found = parse_range("now-15m", "now", now_s=NOW_S)

    assert found.query == "from=now-15m&to=now"
    assert found.is_live


def test_a_duration_of_nothing_is_refused():
    with pytest.raises(BadTime, match="window=0m"):
        parse_duration("0m", parameter="window")
