"""Every indicator as events at the ends of minutes: a CountSource over one that counts edges.

A slice, a sample of a query and a slice of a composite are events at a moment t, a whole minute;
they count in a window [from, to) when from < t <= to. Days that are over are kept for a while, so
that a month is not computed for every look at it. Indicators on edges pass through, all at once.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from threading import Lock
from typing import Final, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from slo.model import (
    MINUTE_S,
    AvailabilitySli,
    CodeSli,
    Composite,
    EdgeSli,
    LatencySli,
    LeafSli,
    QuerySli,
    RawSli,
    Sli,
    Slices,
    ThresholdSli,
    weight_parts,
)
from slo.sources import EdgeSource, Window
from slo.sources.match import steps_within_total
from slo.sources.slices import Ints, ends_in, jointly, judged, summed
from slo.sources.spans import overlap_s
from slo.tape import cut

DAY_S: Final = 86_400
SETTLED_S: Final = 3_600
"""A day is kept once it is over for so long: what comes later is seen when it is read anew."""
FRESH_S: Final = 900
OLD_S: Final = 2 * DAY_S
OLD_FRESH_S: Final = 6 * 3_600
"""Days are read anew after a quarter of an hour; old ones, which only an import changes, later."""
_DAY: Final = DAY_S // MINUTE_S
_KEPT_DAYS: Final = 4_000
"""At 23 kB each, less than 100 MB."""
_BUCKET_S: Final = 10

QuerySlis = QuerySli | RawSli | ThresholdSli


class QueryRows(Protocol):
    """Events that PromQL tells."""

    def first_s(self) -> int | None:
        """Return since when there is anything to ask; None: nothing."""
        ...

    def rows(self, sli: QuerySlis, from_s: int, to_s: int) -> Ints:
        """Return good and total of the minutes in [from_s, to_s) of one UTC day."""
        ...


@dataclass(slots=True)
class Days:
    """Days that are over, by indicator: at most so many, and none for longer than some minutes."""

    limit: int = _KEPT_DAYS
    _rows: "OrderedDict[tuple[object, ...], tuple[int, Ints]]" = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, key: tuple[object, ...], at_s: int, fresh_s: int) -> Ints | None:
        """Return what was computed about this moment, and not longer ago than that."""
        with self._lock:
            made_s, rows = self._rows.get(key, (0, None))
            if rows is None or abs(at_s - made_s) > fresh_s:
                return None
            self._rows.move_to_end(key)
            return rows

    def put(self, key: tuple[object, ...], at_s: int, rows: Ints) -> None:
        """Keep rows, and forget those that were not asked for the longest."""
        with self._lock:
            self._rows[key] = at_s, rows
            self._rows.move_to_end(key)
            while len(self._rows) > self.limit:
                self._rows.popitem(last=False)


class MinuteSource:
    """A CountSource; ``spans`` are what ``edges`` was corrected by, ``now_s`` is when it is asked.

    Nothing is measured before ``edges`` first kept anything.
    """

    def __init__(
        self,
        edges: EdgeSource,
        ask: Callable[[], QueryRows] | None,
        now_s: int,
        *,
        spans: Sequence[Window] = (),
        days: Days | None = None,
    ) -> None:
        self._edges, self._ask = edges, ask
        self._now_s, self._spans = now_s, tuple(spans)
        self._days = days or Days()
        self._kept: dict[int, int] | None = None
        self._queries: QueryRows | None = None

    def counts(self, slis: Sequence[Sli], windows: Sequence[Window]) -> NDArray[np.int64]:
        """Return good and total, shaped (len(slis), len(windows), 2)."""
        found = self.tallies(slis, windows)
        found[..., 0] = np.clip(found[..., 0], 0, found[..., 1])
        return found

    def tallies(self, slis: Sequence[Sli], windows: Sequence[Window]) -> NDArray[np.int64]:
        """Return the same as they were counted."""
        found = np.zeros((len(slis), len(windows), 2), dtype=np.int64)
        plain = [(place, sli) for place, sli in enumerate(slis) if is_edge(sli)]
        if plain:
            found[[place for place, _ in plain]] = self._edges.tallies(
                [sli for _, sli in plain if is_edge(sli)], windows
            )
        for place, sli in enumerate(slis):
            if not is_edge(sli):
                found[place] = self._windows(sli, windows)
        return found

    def series(self, sli: Sli, from_s: int, to_s: int, step_s: int) -> NDArray[np.int64]:
        """Return rows of (bucket_s, good, total), one per step that touches [from_s, to_s)."""
        rows = self.steps(sli, from_s, to_s, step_s)
        rows[:, 1:] = steps_within_total(rows[:, 1:])
        return rows

    def steps(self, sli: Sli, from_s: int, to_s: int, step_s: int) -> NDArray[np.int64]:
        """Return the rows of ``series`` as they were counted: each event in the step it ends in."""
        if is_edge(sli):
            return self._edges.steps(sli, from_s, to_s, step_s)
        first = from_s // step_s
        slots = max(-(-to_s // step_s) - first, 0)
        found = np.zeros((slots, 3), dtype=np.int64)
        found[:, 0] = (first + np.arange(slots, dtype=np.int64)) * step_s
        begin, rows = self._measured(sli, from_s // MINUTE_S, to_s // MINUTE_S)
        ends_s = (begin + 1 + np.arange(len(rows), dtype=np.int64)) * MINUTE_S
        np.add.at(found[:, 1:], (ends_s - _BUCKET_S) // step_s - first, rows)
        return found

    def many_steps(
        self, slis: Sequence[Sli], from_s: int, to_s: int, step_s: int
    ) -> NDArray[np.int64]:
        """Return what ``steps`` counts for many indicators: those on edges all at once."""
        found = np.zeros((len(slis), (to_s - from_s) // step_s, 2), dtype=np.int64)
        plain = [(place, sli) for place, sli in enumerate(slis) if is_edge(sli)]
        if plain:
            found[[place for place, _ in plain]] = self._edges.many_steps(
                [sli for _, sli in plain if is_edge(sli)], from_s, to_s, step_s
            )
        for place, sli in enumerate(slis):
            if not is_edge(sli):
                found[place] = self.steps(sli, from_s, to_s, step_s)[:, 1:]
        return found

    def kept_from_s(self) -> dict[int, int]:
        """Return since when buckets of each length are known."""
        if self._kept is None:
            self._kept = self._edges.kept_from_s()
        return self._kept

    def covered_s(self, windows: Sequence[Window]) -> NDArray[np.int64]:
        """Return how many seconds of each window were measured and count."""
        asked = None if self._queries is None else self._queries.first_s()
        if asked is not None and not self.kept_from_s():
            return overlap_s(windows, (asked, self._now_s))
        return self._edges.covered_s(windows)

    def _windows(self, sli: Sli, windows: Sequence[Window]) -> Ints:
        if not windows:
            return np.zeros((0, 2), dtype=np.int64)
        marks = np.array(windows, dtype=np.int64) // MINUTE_S
        begin, rows = self._measured(sli, int(marks[:, 0].min()), int(marks[:, 1].max()))
        sums = np.zeros((len(rows) + 1, 2), dtype=np.int64)
        np.cumsum(rows, axis=0, out=sums[1:])
        places = np.clip(marks - begin, 0, len(rows))
        counted: Ints = sums[places[:, 1]] - sums[places[:, 0]]
        return counted

    def _measured(self, sli: Sli, first: int, last: int) -> tuple[int, Ints]:
        """Return the rows of the minutes [first, last) from the first that was measured on."""
        since = self._since_s(sli)
        begin = last if since is None else max(first, since // MINUTE_S)
        if begin >= last:
            return first, np.zeros((0, 2), dtype=np.int64)
        return begin, np.concatenate(self._days_of(sli, begin, last))[begin % _DAY :]

    def _days_of(self, sli: Sli, begin: int, last: int) -> list[Ints]:
        """Return the minutes of whole UTC days, the last perhaps cut; kept ones are not read."""
        spans = [
            (number * _DAY, min((number + 1) * _DAY, last))
            for number in range(begin // _DAY, -(-last // _DAY))
        ]
        found = [self._get(sli, span) for span in spans]
        place = 0
        for is_missing, run in groupby(found, key=lambda rows: rows is None):
            count = len(list(run))
            if is_missing:
                wanted = spans[place : place + count]
                found[place : place + count] = self._read(sli, wanted)
            place += count
        return [rows for rows in found if rows is not None]

    def _read(self, sli: Sli, spans: Sequence[tuple[int, int]]) -> list[Ints]:
        """Read days that follow each other at once, and keep those that are over."""
        first, last = spans[0][0], spans[-1][1]
        rows = self._rows(sli, first * MINUTE_S, last * MINUTE_S)
        parts = [rows[begin - first : end - first].copy() for begin, end in spans]
        for span, part in zip(spans, parts, strict=True):
            if self._is_settled(span):
                self._days.put((sli, self._spans, span[0]), self._now_s, part)
        return parts

    def _get(self, sli: Sli, span: tuple[int, int]) -> Ints | None:
        if not self._is_settled(span):
            return None
        old_s = self._now_s - span[1] * MINUTE_S
        fresh_s = FRESH_S if old_s < OLD_S else OLD_FRESH_S
        return self._days.get((sli, self._spans, span[0]), self._now_s, fresh_s)

    def _is_settled(self, span: tuple[int, int]) -> bool:
        return span[1] - span[0] == _DAY and span[1] * MINUTE_S <= self._now_s - SETTLED_S

    def _since_s(self, sli: Sli) -> int | None:
        """Return since when there is anything that an indicator could count."""
        match sli:
            case Slices(of=of):
                return self._since_s(of)
            case Composite(members=members):
                found = (self._since_s(member.sli) for member in members)
                return min((mark for mark in found if mark is not None), default=None)
            case QuerySli() | RawSli() | ThresholdSli():
                queries = self._asking()
                return None if queries is None else queries.first_s()
            case _:
                return min(self.kept_from_s().values(), default=None)

    def _asking(self) -> QueryRows | None:
        if self._queries is None and self._ask is not None:
            self._queries = self._ask()
        return self._queries

    def _rows(self, sli: Sli, from_s: int, to_s: int) -> Ints:
        """Return good and total of each minute: of the events at its end."""
        match sli:
            case Slices():
                return self._slices(sli, from_s, to_s)
            case Composite(members=members):
                rows = [self._rows(member.sli, from_s, to_s) for member in members]
                return _composed(sli, rows)
            case QuerySli() | RawSli() | ThresholdSli():
                return self._asked(sli, from_s, to_s)
            case _:
                found: Ints = self._edges.steps(sli, from_s, to_s, MINUTE_S)[:, 1:]
                return found

    def _slices(self, sli: Slices, from_s: int, to_s: int) -> Ints:
        found = np.zeros(((to_s - from_s) // MINUTE_S, 2), dtype=np.int64)
        first_end, beyond = ends_in(from_s, to_s, sli.seconds)
        begin, end = first_end - sli.seconds, beyond - sli.seconds
        for piece in cut(self.kept_from_s(), (begin, end), sli.seconds):
            if piece.step_s != sli.seconds or is_query(sli.of):
                continue
            known_s = -(-piece.from_s // sli.seconds) * sli.seconds
            self._judge(sli, known_s, end, found, from_s)
        if is_query(sli.of):
            self._judge(sli, begin, end, found, from_s)
        return found

    def _judge(self, sli: Slices, begin: int, end: int, found: Ints, from_s: int) -> None:
        """Put the slices of [begin, end) where they end."""
        if begin >= end:
            return
        places = (np.arange(begin, end, sli.seconds) + sli.seconds - from_s) // MINUTE_S - 1
        found[places] = judged(sli, self._sums(sli.of, begin, end, sli.seconds))

    def _sums(self, sli: LeafSli, begin: int, end: int, seconds: int) -> Ints:
        """Return good and total of each slice of [begin, end), which are whole."""
        if is_edge(sli):
            counted: Ints = self._edges.steps(sli, begin, end, seconds)[:, 1:]
            return counted
        minutes = begin // MINUTE_S, end // MINUTE_S
        first, rows = self._measured(sli, *minutes)
        whole = np.zeros((minutes[1] - minutes[0], 2), dtype=np.int64)
        if len(rows):
            whole[first - minutes[0] :] = rows
        sums: Ints = whole.reshape(-1, seconds // MINUTE_S, 2).sum(axis=1)
        return sums

    def _asked(self, sli: QuerySlis, from_s: int, to_s: int) -> Ints:
        """Return the rows of a query, without the minutes that are corrected."""
        found = np.zeros(((to_s - from_s) // MINUTE_S, 2), dtype=np.int64)
        queries = self._asking()
        if queries is None:
            return found
        for day_s in range(from_s // DAY_S * DAY_S, to_s, DAY_S):
            begin, end = max(day_s, from_s), min(day_s + DAY_S, to_s)
            place = (begin - from_s) // MINUTE_S
            rows = queries.rows(sli, begin, end)
            found[place : place + len(rows)] = rows
        for begin, end in self._spans:
            low, high = (max(mark - from_s, 0) // MINUTE_S for mark in (begin, end))
            found[low:high] = 0
        return found


def is_edge(sli: Sli) -> TypeGuard[EdgeSli]:
    """Tell whether an indicator counts requests of the mesh."""
    return isinstance(sli, AvailabilitySli | LatencySli | CodeSli)


def is_query(sli: Sli) -> TypeGuard[QuerySlis]:
    """Tell whether an indicator is told by PromQL."""
    return isinstance(sli, QuerySli | RawSli | ThresholdSli)


def _composed(sli: Composite, rows: Sequence[Ints]) -> Ints:
    slices = [member.sli for member in sli.members if isinstance(member.sli, Slices)]
    if slices and all(one.target is not None for one in slices):
        return jointly(rows)
    weighted = [(found, one.weight) for found, one in zip(rows, sli.members, strict=True)]
    if slices:
        return summed(weighted)
    parts = weight_parts(sli)
    total = sum((found[:, 1] * parts for found, _ in weighted), np.zeros(len(rows[0]), np.int64))
    bad = sum(
        ((found[:, 1] - found[:, 0]) * int(weight * parts) for found, weight in weighted),
        np.zeros(len(rows[0]), np.int64),
    )
    return np.column_stack([total - bad, total])
