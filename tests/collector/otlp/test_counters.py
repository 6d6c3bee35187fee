"""Deltas of cumulative counters."""

from hypothesis import given
from hypothesis import strategies as st

from collector.otlp.counters import Counters

SECOND = 10**9
T0 = 1_800_000_000 * SECOND
HOUR = 3600 * SECOND


def feed(counters, value, *, time_ns, start_ns=T0, series=1):
    counters.hear(7, start_ns, time_ns)
    (delta,) = counters.advance(series, 7, start_ns, time_ns, (value,))
    return delta


@given(
    st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=6), min_size=1, max_size=5),
    st.data(),
)
def test_deltas_sum_to_the_truth_under_restarts_lost_exports_repeats_and_rollbacks(lives, data):
    counters = Counters()
    counted = 0
    truth = 0
    now = T0
    for life in lives:
        start, total = now, 0
        for step, growth in enumerate(life):
            now += 10 * SECOND
            total += growth
            is_last = step == len(life) - 1
            if not is_last and data.draw(st.booleans(), label="lost"):
                continue
            if data.draw(st.booleans(), label="fails"):
                feed(counters, total, time_ns=now, start_ns=start)
                counters.rollback()
            for _ in range(data.draw(st.integers(1, 2), label="sent")):
                counted += feed(counters, total, time_ns=now, start_ns=start)
            counters.commit()
        truth += total

    assert counted == truth


def test_the_history_of_an_old_exporter_is_a_baseline():
    counters = Counters()

    assert feed(counters, 1_000_000, time_ns=T0 + HOUR) == 0
    assert feed(counters, 1_000_007, time_ns=T0 + HOUR + SECOND) == 7


def test_a_young_exporter_counts_in_full():
    assert feed(Counters(), 5, time_ns=T0 + 600 * SECOND) == 5


def test_a_new_series_of_a_known_old_exporter_counts_in_full():
    counters = Counters()
    feed(counters, 100, time_ns=T0 + HOUR, series=1)

    assert feed(counters, 3, time_ns=T0 + HOUR + 5 * SECOND, series=2) == 3


def test_the_second_request_of_one_first_export_is_history_too():
    counters = Counters()
    feed(counters, 100, time_ns=T0 + HOUR, series=1)
    counters.commit()

    assert feed(counters, 100, time_ns=T0 + HOUR, series=2) == 0


def test_a_process_that_started_while_we_were_away_counts_in_full():
    counters = Counters()
    feed(counters, 100, time_ns=T0)

    assert feed(counters, 42, start_ns=T0 + HOUR, time_ns=T0 + 2 * HOUR) == 42


def test_two_processes_with_one_identity_do_not_reset_each_other():
    counters = Counters()
    total = 0
    for step in range(1, 5):
        total += feed(counters, 10 * step, time_ns=T0 + step * SECOND, start_ns=T0)
        total += feed(counters, 3 * step, time_ns=T0 + step * SECOND, start_ns=T0 + 1)

    assert total == 40 + 12


def test_a_drop_without_a_new_start_is_a_reset():
    counters = Counters()
    feed(counters, 10, time_ns=T0 + SECOND)

    assert feed(counters, 4, time_ns=T0 + 2 * SECOND) == 4


def test_a_late_point_counts_nothing():
    counters = Counters()
    feed(counters, 10, time_ns=T0 + 2 * SECOND)

    assert feed(counters, 6, time_ns=T0 + SECOND) == 0
    assert feed(counters, 12, time_ns=T0 + 3 * SECOND) == 2


def test_a_histogram_with_other_buckets_starts_anew():
    counters = Counters()
    counters.hear(7, T0, T0)
    counters.advance(1, 7, T0, T0 + SECOND, (1, 2))

    assert counters.advance(1, 7, T0, T0 + 2 * SECOND, (1, 5)) == (0, 3)
    assert counters.advance(1, 7, T0, T0 + 3 * SECOND, (1, 1, 1)) == (1, 1, 1)


def test_an_exporter_silent_for_long_is_forgotten_and_comes_back_as_a_newcomer():
    counters = Counters()
    for series in (1, 2):
        feed(counters, 5, time_ns=T0 + SECOND, series=series)
    counters.hear(8, T0, T0 + HOUR)
    counters.advance(3, 8, T0, T0 + HOUR, (4,))
    counters.commit()

    counters.forget(T0 + HOUR)

    assert len(counters._last) == len(counters._exporters) == 1
    assert counters.advance(3, 8, T0, T0 + 2 * HOUR, (9,)) == (5,)
    assert feed(counters, 50, time_ns=T0 + 2 * HOUR) == 0
    assert feed(counters, 53, time_ns=T0 + 2 * HOUR + SECOND) == 3


def test_a_silent_series_is_kept_while_its_exporter_lives():
    counters = Counters()
    feed(counters, 5, time_ns=T0 + SECOND, series=1)
    feed(counters, 5, time_ns=T0 + HOUR, series=2)
    counters.commit()

    counters.forget(T0 + HOUR)

    assert feed(counters, 6, time_ns=T0 + 2 * HOUR, series=1) == 1
