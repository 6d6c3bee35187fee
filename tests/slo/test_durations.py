import pytest

from slo.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5m", 300), ("1h", 3600), ("30d", 2_592_000), ("1w", 604_800), ("1M", 2_592_000)],
)
def test_a_shorthand_is_a_number_and_a_unit_where_m_is_minutes_and_capital_m_months(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "d", "1.5h", "-1d", "30 d", "1h30m", "10s", "30D", "P30D"])
def test_anything_else_is_refused_with_the_grammar(text):
    with pytest.raises(ValueError, match="one of m h d w M Q Y"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["5m", "30m", "1h", "6h", "1d", "3d", "30d"])
def test_the_windows_of_alerts_print_as_they_were_written(text):
    assert format_duration(parse_duration(text)) == text
