"""Aggregations: groups, order, and numbers at the edges of floats."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.promql import native
from collector.promql.engine import instant
from collector.promql.errors import BadQuery, ExecutionFailed
from tests.collector.promql.made import MINUTE, at, rows, series, source

NAN, INF = math.nan, math.inf
UNHURRIED = settings(deadline=None)
NUMBERS = st.lists(st.floats(width=32) | st.just(NAN), min_size=1, max_size=8)
HISTOGRAM = native.Histogram(count=4.0, sum=8.0, positive=native.side(1, [1.0, 3.0]))
PODS = source(
    series("cpu", [1.0], pod="a", job="x"),
    series("cpu", [2.0], pod="b", job="x"),
    series("cpu", [4.0], pod="c", job="y"),
    series("cpu", [4.0], pod="d"),
)


def vector(values):
    return source(*(series("v", [value], i=str(i)) for i, value in enumerate(values)))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("sum(cpu)", {"{}": 11.0}),
        ("sum by (job) (cpu)", {'{job="x"}': 3.0, '{job="y"}': 4.0, "{}": 4.0}),
        ("sum without (pod) (cpu)", {'{job="x"}': 3.0, '{job="y"}': 4.0, "{}": 4.0}),
        ("avg by (job) (cpu)", {'{job="x"}': 1.5, '{job="y"}': 4.0, "{}": 4.0}),
        ("count by (__name__) (cpu)", {'{__name__="cpu"}': 4.0}),
        ("group by (nothing) (cpu)", {"{}": 1.0}),
        ("max(cpu)", {"{}": 4.0}),
        ("min by (job) (cpu)", {'{job="x"}': 1.0, '{job="y"}': 4.0, "{}": 4.0}),
        ("stdvar(cpu)", {"{}": pytest.approx(1.6875)}),
        ("quantile(0.5, cpu)", {"{}": 3.0}),
        ("quantile(0, cpu)", {"{}": 1.0}),
        ("quantile(1.1, cpu)", {"{}": INF}),
        ("quantile(-1, cpu)", {"{}": -INF}),
        ("count_values('v', cpu)", {'{v="1"}': 1.0, '{v="2"}': 1.0, '{v="4"}': 2.0}),
        (
            "count_values by (job) ('job', cpu > 1)",
            {'{job="2"}': 1.0, '{job="4"}': 2.0},
        ),
        (
            "count_values without (pod) ('v', cpu < 3)",
            {'{job="x", v="1"}': 1.0, '{job="x", v="2"}': 1.0},
        ),
        ("topk(0, cpu)", {}),
        ("topk(-3, cpu)", {}),
        ("bottomk by (job) (1, cpu{job!=''})", {
            '{__name__="cpu", job="x", pod="a"}': 1.0,
            '{__name__="cpu", job="y", pod="c"}': 4.0,
        }),
        ("sum(nothing)", {}),
    ],
)  # fmt: skip
def test_a_group_is_made_of_its_members(text, answer):
    assert at(PODS, text, 0) == answer


@given(NUMBERS)
@UNHURRIED
def test_sums_and_means_are_those_of_exact_arithmetic(values):
    is_finite = all(map(math.isfinite, values))
    exact = math.fsum(values) if is_finite else float(np.sum(values))
    slack = 1e-28 * math.fsum(map(abs, values)) + 1e-300 if is_finite else 0.0
    total, mean = (at(vector(values), f"{name}(v)", 0)["{}"] for name in ("sum", "avg"))
    assert total == pytest.approx(exact, rel=1e-14, abs=slack, nan_ok=True)
    assert mean == pytest.approx(exact / len(values), rel=1e-14, abs=slack, nan_ok=True)


@given(NUMBERS)
@UNHURRIED
def test_nan_is_an_extreme_only_where_there_is_nothing_else(values):
    numbers = [value for value in values if not math.isnan(value)] or [NAN]
    assert at(vector(values), "max(v)", 0)["{}"] == pytest.approx(max(numbers), nan_ok=True)
    assert at(vector(values), "min(v)", 0)["{}"] == pytest.approx(min(numbers), nan_ok=True)


@given(NUMBERS, st.integers(1, 9), st.sampled_from(("topk", "bottomk")))
@UNHURRIED
def test_the_best_come_in_order_with_nan_last(values, count, operator):
    found = instant(vector(values), f"{operator}({count}, v)", 0).value.values[:, 0].tolist()
    numbers = sorted((v for v in values if not math.isnan(v)), reverse=operator == "topk")
    blanks = [NAN] * (len(values) - len(numbers))
    assert np.array_equal(found, [*numbers, *blanks][:count], equal_nan=True)


def test_the_best_are_chosen_anew_at_each_step():
    where = source(
        series("v", [1.0, 5.0, None], i="a"),
        series("v", [2.0, 4.0, None], i="b"),
        series("k", [1.0, 2.0, 2.0]),
    )
    found = rows(where, "topk(scalar(k), v)", 0, 2 * MINUTE, lookback_ms=MINUTE)
    assert found == {
        '{__name__="v", i="a"}': [None, 5.0, None],
        '{__name__="v", i="b"}': [2.0, 4.0, None],
    }


def test_sums_stay_exact_where_large_numbers_cancel():
    assert at(vector([1e16, 1.0, -1e16]), "sum(v)", 0) == {"{}": 1.0}
    assert at(vector([1e300, 1.0, -1e300]), "avg(v)", 0)["{}"] == pytest.approx(1 / 3)


def test_a_mean_does_not_overflow_though_its_sum_does():
    values = [1.7e308, 1.7e308, 1.7e308]
    assert at(vector(values), "sum(v)", 0) == {"{}": INF}
    assert at(vector(values), "avg(v)", 0)["{}"] == pytest.approx(1.7e308)
    assert at(vector([INF, 1.0]), "avg(v)", 0) == {"{}": INF}
    assert math.isnan(at(vector([INF, -INF]), "avg(v)", 0)["{}"])


def test_quantiles_lie_between_their_neighbours_and_nan_is_lowest():
    assert at(vector([0.0, 1.0, 2.0]), "quantile(0.75, v)", 0) == {"{}": 1.5}
    assert at(vector([NAN, 1.0, 2.0]), "quantile(1, v)", 0) == {"{}": 2.0}
    assert math.isnan(at(vector([NAN, 1.0, 2.0]), "quantile(0, v)", 0)["{}"])


def test_values_are_counted_by_their_text():
    found = at(vector([1e21, 1e-7, NAN, NAN, INF, -0.5]), "count_values('v', v)", 0)
    assert found == {
        '{v="1000000000000000000000"}': 1.0,
        '{v="0.0000001"}': 1.0,
        '{v="NaN"}': 2.0,
        '{v="+Inf"}': 1.0,
        '{v="-0.5"}': 1.0,
    }


def test_histograms_are_added_averaged_and_counted():
    natives = [HISTOGRAM, native.scale(HISTOGRAM, 3.0)]
    where = source(
        *(series("h", [0.0], histograms=[one], i=str(i)) for i, one in enumerate(natives))
    )
    assert at(where, "sum(h)", 0)["{}"] == native.scale(HISTOGRAM, 4.0)
    assert at(where, "avg(h)", 0)["{}"] == native.scale(HISTOGRAM, 2.0)
    assert at(where, "count(h)", 0) == at(where, "sum(group by (i) (h))", 0) == {"{}": 2.0}
    assert at(where, "min(h)", 0) == {}
    assert at(where, "sum(h) - sum(h{i='1'})", 0)["{}"] == HISTOGRAM


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("topk(NaN, cpu)", "Parameter value is NaN"),
        ("topk(1e30, cpu)", r"Scalar value 1e\+30 overflows int64"),
        ("count_values('', cpu)", "invalid label name"),
    ],
)
def test_parameters_that_mean_nothing_fail(text, fault):
    with pytest.raises(ExecutionFailed, match=fault):
        at(PODS, text, 0)


@pytest.mark.parametrize(
    "text", ["limitk(1, cpu)", "limit_ratio(0.5, cpu)", "mad_over_time(cpu[5m])"]
)
def test_experimental_features_are_not_enabled(text):
    with pytest.raises(BadQuery, match="experimental"):
        at(PODS, text, 0)
