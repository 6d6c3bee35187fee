"""Cumulative counters -> deltas: what happened between two exports, under every kind of restart.

A pure state machine, without clock or I/O: points in, deltas out, and nothing holds until
``commit``. Keyed by (series, start time), so that two processes which share an identity do not look
like one that resets all the time.

The rules, for the values of one series and start:

- a later point: the difference; a drop of any value, or another number of buckets, is a reset, and
  the new values count in full;
- a point not later than the last one counts nothing: it is a repeat, or late, and covered already;
- the first point counts in full when all of its count is news. That is so when the exporter (same
  resource and start) has been heard in an earlier export, and the series was not there yet; or
  when it started after we last heard of its predecessor; or when it started within 10 minutes of
  the first point we saw of it. Otherwise we are the newcomers, the value is history, and it becomes
  the baseline; so it does when a last point may have been, but retention has not left it.

Exponential histograms follow the same rules, and are brought to one scale before being compared.
Delta temporality has no state and does not come here.
Spec: https://opentelemetry.io/docs/specs/otel/metrics/data-model/#sums
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from collector.otlp.exponential import Exponential, subtract

NEWBORN_NS: Final = 600 * 10**9
"""An exporter this young at its first point has not counted for anybody else."""
SAME_EXPORT_NS: Final = 10**9
"""Points of one export may differ this much in time; large exports come in several requests."""

Number = TypeVar("Number", int, float)
Values = tuple[int, ...]
"""(value,) of a sum, the bucket counts of a histogram."""
Amount = TypeVar("Amount", tuple[int, ...], tuple[float, ...], Exponential)


@dataclass(frozen=True, slots=True)
class Last:
    """The last point of a series and start, and who exported it."""

    time_ns: int
    values: tuple[int, ...] | tuple[float, ...] | Exponential
    resource: int


@dataclass(frozen=True, slots=True)
class Exporter:
    """When a process was first heard, and whether all it has counted since its start is news."""

    first_ns: int
    is_news: bool


@dataclass(slots=True)
class Counters:
    """State of all cumulative series, in two layers: committed, and of the open transaction."""

    _last: dict[tuple[int, int], Last] = field(default_factory=dict)
    _exporters: dict[tuple[int, int], Exporter] = field(default_factory=dict)
    _heard_ns: dict[int, int] = field(default_factory=dict)
    _floors_ns: dict[int, int] = field(default_factory=dict)
    _new_last: dict[tuple[int, int], Last] = field(default_factory=dict)
    _new_exporters: dict[tuple[int, int], Exporter] = field(default_factory=dict)
    _new_heard_ns: dict[int, int] = field(default_factory=dict)

    def hear(self, resource: int, start_ns: int, time_ns: int) -> None:
        """Note a cumulative point of an exporter, before its points are advanced."""
        heard_ns = self._new_heard_ns.get(resource, self._heard_ns.get(resource))
        if self._exporter(resource, start_ns) is None:
            follows = heard_ns is not None and start_ns >= heard_ns
            newborn = start_ns > 0 and time_ns - start_ns <= NEWBORN_NS
            self._new_exporters[resource, start_ns] = Exporter(time_ns, follows or newborn)
        self._new_heard_ns[resource] = max(time_ns, heard_ns or 0)

    def advance(
        self, series: int, resource: int, start_ns: int, time_ns: int, values: Values
    ) -> Values:
        """Take the next point of a series; return what is new, zeros if nothing."""
        new = self._advance(series, resource, start_ns, time_ns, values, difference)
        return (0,) * len(values) if new is None else new

    def advance_real(
        self, series: int, resource: int, start_ns: int, time_ns: int, value: float
    ) -> float:
        """Take the next point of a sum that is no integer."""
        new = self._advance(series, resource, start_ns, time_ns, (value,), difference)
        return 0.0 if new is None else new[0]

    def advance_exponential(
        self, series: int, resource: int, start_ns: int, time_ns: int, value: Exponential
    ) -> Exponential | None:
        """Take the next point of an exponential histogram; None when nothing is new."""
        return self._advance(series, resource, start_ns, time_ns, value, subtract)

    def load(
        self,
        exporters: Mapping[tuple[int, int], Exporter],
        heard_ns: Iterable[tuple[int, int]],
        floors_ns: Iterable[tuple[int, int]] = (),
    ) -> None:
        """Take what is known of (resource, start) and (resource, when last heard).

        ``floors_ns`` are of the series that had points before what retention has left: of a start
        before its floor, the last point of a series may be forgotten.
        """
        self._exporters = dict(exporters)
        self._heard_ns = dict(heard_ns)
        self._floors_ns = dict(floors_ns)

    def new_exporters(self) -> Mapping[tuple[int, int], Exporter]:
        """Return the exporters, by (resource, start), that the open transaction heard first."""
        return self._new_exporters

    @property
    def streams(self) -> int:
        """Number of series and starts that are remembered."""
        return len(self._last)

    def _advance(
        self,
        series: int,
        resource: int,
        start_ns: int,
        time_ns: int,
        value: Amount,
        minus: Callable[[Amount, Amount], Amount | None],
    ) -> Amount | None:
        key = series, start_ns
        last = self._new_last.get(key) or self._last.get(key)
        if last is not None and time_ns <= last.time_ns:
            return None
        self._new_last[key] = Last(time_ns, value, resource)
        if last is None:
            is_forgotten = start_ns < self._floors_ns.get(series, 0)
            is_news = not is_forgotten and self._is_news(resource, start_ns, time_ns)
            return value if is_news else None
        if last.values == value:
            return None
        if not isinstance(last.values, type(value)):
            return value
        new = minus(value, last.values)
        return value if new is None else new

    def commit(self) -> None:
        """Keep what was advanced since the last commit."""
        self._last |= self._new_last
        self._exporters |= self._new_exporters
        self._heard_ns |= self._new_heard_ns
        self.rollback()

    def rollback(self) -> None:
        """Forget what was advanced since the last commit."""
        self._new_last.clear()
        self._new_exporters.clear()
        self._new_heard_ns.clear()

    def forget(self, before_ns: int) -> set[tuple[int, int]]:
        """Let go of exporters whose last point is older; return their (resource, start).

        All series of one go together: a series alone, forgotten while its exporter lives, would
        count in full when it comes back. An exporter that comes back is a newcomer's baseline.
        Only between transactions.
        """
        latest_ns: dict[tuple[int, int], int] = {}
        for (_, start_ns), last in self._last.items():
            key = last.resource, start_ns
            latest_ns[key] = max(last.time_ns, latest_ns.get(key, 0))
        for key in self._exporters:
            latest_ns.setdefault(key, self._heard_ns.get(key[0], 0))
        dead = {key for key, time_ns in latest_ns.items() if time_ns < before_ns}
        if dead:
            points, exporters = self._last.items(), self._exporters.items()
            self._last = {key: one for key, one in points if (one.resource, key[1]) not in dead}
            self._exporters = {key: one for key, one in exporters if key not in dead}
        return dead

    def _exporter(self, resource: int, start_ns: int) -> Exporter | None:
        key = resource, start_ns
        return self._new_exporters.get(key) or self._exporters.get(key)

    def _is_news(self, resource: int, start_ns: int, time_ns: int) -> bool:
        exporter = self._exporter(resource, start_ns)
        if exporter is None:
            return False
        return exporter.is_news or time_ns >= exporter.first_ns + SAME_EXPORT_NS


def difference(later: tuple[Number, ...], earlier: tuple[Number, ...]) -> tuple[Number, ...] | None:
    """Return later - earlier, None when a value fell or their number changed: a reset."""
    if len(later) != len(earlier) or any(map(operator.lt, later, earlier)):
        return None
    return tuple(map(operator.sub, later, earlier))
