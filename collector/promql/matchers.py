"""Which series a selector means: its matchers, made ready once and asked of many label sets.

A label that a series lacks has the empty value. Expressions are RE2, match the whole value, and
their dot takes line feeds also, as in Prometheus.
https://prometheus.io/docs/prometheus/latest/querying/basics/#time-series-selectors
"""

from collections.abc import Callable, Sequence

import re2

from collector.promql.errors import BadQuery
from collector.promql.samples import Labels, Matcher


def predicate(matcher: Matcher) -> Callable[[str], bool]:
    """Make a test of a label's value; BadQuery if its expression is none."""
    wanted = matcher.value
    match matcher.op:
        case "=":
            return lambda value: value == wanted
        case "!=":
            return lambda value: value != wanted
        case "=~":
            pattern = expression(wanted)
            return lambda value: pattern.fullmatch(value) is not None
        case "!~":
            pattern = expression(wanted)
            return lambda value: pattern.fullmatch(value) is None


def expression(text: str) -> "re2._Regexp[str]":
    """Compile an RE2 expression; BadQuery says what is wrong with it."""
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    try:
        return re2.compile(text, options)
    except re2.error as error:
        said = error.args[0] if error.args else "invalid"
        said = said.decode(errors="replace") if isinstance(said, bytes) else said
        raise BadQuery(f"invalid regular expression {text!r}: {said}") from error


def selected(matchers: Sequence[Matcher]) -> Callable[[Labels], bool]:
    """Make a test of label sets: all matchers fit."""
    tests = [(matcher.name, predicate(matcher)) for matcher in matchers]

    def fits(labels: Labels) -> bool:
        values = dict(labels)
        return all(test(values.get(name, "")) for name, test in tests)

    return fits
