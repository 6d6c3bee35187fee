"""An exporter's own rhythm decides how long it may be quiet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.otlp.batch import Resource
from collector.receiver.rhythm import (
    DEFAULT_SILENT_S,
    LEAST_SILENT_S,
    MOST_SILENT_S,
    Exporters,
    Rhythm,
)


def after(*gaps_s, start_s=1000.0):
    """Return the rhythm of an exporter that sent with these gaps."""
    rhythm = Rhythm(start_s, start_s)
    for gap_s in gaps_s:
        start_s += gap_s
        rhythm.hear(start_s)
    return rhythm


@pytest.mark.parametrize(
    ("gaps_s", "silent_after_s"),
    [
        ((), DEFAULT_SILENT_S),
        ((5, 5), DEFAULT_SILENT_S),
        ((5, 5, 5), 15),
        ((10,) * 5, 30),
        ((60,) * 4, 180),
        ((1,) * 20, LEAST_SILENT_S),
        ((3600,) * 4, MOST_SILENT_S),
        ((5, 0.1, 0.1, 4.8, 0.1, 4.9, 5), 15),
    ],
    ids=str,
)
def test_three_usual_intervals_within_bounds(gaps_s, silent_after_s):
    assert after(*gaps_s).silent_after_s == pytest.approx(silent_after_s, rel=0.05)


def test_one_silence_teaches_nothing_and_a_slower_pace_is_learned_at_its_second_gap():
    assert after(*[5] * 8, 600).silent_after_s == 15
    assert after(*[5] * 8, 60).silent_after_s == 15
    assert after(*[5] * 8, 60, 60).silent_after_s == 180


def test_a_faster_pace_is_learned_and_then_kept_to():
    assert after(*[60] * 8, *[5] * 30).silent_after_s == 15


@given(interval_s=st.floats(2, 190), jitter=st.lists(st.floats(0.8, 1.2), min_size=4, max_size=40))
def test_who_keeps_its_pace_is_never_silent(interval_s, jitter):
    rhythm = after(*[interval_s * one for one in jitter])

    assert 1.2 * interval_s <= rhythm.silent_after_s


@given(gaps_s=st.lists(st.floats(-100, 10_000)))
def test_whatever_the_gaps_the_bounds_hold_and_time_never_goes_back(gaps_s):
    rhythm = after(*gaps_s)

    assert LEAST_SILENT_S <= rhythm.silent_after_s <= MOST_SILENT_S
    assert rhythm.last_s >= 1000


def test_exporters_are_known_by_service_and_instance_and_forgotten():
    exporters = Exporters(0)
    first, second = (Resource("cart", "shop", "v1", f"cart-{n}", "{}") for n in (1, 2))
    exporters.hear([first, second, first], 10)
    exporters.hear([second], 20)
    assert {key: one.last_s for key, one in exporters.heard().items()} == {
        ("cart", "cart-1"): 10,
        ("cart", "cart-2"): 20,
    }
    exporters.forget(15)
    assert list(exporters.heard()) == [("cart", "cart-2")]
