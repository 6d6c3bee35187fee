import pytest

from slo.formats import moment, percent, span


@pytest.mark.parametrize(
    ("ratio", "places", "shown"),
    [
        (0.999, None, "99.9 %"),
        (0.9995, None, "99.95 %"),
        (1.0, 3, "100.000 %"),
        (0.9999999, 3, "99.999 %"),
        (-4.5, 1, "-450.0 %"),
        (None, 1, "-"),
    ],
)
def test_a_ratio_below_one_never_rounds_to_a_hundredpercent(ratio, places, shown):
    assert percent(ratio, places=places) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "-"), (0, "now"), (42, "42 s"), (5400, "1.5 h"), (172_800, "2.0 d")],
)
def test_a_span_is_told_in_its_largest_unit(seconds, shown):
    assert span(seconds) == shown


def test_a_moment_is_utc_and_has_seconds_only_when_it_needs_them():
    assert moment(1_800_000_000) == "2027-01-15 08:00"
    assert moment(1_800_000_005) == "2027-01-15 08:00:05"
