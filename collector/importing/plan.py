"""Which pieces of time and series an import reads, one after another. Pure.

Pieces cover what was asked for without gap or overlap: windows are (from, to] in unix milliseconds,
and parts of a metric are told apart by the values of one label.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import re2

from collector.importing.errors import UsedWrongly
from collector.prometheus.names import METRIC_NAME
from collector.promql.errors import BadQuery
from collector.promql.expressions import Selector
from collector.promql.matchers import predicate
from collector.promql.parser import parse
from collector.promql.samples import Matcher

_LONGEST_PATTERN: Final = 3000
"""Characters of an expression of values: it is part of a URL."""

Matchers = tuple[Matcher, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """(from_ms, to_ms]."""

    from_ms: int
    to_ms: int

    @property
    def span_ms(self) -> int:
        """Its length."""
        return self.to_ms - self.from_ms


def windows(whole: Window, length_ms: int) -> list[Window]:
    """Cut at multiples of a length, so that an import of later days has the same cuts."""
    first = whole.from_ms // length_ms * length_ms
    cuts = [*range(first + length_ms, whole.to_ms, length_ms), whole.to_ms]
    starts = [whole.from_ms, *cuts[:-1]]
    return [Window(*ends) for ends in zip(starts, cuts, strict=True) if ends[0] < ends[1]]


def cut(window: Window, parts: int, shortest_ms: int) -> list[Window]:
    """Cut into equal parts, none of them shorter than ``shortest_ms`` but the last."""
    length_ms = max(-(-window.span_ms // parts), shortest_ms)
    cuts = [*range(window.from_ms + length_ms, window.to_ms, length_ms), window.to_ms]
    starts = [window.from_ms, *cuts[:-1]]
    return [Window(*ends) for ends in zip(starts, cuts, strict=True)]


def partition(series: Sequence[Mapping[str, str]], parts: int) -> list[Matcher]:
    """Return matchers of the label with most values, each series fitting one; [] if it has one."""
    names = sorted({name for labels in series for name in labels} - {METRIC_NAME})
    values = {name: sorted({labels.get(name, "") for labels in series}) for name in names}
    best = max(names, key=lambda name: len(values[name]), default="")
    if len(values.get(best, ())) < 2:
        return []
    per_part = max(-(-len(values[best]) // parts), 1)
    groups = _grouped(values[best], per_part)
    return [Matcher(best, "=~", "|".join(map(_literal, group))) for group in groups]


def parse_match(text: str) -> Matchers:
    """Return the matchers of ``--match``; raise UsedWrongly."""
    try:
        found = parse(text)
        if not isinstance(found, Selector) or found.offset_ms or found.at is not None:
            raise UsedWrongly(f'--match {text!r} is no selector: give one such as {{job="api"}}')
        for one in found.matchers:
            predicate(one)
    except BadQuery as error:
        raise UsedWrongly(f"--match {text!r}: {error}") from error
    return found.matchers


def of_metric(matchers: Matchers, name: str) -> Matchers:
    """Return the matchers for one metric alone."""
    rest = (one for one in matchers if one.name != METRIC_NAME)
    return (Matcher(METRIC_NAME, "=", name), *rest)


def _grouped(values: Iterable[str], most: int) -> list[list[str]]:
    """Group values, by number and by the length of their expression."""
    groups: list[list[str]] = [[]]
    length = 0
    for value in values:
        length += len(_literal(value)) + 1
        if groups[-1] and (len(groups[-1]) >= most or length > _LONGEST_PATTERN):
            groups.append([])
            length = len(_literal(value)) + 1
        groups[-1].append(value)
    return groups


def _literal(value: str) -> str:
    return str(re2.escape(value))
