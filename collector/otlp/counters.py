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
  the baseline.

Delta temporality has no state and does not come here.
Spec: https://opentelemetry.io/docs/specs/otel/metrics/data-model/#sums
"""

from dataclasses import dataclass, field
from typing import Final

NEWBORN_NS: Final = 600 * 10**9
"""An exporter this young at its first point has not counted for anybody else."""
SAME_EXPORT_NS: Final = 10**9
"""Points of one export may differ this much in time; large exports come in several requests."""

Values = tuple[int, ...]
"""(value,) of a sum, the bucket counts of a histogram."""


@dataclass(frozen=True, slots=True)
class Last:
    """The last point of a series and start."""

    time_ns: int
    values: Values


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
        key = series, start_ns
        last = self._new_last.get(key) or self._last.get(key)
        if last is not None and time_ns <= last.time_ns:
            return (0,) * len(values)
        self._new_last[key] = Last(time_ns, values)
        if last is None:
            is_news = self._is_news(resource, start_ns, time_ns)
            return values if is_news else (0,) * len(values)
        if len(last.values) != len(values) or any(map(int.__lt__, values, last.values)):
            return values
        return tuple(map(int.__sub__, values, last.values))

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

    def _exporter(self, resource: int, start_ns: int) -> Exporter | None:
        key = resource, start_ns
        return self._new_exporters.get(key) or self._exporters.get(key)

    def _is_news(self, resource: int, start_ns: int, time_ns: int) -> bool:
        exporter = self._exporter(resource, start_ns)
        if exporter is None:
            return False
        return exporter.is_news or time_ns >= exporter.first_ns + SAME_EXPORT_NS
