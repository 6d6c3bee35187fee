"""Functions of elements, labels, presence, dates and histograms."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.promql import native
from collector.promql.engine import instant
from collector.promql.errors import ExecutionFailed
from tests.collector.promql.made import MINUTE, at, rows, series, source

NAN, INF = math.nan, math.inf
HISTOGRAM = native.Histogram(count=4.0, sum=8.0, positive=native.side(1, [1.0, 3.0]))
WHERE = source(
    series("x", [3.0, 5.0, 4.0], a="one", b="two-three"),
    series("h", [0.0], histograms=[HISTOGRAM], start=2 * MINUTE),
    series("le_bucket", [1.0], start=2 * MINUTE, le="1"),
    series("le_bucket", [3.0], start=2 * MINUTE, le="2e0"),
    series("le_bucket", [4.0], start=2 * MINUTE, le="+Inf"),
)
X = '{a="one", b="two-three"}'


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("abs(-x)", 4.0),
        ("ceil(x / 3)", 2.0),
        ("floor(-x / 3)", -2.0),
        ("round(x / 8)", 1.0),
        ("round(-x / 8)", 0.0),
        ("round(x, 3)", 3.0),
        ("round(x / 100, 0.05)", 0.05),
        ("clamp(x, 5, 6)", 5.0),
        ("clamp_max(x, 3)", 3.0),
        ("clamp_min(x, 7)", 7.0),
        ("sgn(-x)", -1.0),
        ("sqrt(x)", 2.0),
        ("exp(x - 4)", 1.0),
        ("ln(x - 4)", -INF),
        ("log2(x)", 2.0),
        ("log10(x * 25)", 2.0),
        ("deg(x * 0 + pi())", 180.0),
        ("rad(x * 45)", math.pi),
        ("acosh(cosh(x))", 4.0),
        ("timestamp(x)", 120.0),
        ("timestamp(x offset 1m)", 60.0),
        ("timestamp(x @ 60)", 60.0),
        ("timestamp(x * 1)", 120.0),
        ("changes(x[5m])", 2.0),
        ("resets(x[5m])", 1.0),
        ("idelta(x[5m])", -1.0),
        ("irate(x[5m])", 4.0 / 60),
    ],
)
def test_elements_lose_their_names(text, answer):
    ((labels, value),) = at(WHERE, text, 2 * MINUTE).items()
    assert labels == X
    assert value == pytest.approx(answer)


@pytest.mark.parametrize("text", ["sort(x)", "sort_desc(x)", "last_over_time(x[5m])", "x > 1"])
def test_samples_given_back_keep_their_names(text):
    assert list(at(WHERE, text, 2 * MINUTE)) == ['{__name__="x", a="one", b="two-three"}']


@pytest.mark.parametrize("text", ["clamp(x, 5, 3)", "abs(h)", "minute(h)", "histogram_count(x)"])
def test_some_elements_have_no_answer(text):
    assert at(WHERE, text, 2 * MINUTE) == {}


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("label_replace(x, 'c', '$2/$1', 'b', '(.*)-(.*)')", {"c": "three/two"}),
        ("label_replace(x, 'c', '${whole}$$', 'a', '(?P<whole>.*)')", {"c": "one$"}),
        ("label_replace(x, 'c', '$1x', 'a', '(.*)')", {}),
        ("label_replace(x, 'c', '$9', 'a', '(.*)')", {}),
        ("label_replace(x, 'c', 'set', 'missing', '')", {"c": "set"}),
        ("label_replace(x, 'c', 'set', 'a', 'on')", {}),
        ("label_replace(x, 'a', '', 'a', '.*')", {"a": ""}),
        ("label_replace(x, '__name__', 'y', '', '')", {"__name__": "y"}),
        ("label_join(x, 'c', '/', 'a', 'missing', 'b')", {"c": "one//two-three"}),
        ("label_join(x, 'a', '')", {"a": ""}),
    ],
)
def test_labels_are_set_from_others(text, labels):
    wanted = {"__name__": "x", "a": "one", "b": "two-three", **labels}
    (found,) = instant(WHERE, text, 2 * MINUTE).value.labels
    assert dict(found) == {name: value for name, value in wanted.items() if value}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("label_replace(x, 'c', '', 'a', '(')", "invalid regular expression in label_replace"),
        ("label_replace(x, '', '', 'a', '')", "invalid destination label name in label_replace"),
        ("label_join(x, '', '', 'a')", "invalid destination label name in label_join"),
        ("label_join(x, 'c', '', '')", "invalid source label name in label_join"),
        ("label_replace(le_bucket, 'le', '', '', '')", "same labelset"),
    ],
)
def test_labels_that_cannot_be_set_fail(text, fault):
    with pytest.raises(ExecutionFailed, match=fault):
        at(WHERE, text, 2 * MINUTE)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("absent(nothing)", {"{}": 1.0}),
        ("absent(nothing{a='1',b!='2',c=~'3'})", {'{a="1"}': 1.0}),
        ("absent(nothing{a='1',a='2',b='3'})", {'{b="3"}': 1.0}),
        ("absent(sum(nothing{a='1'}))", {"{}": 1.0}),
        ("absent(x)", {}),
        ("absent_over_time(nothing{a='1'}[5m])", {'{a="1"}': 1.0}),
        ("absent_over_time(x[5m])", {}),
        ("absent_over_time(h[5m])", {}),
        ("present_over_time(h[5m])", {"{}": 1.0}),
        ("vector(scalar(x))", {"{}": 4.0}),
        ("vector(time())", {"{}": 120.0}),
        ("vector(-2 + 3 * pi())", {"{}": 3 * math.pi - 2}),
        ("count(absent(x) or vector(1))", {"{}": 1.0}),
    ],
)
def test_what_there_is_and_is_not(text, answer):
    assert at(WHERE, text, 2 * MINUTE) == answer


@pytest.mark.parametrize("text", ["scalar(nothing)", "scalar(le_bucket)", "scalar(h)"])
def test_no_single_number_is_nan(text):
    assert math.isnan(at(WHERE, text, 2 * MINUTE))


def test_absence_comes_and_goes():
    where = source(series("x", [1.0, None, 2.0]))
    assert rows(where, "absent(x)", 0, 3 * MINUTE, lookback_ms=MINUTE) == {
        "{}": [None, 1.0, None, 1.0]
    }
    assert rows(where, "absent_over_time(x[1m])", 0, 3 * MINUTE) == {"{}": [None, 1.0, None, 1.0]}


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
@settings(deadline=None)
def test_dates_are_those_of_the_calendar(moment):
    seconds = int(moment.timestamp())
    moment = datetime.fromtimestamp(seconds, UTC)
    first = moment.replace(day=1)
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    wanted = {
        "minute": moment.minute,
        "hour": moment.hour,
        "day_of_week": moment.isoweekday() % 7,
        "day_of_month": moment.day,
        "day_of_year": moment.timetuple().tm_yday,
        "days_in_month": (following - first).days,
        "month": moment.month,
        "year": moment.year,
    }
    for name, value in wanted.items():
        assert at(source(), f"{name}(vector({seconds}))", 0) == {"{}": value}
        assert at(source(), f"{name}()", seconds * 1000) == {"{}": value}


def test_sorting_puts_nan_last_and_keeps_the_order_of_equals():
    values = [3.0, NAN, 1.0, INF, -INF, 1.0]
    where = source(*(series("v", [value], i=str(i)) for i, value in enumerate(values)))

    def order(text):
        return [dict(one)["i"] for one in instant(where, text, 0).value.labels]

    assert order("sort(v)") == ["4", "2", "5", "0", "3", "1"]
    assert order("sort_desc(v)") == ["3", "0", "2", "5", "4", "1"]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("histogram_count(h)", 4.0),
        ("histogram_sum(h)", 8.0),
        ("histogram_avg(h)", 2.0),
        ("histogram_sum(h * 3)", 24.0),
        ("histogram_count(-h)", -4.0),
        ("histogram_quantile(0, h)", 1.0),
        ("histogram_quantile(1, h)", 4.0),
        ("histogram_fraction(0, 2, h)", 0.25),
        ("histogram_quantile(0.5, le_bucket)", 1.5),
        ("histogram_quantile(0.25, le_bucket)", 1.0),
        ("histogram_quantile(1, le_bucket)", 2.0),
        ("histogram_fraction(1, 2, le_bucket)", 0.5),
        ("histogram_quantile(scalar(x) / 8, le_bucket)", 1.5),
        ("count_over_time(h[5m])", 1.0),
        ("histogram_sum(sum_over_time(h[5m:1m]))", 8.0),
        ("histogram_count(last_over_time(h[5m]))", 4.0),
    ],
)
def test_histograms_answer(text, answer):
    assert at(WHERE, text, 2 * MINUTE) == {"{}": pytest.approx(answer)}


def test_two_classic_histograms_that_become_one_fail():
    where = source(series("a_bucket", [1.0], le="+Inf"), series("b_bucket", [1.0], le="+Inf"))
    with pytest.raises(ExecutionFailed, match="same labelset"):
        at(where, 'histogram_quantile(0.5, {__name__=~".*_bucket"})', 0)


def test_a_prediction_is_of_its_own_step():
    where = source(series("x", [0.0, 60.0, 120.0]))
    assert rows(where, "predict_linear(x[5m] @ 120, 60)", 2 * MINUTE, 4 * MINUTE) == {
        "{}": [180.0, 240.0, 300.0]
    }
    assert at(where, "deriv(x[5m])", 2 * MINUTE) == {"{}": 1.0}
