"""The tape against the store: also where retention has taken the finer buckets away."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slo.model import LatencySli
from slo.sources.edges import EdgeCountSource
from slo.tape import Piece, Tape, cut, read_tape
from tests.slo.strategies import slo
from tests.slo.workloads import (
    DAY_S,
    END_S,
    MONTH_S,
    SEGMENTS,
    THRESHOLD_MS,
    Segment,
    events,
    fill,
    forget,
)

LAW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
OLD = Segment(END_S - MONTH_S, 30, 5, 1, 2)
WINDOWS = st.tuples(st.integers(0, MONTH_S // 60), st.integers(0, MONTH_S // 60)).map(
    lambda pair: tuple(END_S - 60 * minutes for minutes in sorted(pair, reverse=True))
)


@LAW
@given(
    segments=SEGMENTS,
    kept_10s=st.integers(0, 8640),
    kept_1m=st.integers(8640, 30_000),
    windows=st.lists(WINDOWS, min_size=1, max_size=12),
    quick_only=st.booleans(),
)
def test_a_window_of_the_tape_is_the_window_of_the_store(
    segments, kept_10s, kept_1m, windows, quick_only
):
    sli = slo(threshold_ms=THRESHOLD_MS if quick_only else None).sli
    assert isinstance(sli, LatencySli) is quick_only
    with fill(events([OLD, *segments])) as store:
        forget(store, 10, END_S - 10 * kept_10s)
        forget(store, 60, END_S - 60 * kept_1m)
        source = EdgeCountSource(store.cursor())
        tape = read_tape(source, sli, (END_S - MONTH_S, END_S), 60)
        fine_s = tape.known_from_s(60)
        asked = [w for w in windows if fine_s is not None and w[0] >= fine_s]
        hours = [(a // 3600 * 3600, b // 3600 * 3600) for a, b in windows]
        live = source.counts([sli], [*asked, *hours])[0]
    pairs = np.array([*asked, *hours], dtype=np.int64)
    good, total = tape.between(pairs[:, 0], pairs[:, 1])
    assert np.column_stack([good, total]).tolist() == live.tolist()


def test_nothing_is_cut_while_nothing_is_forgotten():
    assert cut({10: 7210, 60: 7200, 3600: 7200}, (0, 10_000), 10) == (Piece(10, 0, 10_000),)
    assert cut({}, (0, 100), 10) == (Piece(10, 0, 100),)


def test_finer_buckets_begin_at_the_first_whole_longer_one():
    kept = {10: 50 * 3600 + 70, 60: 20 * 3600 + 600, 3600: 0}
    assert cut(kept, (0, 60 * 3600), 10) == (
        Piece(3600, 0, 21 * 3600),
        Piece(60, 21 * 3600, 50 * 3600 + 120),
        Piece(10, 50 * 3600 + 120, 60 * 3600),
    )


def test_buckets_that_are_all_forgotten_are_no_piece():
    assert cut({60: 0, 3600: 0}, (0, 7200), 10) == (Piece(60, 0, 7200),)


def test_a_tape_says_since_when_a_window_can_be_measured():
    pieces = (Piece(3600, 0, 7200), Piece(60, 7200, 9000))
    tape = Tape.of(np.empty((0, 4), dtype=np.int64), pieces)
    assert tape.known_from_s(DAY_S) == 0
    assert tape.known_from_s(300) == 7200
    assert tape.known_from_s(10) is None


def test_a_bucket_that_only_partly_lies_in_a_window_is_not_in_it():
    rows = np.array([[0, 3600, 7, 9], [3600, 7200, 1, 1]], dtype=np.int64)
    tape = Tape.of(rows, (Piece(3600, 0, 7200),))
    good, total = tape.between(np.array([0, 60, 0, 60]), np.array([7200, 7200, 7000, 3000]))
    assert total.tolist() == [10, 1, 9, 0]
    assert good.tolist() == [8, 1, 7, 0]
