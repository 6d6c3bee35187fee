"""Binary operators: who finds whom, what stays of the labels, and what is refused."""

import re

import numpy as np
import pytest

from collector.promql.errors import ExecutionFailed
from tests.collector.promql.made import MINUTE, at, rows, series, source

ERRORS = source(
    series("errors", [1.0], code="500", verb="get"),
    series("errors", [2.0], code="404", verb="get"),
    series("errors", [3.0], code="500", verb="put"),
    series("errors", [4.0], code="404", verb="delete"),
    series("requests", [10.0], verb="get", team="a"),
    series("requests", [20.0], verb="put"),
    series("limits", [5.0], verb="get"),
)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("limits + limits", {'{verb="get"}': 10.0}),
        ("limits / requests", {}),
        ("limits / ignoring (team) requests", {'{verb="get"}': 0.5}),
        ("limits < on (verb) requests", {'{verb="get"}': 5.0}),
        ("limits < ignoring (team) requests", {'{__name__="limits", verb="get"}': 5.0}),
        ("limits > bool on (verb) requests", {'{verb="get"}': 0.0}),
        (
            'errors{code="500"} / ignoring (code, team) requests',
            {'{verb="get"}': 0.1, '{verb="put"}': 0.15},
        ),
        (
            "errors / on (verb) group_left (team) requests",
            {
                '{code="500", team="a", verb="get"}': 0.1,
                '{code="404", team="a", verb="get"}': 0.2,
                '{code="500", verb="put"}': 0.15,
            },
        ),
        (
            "requests * on (verb) group_right errors",
            {
                '{code="500", verb="get"}': 10.0,
                '{code="404", verb="get"}': 20.0,
                '{code="500", verb="put"}': 60.0,
            },
        ),
        (
            "errors > on (verb) group_left limits",
            {},
        ),
        (
            "limits > on (verb) group_right errors",
            {
                '{__name__="errors", code="500", verb="get"}': 5.0,
                '{__name__="errors", code="404", verb="get"}': 5.0,
            },
        ),
        ("limits and on (verb) requests", {'{__name__="limits", verb="get"}': 5.0}),
        (
            "requests unless on (verb) limits",
            {'{__name__="requests", verb="put"}': 20.0},
        ),
        (
            "limits or on (verb) requests",
            {'{__name__="limits", verb="get"}': 5.0, '{__name__="requests", verb="put"}': 20.0},
        ),
        ("limits and on () (requests > 1e9)", {}),
        ("10 - limits", {'{verb="get"}': 5.0}),
        ("limits % 3", {'{verb="get"}': 2.0}),
        ("limits == 5", {'{__name__="limits", verb="get"}': 5.0}),
        ("6 > limits", {'{__name__="limits", verb="get"}': 5.0}),
        ("limits != bool 5", {'{verb="get"}': 0.0}),
        ("-limits", {'{verb="get"}': -5.0}),
        ("1 + 2 * 3", 7.0),
        ("2 > bool 1", 1.0),
        ("-7 % 3", -1.0),
        ("1 atan2 0", np.pi / 2),
    ],
)
def test_elements_find_each_other(text, answer):
    assert at(ERRORS, text, 0) == answer


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "requests / on () limits",
            "multiple matches for labels: many-to-one matching must be explicit "
            "(group_left/group_right)",
        ),
        (
            "limits / on (verb) errors",
            'found duplicate series for the match group {verb="get"} on the right hand-side of the '
            'operation: [{__name__="errors", code="404", verb="get"}, '
            '{__name__="errors", code="500", verb="get"}];many-to-many matching not allowed: '
            "matching labels must be unique on one side",
        ),
        (
            "errors / on (verb) group_right limits",
            "on the left hand-side of the operation",
        ),
        (
            "label_replace(errors, 'code', '', '', '') / on (verb) group_left limits",
            "vector cannot contain metrics with the same labelset",
        ),
        (
            "requests / on () group_left (verb) label_replace(limits, 'team', '', '', '')"
            " + on () group_left requests",
            "matching labels must be unique on one side",
        ),
        (
            "errors * on (verb) group_left (code) label_replace(limits, 'code', '9', '', '')",
            "multiple matches for labels: grouping labels must ensure unique matches",
        ),
    ],
)
def test_matches_that_are_not_unique_are_refused(text, fault):
    with pytest.raises(ExecutionFailed, match=re.escape(fault)):
        at(ERRORS, text, 0)


