"""The engine and the naive evaluator agree on everything that can be asked."""

import math
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.promql.options import Options
from collector.promql.samples import STALE
from tests.collector.promql.generated import answers, data
from tests.collector.promql.generated.queries import Queries
from tests.collector.promql.naive import Naive

UNHURRIED = settings(deadline=None, suppress_health_check=list(HealthCheck))

QUERIES = (
    "a", "a offset 1m", "-a", "a > 1", "a == bool 2", "abs(a)", "timestamp(a)", "sgn(a)",
    "a @ 200", "a @ end()", "sum(a)", "avg(a)", "max by (x) (a)", "count without (x) (a)",
    "stddev(a)", "quantile(0.3, a)", 'count_values("v", a)', "scalar(a)", "absent(a)",
    "a + on () group_left () sum(a)", "a and a > 0", "a or -a", "a unless a < 1", "a % 2", "a ^ 2",
    "2 - a", "a / a", "clamp(a, 0, 3)", "round(a, 2)", "round(a)",
    "{function}(a[1m])", "{function}(a[200s] offset 30s)", "{function}(a[5m] @ 400)",
    "{function}(a[2m:20s])", "{function}((a > 0)[3m:25s] offset 10s)", "{function}(a[20s:45s])",
    "sum({function}(a[1m]))", "quantile_over_time(0.4, a[2m])",
    "absent_over_time(a[1m])", 'a{{x=~"p|q"}}',
)  # fmt: skip
FUNCTIONS = (
    "rate", "increase", "delta", "irate", "idelta", "deriv", "changes", "resets", "sum_over_time",
    "avg_over_time", "min_over_time", "max_over_time", "count_over_time", "last_over_time",
    "present_over_time", "stddev_over_time", "stdvar_over_time",
)  # fmt: skip
VALUES = st.sampled_from(
    (0.0, 1.0, 1.0, 2.0, 3.0, 5.0, 100.0, -3.0, 0.5, math.nan, math.inf, -math.inf, float(STALE))
)
TIMES = st.lists(st.integers(0, 60), unique=True, max_size=12).map(sorted)


@st.composite
def small_series(draw):
    """Up to three series whose samples lie on tens of seconds, where windows begin and end."""
    found = []
    for name in draw(st.lists(st.sampled_from("pqr"), unique=True, max_size=3)):
        samples = [(time * 10_000, draw(VALUES)) for time in draw(TIMES)]
        if samples:
            found.append(((("__name__", "a"), ("x", name)), samples))
    return found


@UNHURRIED
@given(
    series=small_series(),
    template=st.sampled_from(QUERIES),
    function=st.sampled_from(FUNCTIONS),
    start=st.integers(0, 60),
    step=st.sampled_from((10_000, 15_000, 60_000)),
    count=st.integers(0, 5),
    lookback=st.sampled_from((300_000, 60_000)),
    is_left_closed=st.booleans(),
)
def test_small_series_are_seen_alike(
    series, template, function, start, step, count, lookback, is_left_closed
):
    query = template.format(function=function)
    window = (start * 10_000, start * 10_000 + count * step, step)
    options = Options(lookback_ms=lookback, is_left_closed=is_left_closed)
    naive = Naive(series, lookback_ms=lookback, is_left_closed=is_left_closed)
    found = answers.of_engine(data.source(series, block_size=2), query, *window, options)
    assert answers.difference(found, answers.of_naive(naive, query, *window)) == "", query


@UNHURRIED
@given(
    seed=st.integers(0, 40),
    random=st.randoms(use_true_random=False),
    start=st.integers(0, 3000),
    step=st.sampled_from((15_000, 37_000, 300_000)),
    count=st.integers(0, 4),
)
def test_any_query_over_any_series_is_answered_alike(seed, random, start, step, count):
    series = data.series(Random(seed), span_ms=1_200_000)
    query = Queries(random).one()
    start = data.BASE_MS + start * 1000
    window = (start, start + count * step, step)
    found = answers.of_engine(data.source(series), query, *window, Options())
    assert answers.difference(found, answers.of_naive(Naive(series), query, *window)) == "", query
