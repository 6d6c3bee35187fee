"""Label sets by number, and which of them fit matchers: an inverted index in memory.

Never forgets a series, never knows a sample. An expression is evaluated once for each distinct
value of its label. Some series have a label of which the values are known only when their samples
are read, as ``le`` of a histogram: a matcher of it lets them all through, to be judged there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from collector.promql.matchers import predicate
from collector.promql.samples import Labels, Matcher

Ids = NDArray[np.int64]

_NONE: Final = np.empty(0, np.int64)


@dataclass(slots=True)
class LabelIndex:
    """Numbers are given in the order of adding, from 0."""

    _labels: list[Labels] = field(default_factory=list)
    _numbers: dict[Labels, int] = field(default_factory=dict)
    _postings: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    _open: dict[str, list[int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._labels)

    def add(self, labels: Labels, *, open_label: str | None = None) -> int | None:
        """Add a label set and return its number; None when it is there already."""
        if labels in self._numbers:
            return None
        number = len(self._labels)
        self._labels.append(labels)
        self._numbers[labels] = number
        for name, value in labels:
            self._postings.setdefault(name, {}).setdefault(value, []).append(number)
        if open_label is not None:
            self._open.setdefault(open_label, []).append(number)
        return number

    def number(self, labels: Labels) -> int | None:
        """Return the number of a label set; None when it is not there."""
        return self._numbers.get(labels)

    def labels(self, number: int) -> Labels:
        """Return a label set."""
        return self._labels[number]

    def find(self, matchers: Iterable[Matcher]) -> Ids:
        """Return the numbers that fit all matchers, ascending; BadQuery for a bad expression."""
        found: Ids | None = None
        for matcher in sorted(matchers, key=_cost):
            fitting = self._fitting(matcher)
            found = fitting if found is None else np.intersect1d(found, fitting, True)
            if not len(found):
                return _NONE
        return np.arange(len(self), dtype=np.int64) if found is None else found

    def names(self) -> list[str]:
        """Return all label names that some series has, sorted."""
        return sorted({*self._postings, *self._open})

    def values(self, name: str) -> list[str]:
        """Return the known values of a label, sorted."""
        return sorted(self._postings.get(name, ()))

    def has(self, name: str, value: str) -> bool:
        """Tell whether some series has this label."""
        return value in self._postings.get(name, ())

    def _fitting(self, matcher: Matcher) -> Ids:
        postings = self._postings.get(matcher.name, {})
        fits = predicate(matcher)
        if matcher.op == "=" and matcher.value:
            chosen = [postings.get(matcher.value, [])]
        elif fits(""):
            unfit = _union([ids for value, ids in postings.items() if not fits(value)])
            return np.setdiff1d(np.arange(len(self), dtype=np.int64), unfit, True)
        else:
            chosen = [ids for value, ids in postings.items() if fits(value)]
        return _union([*chosen, self._open.get(matcher.name, [])])


def _union(lists: Sequence[Sequence[int]]) -> Ids:
    filled = [np.array(ids, np.int64) for ids in lists if ids]
    if len(filled) < 2:
        return filled[0] if filled else _NONE
    return np.unique(np.concatenate(filled))


def _cost(matcher: Matcher) -> int:
    """Names first, then equalities, then expressions: the smaller sets are met early."""
    if matcher.op != "=":
        return 3
    return 0 if matcher.name == "__name__" else 1 if matcher.value else 2
