"""The inverted index agrees with asking every series."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.prometheus.index import LabelIndex
from collector.prometheus.names import as_labels
from collector.promql.errors import BadQuery
from collector.promql.matchers import selected
from collector.promql.samples import Matcher

NAMES, VALUES = ["a", "b", "c"], ["", "x", "y", "xy"]
SERIES = st.lists(
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES)).map(as_labels), unique=True
)
MATCHERS = st.lists(
    st.one_of(
        st.builds(
            Matcher, st.sampled_from(NAMES), st.sampled_from(["=", "!="]), st.sampled_from(VALUES)
        ),
        st.builds(
            Matcher,
            st.sampled_from(NAMES),
            st.sampled_from(["=~", "!~"]),
            st.sampled_from(["", "x", ".*", ".+", "x?y", "x|", "[^x]+"]),
        ),
    ),
    max_size=4,
)


def indexed(series):
    index = LabelIndex()
    for labels in series:
        index.add(labels)
    return index


@given(SERIES, MATCHERS)
def test_it_finds_what_a_test_of_every_series_finds(series, matchers):
    fits = selected(matchers)

    found = indexed(series).find(matchers).tolist()

    assert found == [number for number, labels in enumerate(series) if fits(labels)]


@given(SERIES)
def test_names_and_values_are_those_of_the_series(series):
    index = indexed(series)

    assert index.names() == sorted({name for labels in series for name, _ in labels})
    assert index.values("a") == sorted(
        {dict(labels)["a"] for labels in series if dict(labels).get("a")}
    )


def test_a_matcher_of_an_open_label_lets_its_series_through():
    index = LabelIndex()
    index.add((("__name__", "x_bucket"),), open_label="le")
    index.add((("__name__", "other"),))

    assert index.find([Matcher("le", "=", "0.5")]).tolist() == [0]
    assert index.find([Matcher("le", "=~", ".+")]).tolist() == [0]
    assert index.find([Matcher("le", "!=", "0.5")]).tolist() == [0, 1]
    assert index.names() == ["__name__", "le"]


def test_a_label_set_has_one_number():
    index = LabelIndex()

    assert index.add((("a", "x"),)) == 0
    assert index.add((("a", "x"),)) is None
    assert index.number((("a", "x"),)) == 0
    assert len(index) == 1


def test_a_bad_expression_is_told():
    with pytest.raises(BadQuery, match="invalid regular expression"):
        indexed([(("a", "x"),)]).find([Matcher("a", "=~", "(")])
