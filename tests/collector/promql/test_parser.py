"""Texts become expressions, or say where they are wrong."""

import math
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.promql.errors import BadQuery
from collector.promql.expressions import (
    Aggregation,
    Binary,
    Call,
    Matching,
    Negation,
    Number,
    RangeSelector,
    Selector,
    String,
    Subquery,
    kind,
)
from collector.promql.parser import parse
from collector.promql.samples import Matcher

X = Selector((Matcher("__name__", "=", "x"),))
Y = Selector((Matcher("__name__", "=", "y"),))


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("1e3", Number(1000.0)),
        ("-1", Number(-1.0)),
        ("1h30m", Number(5400.0)),
        ("0x1F", Number(31.0)),
        ("'a\\n'", String("a\n")),
        ("x", X),
        ("((x))", X),
        ("+x", X),
        ("-x", Negation(X)),
        ('{"a.b", c!="d"}', Selector((Matcher("__name__", "=", "a.b"), Matcher("c", "!=", "d")))),
        (
            'x{a=~"b.*",c!~"d"}',
            Selector((*X.matchers, Matcher("a", "=~", "b.*"), Matcher("c", "!~", "d"))),
        ),
        ("x offset 5m", Selector(X.matchers, 300_000)),
        ("x offset -1w @ start()", Selector(X.matchers, -604_800_000, "start")),
        ("x @ end()", Selector(X.matchers, 0, "end")),
        ("x @ 10.5", Selector(X.matchers, 0, 10_500)),
        ("x @ -5", Selector(X.matchers, 0, -5_000)),
        ('x{a="@ end()}"} @ 3', Selector((*X.matchers, Matcher("a", "=", "@ end()}")), 0, 3_000)),
        ("x[90s]", RangeSelector(X, 90_000)),
        ("x[5m:]", Subquery(X, 300_000)),
        ("x[5m:30s] @ 7 offset 2m", Subquery(X, 300_000, 30_000, 120_000, 7_000)),
        ("(x @ 5)[5m:]", Subquery(Selector(X.matchers, 0, 5_000), 300_000)),
        ("x + y", Binary("+", X, Y)),
        ("x and y", Binary("and", X, Y, Matching("many-to-many"))),
        ("x > bool y", Binary(">", X, Y, Matching(), is_bool=True)),
        ("x ^ 2", Binary("^", X, Number(2.0))),
        (
            "x / on (a) group_left (b) y",
            Binary("/", X, Y, Matching("many-to-one", is_on=True, labels=("a",), included=("b",))),
        ),
        (
            "x * ignoring (a) group_right y",
            Binary("*", X, Y, Matching("one-to-many", is_on=False, labels=("a",))),
        ),
        ("sum(x)", Aggregation("sum", X)),
        ("sum by (a, b) (x)", Aggregation("sum", X, None, ("a", "b"))),
        ("sum(x) without (a)", Aggregation("sum", X, None, ("a",), is_without=True)),
        ("topk(3, x)", Aggregation("topk", X, Number(3.0))),
        ("rate(x[5m])", Call("rate", (RangeSelector(X, 300_000),), "vector")),
        ("pi()", Call("pi", (), "scalar")),
    ],
)  # fmt: skip
def test_a_text_is_read(text, expression):
    assert parse(text) == expression


def test_precedence_is_that_of_prometheus():
    assert parse("-x ^ 2") == Negation(Binary("^", X, Number(2.0)))
    assert parse("1 + 2 * 3 ^ 2") == parse("1 + (2 * (3 ^ 2))")
    assert parse("2 ^ 3 ^ 2") == parse("2 ^ (3 ^ 2)")
    assert parse("x or y and x") == parse("x or (y and x)")


def test_nan_is_a_number():
    assert math.isnan(parse("NaN").value)


@pytest.mark.parametrize(
    ("text", "kind_"),
    [
        ("1 + 1", "scalar"),
        ("1 + x", "vector"),
        ("-(1 + 2)", "scalar"),
        ("x[5m]", "matrix"),
        ("x[5m:1m]", "matrix"),
        ("'a'", "string"),
        ("time()", "scalar"),
        ("sum(x)", "vector"),
    ],
)
def test_the_kind_of_an_expression_is_known(text, kind_):
    assert kind(parse(text)) == kind_


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", "1:1"),
        ("1 +", "1:4"),
        ("x{", "1:3"),
        ("sum(rate(x))", "1:5"),
        ("nofunc(x)", "1:1"),
        ("sum by (a) (x", "1:14"),
        ("x)", "1:2"),
        ("1 and 2", "1:3"),
        ("a\n+ * b", "2:3"),
        ("x = 1", "1:3"),
        ("5 5", "1:3"),
        ("x or or y", "1:6"),
        ("x{a=b}", "1:5"),
        ("x{}[5m]}", "1:8"),
    ],
)
def test_a_fault_is_found_at_its_line_and_column(text, position):
    with pytest.raises(BadQuery) as caught:
        parse(text)
    assert str(caught.value).startswith(f"{position}: parse error: ")


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        'x{a=""} + {b=""}',
        "x[0s]",
        "(x)[5m]",
        'x{a=~"("}',
        "x + bool 1",
        "x unless on() group_left y",
        "x offset 5m offset 6m",
        "x @ NaN",
        "x @ 1e300",
        "rate(x)",
        "sum(x[5m])",
        "quantile(x)",
        "☃",
        '"open',
        'x{a="1" or b="2"}',
    ],
)
def test_what_is_no_promql_is_refused(text):
    with pytest.raises(BadQuery):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "x+" * 30_000 + "x",
        "-" * 60_000 + "x",
        "(" * 990 + "x" + ")" * 990,
        "9" * 10**6,
    ],
)
def test_hostile_texts_cannot_break_the_process(text):
    found = []

    def read():
        try:
            parse(text)
        except BadQuery as error:
            found.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert len(found) == 1


@given(st.text(st.sampled_from("x5m{}[]()\"'`=~!<>+-*/%^@:,. \n#offsetbyn"), max_size=40))
@settings(deadline=None)
def test_any_text_is_read_or_refused(text):
    try:
        found = parse(text)
    except BadQuery:
        return
    assert kind(found) in {"scalar", "vector", "matrix", "string"}


@pytest.mark.parametrize("text", ["x + fill (0) y", "x / on (a) group_left fill_left (1) y"])
def test_fill_modifiers_are_not_enabled(text):
    with pytest.raises(BadQuery, match="experimental"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\xe2\x98\xba"', "☺"),
        (r'"\342\230\272"', "☺"),
        (r'"\u263a"', "☺"),
        (r'"a\x22\xc3\xa9\x41"', 'a"éA'),
        (r"'\x27'", "'"),
        (r'"\\xff"', r"\xff"),
        (r"`\xff`", r"\xff"),
        ('"☺"', "☺"),
    ],
)
def test_bytes_in_strings_are_utf8(text, value):
    assert parse(text) == String(value)


@pytest.mark.parametrize("text", [r'"\xff"', r'x{a="\xc3"}', r"'\377'"])
def test_strings_that_are_no_utf8_are_refused(text):
    with pytest.raises(BadQuery, match="UTF-8"):
        parse(text)
