"""Hypothesis strategies for native histograms, exponential and custom."""

import numpy as np
from hypothesis import strategies as st

from collector.promql import native
from collector.promql.native import Histogram, ResetHint, Side
from collector.promql.native.layout import widened

COUNTS = st.integers(0, 50).map(float)
SCHEMAS = st.integers(-2, 4)
THRESHOLDS = st.sampled_from((0.0, 1e-128, 0.001, 0.5, 3.0))


@st.composite
def sides(draw):
    held = draw(st.dictionaries(st.integers(-12, 12), COUNTS, max_size=6))
    return Side(np.array(sorted(held), np.int64), np.array([held[i] for i in sorted(held)], float))


@st.composite
def exponentials(draw, *, schemas=SCHEMAS, thresholds=THRESHOLDS):
    """No bucket lies inside the zero bucket; empty ones may be named."""
    positive, negative = draw(sides()), draw(sides())
    zeros = draw(COUNTS)
    one = Histogram(
        count=float(positive.counts.sum() + negative.counts.sum() + zeros),
        sum=float(draw(st.integers(-1000, 1000))),
        schema=draw(schemas),
        zero_count=zeros,
        positive=positive,
        negative=negative,
        hint=draw(st.sampled_from(ResetHint)),
    )
    return widened(one, draw(thresholds))


def exponential_lists(**sizes):
    """Lists of one schema, or without a zero threshold.

    Else such a threshold may come to lie inside a bucket of the coarser schema, and what was left
    outside of it belongs to that bucket on one way of adding and not on another.
    """
    return st.lists(exponentials(schemas=st.just(0)), **sizes) | st.lists(
        exponentials(thresholds=st.just(0.0)), **sizes
    )


@st.composite
def customs(draw):
    bounds = sorted(draw(st.sets(st.sampled_from((-5.0, 0.0, 0.1, 1.0, 2.5, 10.0)), min_size=1)))
    counts = draw(st.lists(COUNTS, min_size=len(bounds) + 1, max_size=len(bounds) + 1))
    return native.custom(bounds, counts, total=float(draw(st.integers(-100, 100))))


def any_histograms():
    return exponentials() | customs()
