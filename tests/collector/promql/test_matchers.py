"""Matchers choose series as Prometheus does."""

import pytest

from collector.promql.errors import BadQuery
from collector.promql.matchers import predicate, selected
from collector.promql.samples import Matcher


@pytest.mark.parametrize(
    ("op", "wanted", "value", "fits"),
    [
        ("=", "a", "a", True),
        ("=", "a", "ab", False),
        ("=", "", "", True),
        ("!=", "a", "", True),
        ("=~", "a", "ab", False),
        ("=~", "a|ab", "ab", True),
        ("=~", "a.b", "a\nb", True),
        ("=~", "(?i)A", "a", True),
        ("=~", ".*", "", True),
        ("=~", "ü+", "üü", True),
        ("!~", "a.*", "abc", False),
        ("!~", "a", "ab", True),
    ],
)
def test_a_matcher_sees_the_whole_value(op, wanted, value, fits):
    assert predicate(Matcher("l", op, wanted))(value) is fits


def test_a_label_that_is_missing_is_empty():
    labels = (("__name__", "x"), ("a", "1"))
    assert selected([Matcher("b", "=", ""), Matcher("a", "!=", "")])(labels)
    assert not selected([Matcher("b", "!=", "")])(labels)


def test_a_broken_expression_is_a_bad_query():
    with pytest.raises(BadQuery, match=r"a\("):
        predicate(Matcher("l", "=~", "a("))