def test_series_that_take_turns_are_one_partner():
    where = source(
        series("one", [1.0, None, None], pod="a", job="j"),
        series("one", [None, 2.0, None], pod="b", job="j"),
        series("many", [10.0, 20.0, 30.0], i="1", job="j"),
    )
    got = rows(where, "many / on (job) group_left one", 0, 2 * MINUTE, lookback_ms=MINUTE)
    assert got == {'{i="1", job="j"}': [10.0, 10.0, None]}
    got = rows(where, "one + on (job) one", 0, 2 * MINUTE, lookback_ms=MINUTE)
    assert got == {'{job="j"}': [2.0, 4.0, None]}


def test_series_that_lose_their_names_may_take_turns_but_not_meet():
    where = source(series("a", [1.0, None]), series("b", [None, 2.0]), series("c", [5.0, 5.0]))
    got = rows(where, '-{__name__=~"a|b"}', 0, MINUTE, lookback_ms=MINUTE)
    assert got == {"{}": [-1.0, -2.0]}
    for text in ('-{__name__=~"a|c"}', 'abs({__name__=~"a|c"})', '{__name__=~"a|c"} * 2'):
        with pytest.raises(ExecutionFailed, match="same labelset"):
            rows(where, text, 0, MINUTE, lookback_ms=MINUTE)
    with pytest.raises(ExecutionFailed, match="same labelset"):
        at(where, 'rate({__name__=~"a|c"}[5m]) + count_over_time({__name__=~"a|c"}[5m])', MINUTE)


def test_an_empty_side_makes_the_other_sides_twins_harmless():
    assert at(ERRORS, "nothing / on () errors", 0) == {}


@pytest.mark.parametrize(
    ("text", "early", "late"),
    [
        ("-{__name__=~'a_total|b_total'}", None, None),
        ("max(-{__name__=~'a_total|b_total'})", None, {"{}": -120.0}),
        ("sum by (__name__) (-{__name__=~'a_total|b_total'}) > -200", None, {"{}": -120.0}),
        (
            "label_replace(-a_total, '__name__', 'minus_$1', '__name__', '(.+)_total')",
            {"{}": -120.0},
            {'{__name__="minus_a"}': -120.0},
        ),
        (
            "label_replace(a_total * 2, 'of', '$1', '__name__', '(.*)')",
            {"{}": 240.0},
            {'{of="a_total"}': 240.0},
        ),
        (
            "label_join(increase(a_total[2m]), '__name__', '', '__name__')",
            {"{}": 120.0},
            {'{__name__="a_total"}': 120.0},
        ),
        ("count by (__name__) (a_total * 2)", {"{}": 1.0}, {"{}": 1.0}),
        ("a_total + b_total", {"{}": 360.0}, {"{}": 360.0}),
        ("a_total > bool on (__name__) a_total", {"{}": 0.0}, {"{}": 0.0}),
        ("a_total", {'{__name__="a_total"}': 120.0}, {'{__name__="a_total"}': 120.0}),
    ],
)
def test_names_fall_at_once_or_at_the_end(text, early, late):
    where = source(series("a_total", [0.0, 60.0, 120.0]), series("b_total", [0.0, 120.0, 240.0]))
    for is_delayed, answer in ((False, early), (True, late)):
        if answer is None:
            with pytest.raises(ExecutionFailed, match="same labelset"):
                at(where, text, 2 * MINUTE, is_name_removal_delayed=is_delayed)
        else:
            assert at(where, text, 2 * MINUTE, is_name_removal_delayed=is_delayed) == answer
