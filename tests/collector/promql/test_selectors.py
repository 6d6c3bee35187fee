"""Instant and range vectors: which samples are seen, at every edge."""

import numpy as np
import pytest

from collector.promql.engine import instant, over_range
from collector.promql.errors import BadQuery
from collector.promql.memory import MemorySource
from collector.promql.samples import STALE, Samples, is_stale
from tests.collector.promql.made import MINUTE, at, labels, plain, rows, series, source

NAN = float("nan")
FIVE = 5 * MINUTE


def test_a_sample_is_seen_until_it_is_as_old_as_the_lookback():
    where = source(series("x", [1.0]))
    assert at(where, "x", FIVE - 1) == {'{__name__="x"}': 1.0}
    assert at(where, "x", FIVE) == {}
    assert at(where, "x", FIVE, is_left_closed=True) == {'{__name__="x"}': 1.0}
    assert at(where, "x", MINUTE, lookback_ms=MINUTE) == {}


def test_a_stale_marker_ends_a_series_at_once_and_nan_does_not():
    where = source(series("x", [1.0, STALE, 3.0]), series("y", [1.0, NAN, 3.0]))
    assert rows(where, "x", 0, 2 * MINUTE) == {'{__name__="x"}': [1.0, None, 3.0]}
    assert np.isnan(at(where, "y", MINUTE)['{__name__="y"}'])


def test_ranges_leave_stale_markers_out():
    where = source(series("x", [1.0, STALE, 3.0]))
    assert at(where, "count_over_time(x[5m])", 2 * MINUTE) == {"{}": 2.0}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("x[2m]", 2.0),
        ("x[2m] offset 1m", 2.0),
        ("x[2m] offset -1m", 2.0),
        ("x[2m] @ 60", 2.0),
        ("x[2m] @ 60 offset 1m", 1.0),
        ("x[119s]", 2.0),
        ("x[121s]", 3.0),
        ("x[2m:1m]", 2.0),
        ("x[2m:40s]", 3.0),
    ],
)
def test_windows_are_open_on_the_left(text, count):
    where = source(series("x", [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]))
    assert at(where, f"count_over_time({text})", 3 * MINUTE) == {"{}": count}


def test_start_and_end_are_those_of_the_whole_query():
    where = source(series("x", [0.0, 1.0, 2.0, 3.0, 4.0]))
    assert rows(where, "x @ start()", MINUTE, 3 * MINUTE) == {'{__name__="x"}': [1.0] * 3}
    assert rows(where, "x @ end()", MINUTE, 3 * MINUTE) == {'{__name__="x"}': [3.0] * 3}
    text = "max_over_time((x @ end())[2m:1m])"
    assert rows(where, text, MINUTE, 3 * MINUTE) == {"{}": [3.0] * 3}


def test_steps_of_a_subquery_do_not_move_with_the_query():
    where = source(series("x", list(range(100)), step=7_000))
    text = "sum_over_time(x[1m:20s])"
    moved = [at(where, text, 300_000 + shift) for shift in (0, 1, 19_999)]
    assert moved[0] == moved[1] == moved[2]
    assert at(where, text, 320_000) != moved[0]


def test_a_subquery_without_a_step_takes_the_default():
    where = source(series("x", [1.0] * 10))
    text = "count_over_time(x[5m:])"
    assert at(where, text, 9 * MINUTE) == {"{}": 5.0}
    assert at(where, text, 9 * MINUTE, subquery_step_ms=30_000) == {"{}": 10.0}


def test_a_range_at_one_instant_gives_samples_as_they_are():
    where = source(series("x", [1.0, STALE, 3.0], a="1"), series("x", [4.0], a="2"))
    found = instant(where, "x[2m]", 2 * MINUTE).value
    assert isinstance(found, Samples)
    assert found.labels == [labels("x", a="1")]
    assert found.times_ms.tolist() == [2 * MINUTE]
    assert found.values.tolist() == [3.0]
    found = instant(where, "x[10m:1m]", 2 * MINUTE).value
    assert found.offsets.tolist() == [0, 2, 5]


@pytest.mark.parametrize("text", ["x[5m]", "'text'", "x[5m:1m]"])
def test_a_range_query_wants_scalars_or_vectors(text):
    with pytest.raises(BadQuery, match="for range query, must be Scalar or instant Vector"):
        over_range(source(), text, 0, MINUTE, MINUTE)


def test_an_answer_over_a_range_is_sorted_by_labels():
    where = source(series("x", [1.0], a="2"), series("x", [1.0], a="10"), series("x", [1.0], a="1"))
    found = over_range(where, "x", 0, 0, MINUTE).value
    assert found.labels == sorted(found.labels)


def test_a_range_without_steps_is_empty():
    where = source(series("x", [1.0]))
    for text in ("x", "sum(x)", "quantile(0.5, x)", "topk(1, x)", "x + x", "rate(x[5m])"):
        assert rows(where, text, MINUTE, 0) == {}


def test_times_before_1970_are_times():
    where = source(series("x", [1.0, 2.0], start=-2 * MINUTE))
    assert at(where, "x @ -60", 0) == {'{__name__="x"}': 2.0}
    assert at(where, "count_over_time(x[5m:30s])", -MINUTE) == {"{}": 3.0}


def test_columns_that_cannot_be_written_are_read():
    class Frozen(MemorySource):
        def select(self, matchers, from_ms, to_ms):
            for block in super().select(matchers, from_ms, to_ms):
                for column in (block.offsets, block.times_ms, block.values):
                    column.flags.writeable = False
                yield block

    where = Frozen([series("x_total", [0.0, 1.0, STALE, 3.0]), series("x_total", [1.0], a="1")])
    for text in ("x_total", "sum(x_total)", "rate(x_total[5m])", "avg_over_time(x_total[5m])"):
        found = instant(where, text, 3 * MINUTE)
        assert plain(found.value)


def test_staleness_is_a_matter_of_bits():
    assert is_stale(np.array([STALE, NAN, 0.0])).tolist() == [True, False, False]
