"""Native histograms go through a query as their counts do, and as their sums do."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.promql import native
from collector.promql.memory import MemorySource
from collector.promql.native import Histogram, ResetHint
from collector.promql.options import Options
from collector.promql.samples import is_stale
from tests.collector.promql.generated import answers, data
from tests.collector.promql.test_laws import UNHURRIED

BRIEF = settings(UNHURRIED, max_examples=50)

LINEAR = (
    "{m}", "{m} offset 1m", "{m} @ 1700007000", "-{m}", "{m} * 3", "2 * {m}", "{m} / 4",
    "{m} + {m}", "{m} - {m} offset 2m", "sum({m})", "sum by (job) ({m})",
    "avg without (code) ({m})", "rate({m}[5m])", "increase({m}[100s])", "irate({m}[2m])",
    "sum_over_time({m}[3m])", "avg_over_time({m}[3m])", "last_over_time({m}[3m])",
    "sum by (job) (rate({m}[4m] offset 1m))", "increase({m}[5m:40s])",
    "avg_over_time(rate({m}[2m])[5m:1m])", "sum({m}) - sum({m} offset 5m)",
    "{m} and on (job) {m}", "{m} or -{m}", "{m} unless {m} offset 10m", "{m} @ end()",
    'label_replace({m}, "x", "$1", "job", "(.*)")',
    "{m} * on (job, instance) group_left () "
    "(max by (job, instance) (requests_total) * 0 + 2)",
)  # fmt: skip
SAME = (
    "changes({m}[5m])", "resets({m}[10m])", "count_over_time({m}[3m])",
    "present_over_time({m}[1m])", "count({m})", "count by (code) ({m})", "group({m})",
    "absent({m})", "absent_over_time({m}[1m])", "timestamp({m})", "count(rate({m}[5m]))",
    "{m} == bool {m} offset 3m", "count({m} == {m} offset 1m)", "count({m} != {m} offset 5m)",
)  # fmt: skip


def both(random: Random, hint: ResetHint) -> MemorySource:
    """Return counters as floats (requests_total), and as the counts of histograms (h)."""
    counters = [one for one in data.series(random, span_ms=900_000)
                if dict(one[0])["__name__"] == "requests_total"]  # fmt: skip
    found = []
    for labels, samples in counters:
        times = [time for time, _ in samples]
        values = [value for _, value in samples]
        renamed = data.labels("h", **{key: one for key, one in labels if key != "__name__"})
        found += [(labels, times, values), (renamed, times, values, histograms(values, hint))]
    return MemorySource(found, block_size=5)


def histograms(values, hint):
    stale = is_stale(np.array(values))
    return [
        None if is_marker else Histogram(
            count=value, sum=2 * value, positive=native.side(3, [value]), hint=hint
        )
        for value, is_marker in zip(values, stale.tolist(), strict=True)
    ]  # fmt: skip


@BRIEF
@given(
    seed=st.integers(0, 60),
    query=st.sampled_from(LINEAR),
    step=st.sampled_from((15_000, 37_000, 100_000)),
    start=st.integers(0, 900),
)
def test_a_linear_query_of_histograms_is_the_query_of_their_counts(seed, query, step, start):
    source = both(Random(seed), ResetHint.UNKNOWN)
    window = (data.BASE_MS + start * 1000, data.BASE_MS + start * 1000 + 5 * step, step)
    query_of_floats = f"({query.format(m='requests_total')}) * 1"
    floats = answers.of_engine(source, query_of_floats, *window, Options())
    for part, factor in (("count", 1), ("sum", 2)):
        asked = f"histogram_{part}({query.format(m='h')}) / {factor}"
        found = answers.of_engine(source, asked, *window, Options())
        assert answers.difference(found, floats) == "", asked


@BRIEF
@given(
    seed=st.integers(0, 60),
    query=st.sampled_from(SAME),
    step=st.sampled_from((15_000, 37_000, 100_000)),
    start=st.integers(0, 900),
)
def test_a_query_of_when_and_how_often_sees_no_difference(seed, query, step, start):
    source = both(Random(seed), ResetHint.UNKNOWN)
    window = (data.BASE_MS + start * 1000, data.BASE_MS + start * 1000 + 5 * step, step)
    floats, found = (
        answers.of_engine(source, query.format(m=metric), *window, Options())
        for metric in ("requests_total", "h")
    )
    assert answers.difference(found, floats) == "", query


@pytest.mark.parametrize("query", ["delta({m}[5m])", "idelta({m}[2m])"])
@pytest.mark.parametrize("seed", range(4))
def test_differences_of_gauges_are_those_of_their_counts(query, seed):
    source = both(Random(seed), ResetHint.GAUGE)
    window = (data.BASE_MS + 300_000, data.BASE_MS + 600_000, 37_000)
    floats = answers.of_engine(source, query.format(m="requests_total"), *window, Options())
    asked = f"histogram_count({query.format(m='h')})"
    assert answers.difference(answers.of_engine(source, asked, *window, Options()), floats) == ""
