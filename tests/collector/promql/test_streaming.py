"""Memory, limits and stopping: a query holds what it must and no more."""

import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.promql.engine import instant, over_range
from collector.promql.errors import ExecutionFailed, QueryCanceled, QueryTimedOut
from collector.promql.options import Options
from collector.promql.samples import Samples
from tests.collector.promql.made import MINUTE, at, labels, rows, series, source

TOO_MANY = "query processing would load too many samples into memory in query execution"
EXPRESSIONS = (
    "x_total",
    "sum by (j) (rate(x_total[5m]))",
    "topk(2, x_total)",
    "quantile by (j) (0.3, x_total)",
    "avg(x_total) + count(x_total)",
    "x_total * on (i) group_left x_total",
    "x_total > 3 or x_total",
    "max_over_time(sum by (j) (x_total)[5m:1m])",
    'count_values("v", x_total)',
    "stddev by (j) (x_total)",
    "x_total and x_total > 2",
)


class Endless:
    """A source of as many blocks as are asked for, each made when it is wanted."""

    def __init__(self, blocks, series_a_block=20, samples=500):
        self.asked = 0
        self._blocks, self._series, self._samples = blocks, series_a_block, samples

    def select(self, _matchers, _from_ms, _to_ms):
        for block in range(self._blocks):
            self.asked += 1
            times = np.arange(self._samples, dtype=np.int64) * 15_000
            yield Samples(
                [labels("x_total", b=str(block), i=str(i)) for i in range(self._series)],
                np.arange(self._series + 1, dtype=np.int64) * self._samples,
                np.tile(times, self._series),
                np.tile(np.arange(self._samples, dtype=np.float64), self._series),
            )


@pytest.mark.parametrize("text", EXPRESSIONS)
@given(values=st.lists(st.lists(st.integers(0, 5), min_size=3, max_size=6), min_size=1, max_size=6))
@settings(max_examples=15, deadline=None)
def test_the_size_of_blocks_makes_no_difference(text, values):
    given_ = [
        series("x_total", [float(one) for one in row], i=str(i), j=str(i % 2))
        for i, row in enumerate(values)
    ]
    whole = rows(source(*given_, block_size=100), text, 0, 5 * MINUTE)
    for size in (1, 2):
        assert rows(source(*given_, block_size=size), text, 0, 5 * MINUTE) == whole


def test_an_aggregation_of_many_series_holds_a_few_of_them():
    text = "sum(rate(x_total[5m]))"
    over_range(Endless(1), text, 0, 7_200_000, 15_000)
    peaks = []
    for blocks in (4, 40):
        tracemalloc.start()
        over_range(Endless(blocks), text, 0, 7_200_000, 15_000)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def test_whoever_asks_may_stop_the_query_between_blocks():
    where = Endless(100)
    calls = []

    def check():
        calls.append(1)
        if len(calls) > 5:
            raise QueryCanceled("gone")

    with pytest.raises(QueryCanceled):
        instant(where, "sum(rate(x_total[5m]))", 7_200_000, Options(check=check))
    assert where.asked < 10


def test_long_work_within_a_block_can_be_stopped():
    where = Endless(1, series_a_block=100, samples=2_000)
    calls = []

    def check():
        calls.append(1)
        if len(calls) > 6:
            raise QueryTimedOut("too long")

    text = "sum(sum_over_time(x_total[8h]))"
    with pytest.raises(QueryTimedOut):
        over_range(where, text, 28_800_000, 30_000_000, 1_000, Options(check=check))


@pytest.mark.parametrize(
    "text", ["x_total", "rate(x_total[5m])", "x_total + x_total", "max_over_time(x_total[1h:1s])"]
)
def test_too_many_samples_are_refused(text):
    options = Options(max_samples=5_000)
    with pytest.raises(ExecutionFailed, match=re.escape(TOO_MANY)):
        instant(Endless(1000), text, 7_200_000, options)


def test_samples_that_pass_by_do_not_count_together():
    options = Options(max_samples=20_000)
    assert instant(Endless(30), "sum(x_total)", 7_200_000, options).value.values.size == 1


def test_a_deep_expression_fails_and_nothing_else():
    text = " + ".join(["vector(1)"] * 400)
    with pytest.raises(ExecutionFailed, match="nested too deeply"):
        instant(source(), text, 0)
    assert at(source(), "vector(1)", 0) == {"{}": 1.0}
