"""What Prometheus 2.42 (Debian's) answers otherwise than 3, and how the comparison keeps clear."""

from typing import NamedTuple


class Difference(NamedTuple):
    """``avoided``: by which data, option or query."""

    what: str
    reason: str
    avoided: str


KNOWN = (
    Difference(
        "windows and lookback hold a sample at their left end",
        "3.0 made them left-open (migration guide, range selectors and lookback)",
        "Options(is_left_closed=True); no sample lies on a whole second",
    ),
    Difference(
        "a subquery has a point at its left end",
        "the same change in 3.0",
        "Options(is_left_closed=True)",
    ),
    Difference(
        "rate and increase limit the start by the zero point before they judge its distance",
        "turned round in 3.x: a start far off is first cut to half an interval",
        "Options(is_left_closed=True)",
    ),
    Difference(
        "atan2 keeps the metric's name",
        "an oversight in 2.x: it was not listed among the arithmetic operators",
        "no atan2 in queries for 2.42",
    ),
    Difference(
        "stddev and stdvar of a single Inf or NaN are 0",
        "2.x starts from the first value without looking at it",
        "only over series of whole numbers in queries for 2.42",
    ),
    Difference(
        "predict_linear over a fixed time (@) sees a window that moves with the steps",
        "a fault of 2.x: the range is not step-invariant there",
        "no @ below predict_linear",
    ),
    Difference(
        "timestamp(x @ t offset d) ignores the offset",
        "its special case replaces the offset by the distance to t",
        "no offset below timestamp",
    ),
    Difference(
        "histogram_quantile lifts counts that fall by rounding only, and reports it",
        "3.x evens out relative differences below 1e-12 first",
        "counts are whole numbers",
    ),
    Difference(
        "sum and avg add up without compensation",
        "3.x sums as Kahan and Neumaier do",
        "a relative tolerance of 1e-7",
    ),
    Difference(
        "the sum of nothing but -0 is -0",
        "in 3.x the compensation, 0, is added to it",
        "+ 0 around what is divided or raised to a power",
    ),
    Difference(
        "a fixed part (@) of a subquery may fail though the subquery has no step in its window",
        "what does not change with the steps is evaluated beforehand, also in 3.x",
        "subqueries for 2.42 have at least one step",
    ),
    Difference(
        "topk(k) fails for a k far below zero",
        "3.x looks at the largest k first: below 1 there is nothing to do",
        "k from 0 on",
    ),
    Difference(
        "quantile(NaN, v) at one step of several may be another quantile",
        "a fault of 2.x: the parameter of a step that has NaN is that of another step",
        "the parameter is a number",
    ),
    Difference(
        "a selector with @ in a subquery that ends elsewhere than the query may see nothing",
        "a fault of 2.x: its time is reckoned from the start of the subquery",
        "no @ and no offset on such subqueries; the naive evaluator is asked with them",
    ),
    Difference(
        "a dot in a regular expression does not match a line feed",
        "changed in 3.0",
        "no line feeds in labels",
    ),
)
