"""TraceQL is read as its users mean it, and what cannot be read is named with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.store.span_conditions import All, AnyOf, Comparison, Field
from collector.traces import query as fields
from collector.traces.query import Aggregate, Both, Either, Query, SpansWhere
from collector.traces.traceql import BadTraceQl, parse

MS = 1_000_000
CART = Comparison(fields.SERVICE, "=", "cart")
SLOW = Comparison(fields.DURATION, ">", 100 * MS)
IS = {key: Comparison(Field("any", key), "=", value=True) for key in "abcd"}


def where(condition):
    return Query(SpansWhere(condition))


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", where(All())),
        ("{}", where(All())),
        ("{ true }", where(All())),
        ("{ false }", where(AnyOf(()))),
        ('{ resource.service.name = "cart" }', where(CART)),
        ('{"cart"=resource.service.name}', where(CART)),
        ("{ 100ms < duration }", where(SLOW)),
        ("{ duration > 0.1s }", where(SLOW)),
        ("{ span:duration > 100ms }", where(SLOW)),
        ("{ traceDuration <= 1m30s }", where(Comparison(fields.TRACE_DURATION, "<=", 90_000 * MS))),
        ("{ status = error }", where(Comparison(fields.STATUS, "=", "error"))),
        ("{ kind != server }", where(Comparison(fields.KIND, "!=", "server"))),
        ("{ name =~ `GET .*` }", where(Comparison(fields.NAME, "=~", "GET .*"))),
        ('{ rootName = "a" }', where(Comparison(fields.ROOT_NAME, "=", "a"))),
        ('{ trace:rootService = "a" }', where(Comparison(fields.ROOT_SERVICE, "=", "a"))),
        ("{ .code >= 500 }", where(Comparison(Field("any", "code"), ">=", 500))),
        ("{ span.ratio < -0.5 }", where(Comparison(Field("span", "ratio"), "<", -0.5))),
        ("{ span.ok = true }", where(Comparison(Field("span", "ok"), "=", value=True))),
        ("{ span.ok }", where(Comparison(Field("span", "ok"), "=", value=True))),
        ("{ span.x != nil }", where(Comparison(Field("span", "x"), "!=", None))),
        (
            '{ span."a b\\"c" = "d\\ne" }',
            where(Comparison(Field("span", 'a b"c'), "=", "d\ne")),
        ),
        (
            "{ span.http.user-agent = 'x' }".replace("'", '"'),
            where(Comparison(Field("span", "http.user-agent"), "=", "x")),
        ),
        (
            '{ resource.service.name="cart" && (duration>100ms||status=ok) }',
            where(All((CART, AnyOf((SLOW, Comparison(fields.STATUS, "=", "ok")))))),
        ),
        ("{ span.a > 1e400 }", where(Comparison(Field("span", "a"), ">", float("inf")))),
        (
            "{ duration < 999999999h }",
            where(Comparison(fields.DURATION, "<", 2**63 - 1)),
        ),
        (
            "{ .a && .b && .c || false || .d }",
            where(AnyOf((All(tuple(IS[key] for key in "abc")), AnyOf(()), IS["d"]))),
        ),
        (
            "{ duration > 100ms || status = ok && duration > 100ms }",
            where(AnyOf((SLOW, All((Comparison(fields.STATUS, "=", "ok"), SLOW))))),
        ),
        (
            '{ resource.service.name = "cart" } && ({} || { duration > 100ms })',
            Query(
                Both(SpansWhere(CART), Either(SpansWhere(All()), SpansWhere(SLOW))),
            ),
        ),
        (
            "{} | { duration > 100ms } | count() > 2 | avg(duration) >= 1ms"
            " | select(name, span.http.url)",
            Query(
                SpansWhere(All()),
                (
                    SpansWhere(SLOW),
                    Aggregate("count", None, ">", 2),
                    Aggregate("avg", fields.DURATION, ">=", MS),
                ),
                (fields.NAME, Field("span", "http.url")),
            ),
        ),
    ],
)
def test_a_query_is_read(text, query):
    assert parse(text) == query


@pytest.mark.parametrize(
    ("text", "at", "why"),
    [
        ("x", 1, "expected {, got 'x'; supported are"),
        ("{", 2, "expected a field or a value, got the end"),
        ("{ span.a = }", 12, "got '}'"),
        ("{ span.a = 1", 13, "expected }, got the end"),
        ("{} {}", 4, "expected the end, got '{'"),
        ("{} >> {}", 4, "got '>>'"),
        ("{} | rate()", 6, "expected count(), avg(), min(), max(), sum() or select(), got 'rate'"),
        ("{} | by(name)", 6, "got 'by'"),
        ("{ !span.a }", 3, "got '!'"),
        ("{ event.name = 1 }", 3, "unknown field event.name; supported are"),
        ("{ nonsense = 1 }", 3, "expected a field or a value, got 'nonsense'"),
        ("{ duration > 5 }", 14, "duration is compared with a duration such as 100ms, got '5'"),
        ("{ span.a > 5ms }", 12, "a is compared with no duration such as 100ms, got '5ms'"),
        ("{ status = 2 }", 12, "status is compared by = and != with one of unset, ok, error"),
        ("{ status > ok }", 12, "status is compared by = and !="),
        ('{ name =~ "(" }', 11, "bad regular expression"),
        ("{ name =~ 5 }", 11, "expected a regular expression in quotes"),
        ("{ name = nil }", 10, "nil compares with attributes"),
        ("{ span.a = span.b }", 10, "a field is compared with a value"),
        ("{ 1 = 1 }", 5, "a field is compared with a value"),
        ("{} | count() > 5ms", 16, "expected a number, got '5ms'"),
        ("{} | avg(duration) > 5", 22, "expected a duration, got '5'"),
        ("{} | select()", 13, "got ')'"),
        ('{ name = "x }', 10, "cannot read"),
        ("{" + "(" * 99, 67, "more than 64 parentheses"),
        ("{} && " * 300, 1201, "more than 200 span sets and terms"),
        ("{.a||.b&&" + ".c&&" * 300, 798, "more than 200 span sets and terms"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(text, at, why):
    with pytest.raises(BadTraceQl, match=r"^TraceQL, at character \d+: ") as caught:
        parse(text)
    assert caught.value.at == at
    assert why in str(caught.value)


pieces = st.sampled_from(
    [
        *("{", "}", "(", ")", "&&", "||", "|", "=", "!=", "=~", ">", "<=", ",", "!", " "),
        *("span.a", "resource.b", ".c", "name", "status", "duration", "traceDuration", "nil"),
        *('"text"', "`(`", "5", "-1.5e3", "10ms", "error", "server", "true", "count", "select"),
        *('"', "\\", "µs", "\x00"),
    ]
)


@given(st.lists(pieces, max_size=15).map("".join) | st.text(max_size=20))
def test_any_text_is_a_query_or_a_clear_mistake(text):
    try:
        read = parse(text)
    except BadTraceQl as error:
        read = error.at
    assert isinstance(read, Query) or 1 <= read <= len(text) + 1
