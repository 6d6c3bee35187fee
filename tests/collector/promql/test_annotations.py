"""What a query tells beside its answer, in Prometheus's words."""

import pytest

from collector.promql import native
from tests.collector.promql.made import MINUTE, at, series, source, told

EXPONENTIAL = native.Histogram(count=4.0, sum=8.0, positive=native.side(1, [1.0, 3.0]))
CUSTOM = native.custom((1.0, 2.0), (1.0, 1.0, 2.0), total=5.0)
GAUGE = native.scale(EXPONENTIAL, -1.0)
WHERE = source(
    series("x", [1.0, 2.0]),
    series("x_total", [1.0, 2.0]),
    series("h", [0.0, 0.0], histograms=[EXPONENTIAL, EXPONENTIAL]),
    series("custom", [0.0, 0.0], histograms=[CUSTOM, CUSTOM]),
    series("two", [0.0, 0.0], histograms=[EXPONENTIAL, EXPONENTIAL], a="1"),
    series("two", [0.0, 0.0], histograms=[CUSTOM, CUSTOM], a="2"),
    series("gauge", [0.0, 0.0], histograms=[GAUGE, GAUGE]),
    series("mixed", [0.0, 7.0], histograms=[EXPONENTIAL, None]),
    series("both", [0.0], histograms=[EXPONENTIAL], start=MINUTE),
    series("both", [1.0], start=MINUTE, le="+Inf"),
    series("falling_bucket", [5.0, 5.0], le="1"),
    series("falling_bucket", [4.0, 4.0], le="2"),
    series("falling_bucket", [9.0, 9.0], le="+Inf"),
    series("odd_bucket", [1.0, 1.0], le="much"),
)
MIX = "encountered a mix of histograms and floats for"
LIFTED = (
    "input to histogram_quantile needed to be fixed for monotonicity "
    "(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
)


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("quantile(-0.5, x)", "quantile value should be between 0 and 1, got -0.5"),
        ("quantile(NaN, x)", "quantile value should be between 0 and 1, got NaN"),
        ("quantile_over_time(1.5, x[5m])", "quantile value should be between 0 and 1, got 1.5"),
        ("histogram_quantile(2, h)", "quantile value should be between 0 and 1, got 2"),
        ("rate(mixed[5m])", f'{MIX} metric name "mixed"'),
        ("sum_over_time(mixed[5m])", f'{MIX} metric name "mixed"'),
        ("irate(mixed[5m])", f'{MIX} metric name "mixed"'),
        ('sum({__name__=~"x|h"})', f"{MIX} aggregation"),
        ('avg({__name__=~"x|h"})', f"{MIX} aggregation"),
        (
            "sum(two)",
            "vector contains a mix of histograms with exponential and custom buckets schemas for "
            'metric name "two"',
        ),
        ("rate(gauge[5m])", 'this native histogram metric is not a counter: "gauge"'),
        ("delta(h[5m])", 'this native histogram metric is not a gauge: "h"'),
        (
            "h + custom",
            "incompatible bucket layout encountered for binary operator +",
        ),
        (
            "histogram_quantile(0.5, odd_bucket)",
            'bucket label "le" is missing or has a malformed value of "much" for metric name '
            '"odd_bucket"',
        ),
        (
            'histogram_quantile(0.5, {__name__="both"})',
            'vector contains a mix of classic and native histograms for metric name "both"',
        ),
    ],
)
def test_doubtful_answers_bring_a_warning(text, warning):
    assert told(WHERE, text, MINUTE) == (f"PromQL warning: {warning}",)


@pytest.mark.parametrize(
    ("text", "info"),
    [
        (
            "rate(x[5m])",
            "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "
            '"x"',
        ),
        (
            "increase(x[5m:1m])",
            "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "
            '"x"',
        ),
        ("stddev(h)", "ignored histogram in stddev aggregation"),
        ("topk(1, h)", "ignored histogram in topk aggregation"),
        ("max(h)", "ignored histogram in max aggregation"),
        ("quantile(0.5, h)", "ignored histogram in quantile aggregation"),
        (
            "max_over_time(mixed[5m])",
            'ignored histograms in a range containing both floats and histograms for metric name '
            '"mixed"',
        ),
        (
            "h + 1",
            'incompatible sample types encountered for binary operator "+": histogram + float',
        ),
        (
            "1 / h",
            'incompatible sample types encountered for binary operator "/": float / histogram',
        ),
        (
            "h > bool 1",
            'incompatible sample types encountered for binary operator ">": histogram > float',
        ),
        (
            "x ^ on () h",
            'incompatible sample types encountered for binary operator "^": float ^ histogram',
        ),
        (
            "histogram_quantile(0.5, falling_bucket)",
            f'{LIFTED} for metric name "falling_bucket", from buckets 2 to 2, '
            "with a max diff of 1, "
            "over 1 samples from 1970-01-01T00:01:00Z to 1970-01-01T00:01:00Z",
        ),
    ],
)  # fmt: skip
def test_strange_questions_bring_an_info(text, info):
    assert told(WHERE, text, MINUTE) == (f"PromQL info: {info}",)


@pytest.mark.parametrize(
    "text",
    [
        "rate(x_total[5m])",
        "irate(x[5m])",
        "delta(x[5m])",
        "rate(h[5m])",
        "sum(h)",
        "h + h",
        "h * 2",
        "histogram_quantile(0.5, h)",
        "count(h)",
        "rate(nothing[5m])",
        "sort(x)",
    ],
)
def test_ordinary_questions_bring_none(text):
    assert told(WHERE, text, MINUTE) == ()


@pytest.mark.parametrize(
    "text",
    [
        "rate(mixed[5m])",
        "h + custom",
        "h + 1",
        "h > bool 1",
        "topk(1, h)",
        'histogram_quantile(0.5, {__name__="both"})',
    ],
)
def test_what_was_told_of_has_no_element(text):
    assert at(WHERE, text, MINUTE) == {}
