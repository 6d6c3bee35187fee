"""What may come in: series within their limits, odd points counted, all warnings in one place.

The series of a batch get their ids here; those that are too many get an overflow series. Never
writes and never drops a count. Any thread may read ``warnings`` and ``overflowed``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import duckdb

from collector.otlp.arrivals import FUTURE, LATE, Arrivals
from collector.otlp.batch import Batch, Series
from collector.otlp.cardinality import (
    DEFAULT_LIMITS,
    GENERATION_NS,
    METRIC_FULL,
    OVERFLOW_ATTRIBUTES,
    SERVICE_FULL,
    Cardinality,
    CardinalityLimits,
)
from collector.otlp.overflow import Diverted, Overflow
from collector.store.dictionaries import Dictionaries
from collector.telemetry import Counter as Sums

EDGE_OVERFLOW: Final = "count of a new edge in an overflow row: its service has too many"
OVERFLOW_FORGOTTEN: Final = "overflow series began anew: too many streams behind them"
_MAX_PLACED: Final = 200_000
"""Series that are remembered beside those of the batches; they are made anew when forgotten."""
_LIMITS: Final = {METRIC_FULL: "series_per_metric", SERVICE_FULL: "series_per_service"}
"""Reason of a refusal -> field of ``CardinalityLimits``."""
_UNTOLD: Final = frozenset({LATE, FUTURE})
"""No sender can do anything about the first; the receiver tells of the second."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch for the tables with the ids of its series, and the one that is counted.

    ``warnings`` are those for the sender, by reason, beyond the decoder's.
    """

    stored: Batch
    series_ids: list[int]
    counted: Batch
    series: tuple[Series, ...]
    warnings: Mapping[str, int]


class Gate:
    """Limits and warnings, undone with their transaction."""

    def __init__(
        self, dictionaries: Dictionaries, limits: CardinalityLimits = DEFAULT_LIMITS
    ) -> None:
        self.dictionaries = dictionaries
        self.cardinality = Cardinality(limits)
        self.overflow = Overflow()
        self.arrivals = Arrivals()
        self.warnings: Mapping[str, int] = {}
        """Counts by reason since the start; replaced, never changed."""
        self.overflowed = Sums()
        """What was too much since the start: (limit, service, metric; '' for edges) -> counts."""
        self._pending: Counter[str] = Counter()
        self._refused: Counter[tuple[str, str, str]] = Counter()
        self._series: dict[int, dict[Series, Series]] = {}
        self._placed_series = 0
        dictionaries.edges.limit = limits.edges_per_service

    def take(self, batch: Batch, resources: Sequence[int], now_ns: int) -> Taken:
        """Give ids to the series of a batch; ``resources`` are the ids of its resources."""
        series = self._placed(batch.series, resources)
        for heard in batch.heard:
            self.overflow.counters.hear(resources[heard.resource], heard.start_ns, heard.time_ns)
        warnings: Counter[str] = Counter()
        series_ids = self._admit(batch, series, warnings)
        refused = frozenset(position for position, one in enumerate(series_ids) if one < 0)
        taken = (
            self.overflow.divert(batch, series, refused)
            if refused
            else Diverted(batch, series, batch, series)
        )
        targets = taken.series[len(series) :]
        series_ids += [self.dictionaries.series.id_of(target) for target in targets]
        warnings += self.arrivals.observe(taken.stored, taken.series, series_ids, now_ns)
        self._pending += warnings
        self._pending += Counter(batch.warnings)
        told = {reason: count for reason, count in warnings.items() if reason not in _UNTOLD}
        return Taken(taken.stored, series_ids, taken.counted, taken.own, told)

    def commit(self, now_ns: int) -> None:
        """Keep what was taken since the last commit."""
        self.cardinality.commit(now_ns)
        self.arrivals.commit()
        edges = self.dictionaries.edges
        self._pending[EDGE_OVERFLOW] += edges.overflowed.total()
        self._pending[OVERFLOW_FORGOTTEN] += self.overflow.commit()
        for service, number in edges.overflowed.items():
            self.overflowed.add(("edges_per_service", service, ""), number)
        for owner, number in self._refused.items():
            self.overflowed.add(owner, number)
        edges.overflowed.clear()
        self._refused.clear()
        if +self._pending:
            self.warnings = Counter(self.warnings) + self._pending
        self._pending.clear()

    def rollback(self) -> None:
        """Forget what was taken since the last commit."""
        self.cardinality.rollback()
        self.arrivals.rollback()
        self.overflow.counters.rollback()
        self.dictionaries.edges.overflowed.clear()
        self._pending.clear()
        self._refused.clear()

    def load(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Take the series that had points in the last day of the file as the active ones."""
        parts = " UNION ALL ".join(
            f"SELECT series_id FROM {table} WHERE time_ns > ?"
            for table in ("metric_points", "histogram_points", "exponential_points")
        )
        newest = cursor.execute("SELECT max(time_ns) FROM metric_points").fetchone()
        since_ns = (newest[0] if newest and newest[0] else 0) - GENERATION_NS
        for series_id, service, name in cursor.execute(
            "SELECT DISTINCT series_id, service, name FROM metric_series"
            f" JOIN resources USING (resource_id) SEMI JOIN ({parts}) USING (series_id)"
            " WHERE metric_series.attributes::VARCHAR <> ?",
            [since_ns, since_ns, since_ns, OVERFLOW_ATTRIBUTES],
        ).fetchall():
            self.cardinality.touch(series_id, (service, name))
        self.cardinality.commit(0)

    def _placed(self, series: Sequence[Series], resources: Sequence[int]) -> tuple[Series, ...]:
        """Return series with the ids of their resources, the same objects as the time before."""
        if self._placed_series > _MAX_PLACED:
            self._series.clear()
            self._placed_series = 0
        found = []
        for one in series:
            resource = resources[one.resource]
            known = self._series.setdefault(resource, {})
            placed = known.get(one)
            if placed is None:
                placed = known[one] = replace(one, resource=resource)
                self._placed_series += 1
            found.append(placed)
        return tuple(found)

    def _admit(self, batch: Batch, series: Sequence[Series], warnings: Counter[str]) -> list[int]:
        """Return the ids of series; -1 of the new ones that are too many."""
        ids = self.dictionaries.series
        services = [resource.service for resource in batch.resources]
        found: list[int] = []
        for local, one in zip(batch.series, series, strict=True):
            known = ids.find(one)
            if known is not None and self.cardinality.is_active(known):
                found.append(known)
                continue
            owner = services[local.resource], one.name
            reason = self.cardinality.refusal(owner) if known is None else None
            if reason is not None:
                warnings[reason] += 1
                self._refused[_LIMITS[reason], *owner] += 1
                found.append(-1)
                continue
            series_id = ids.id_of(one) if known is None else known
            if one.attributes != OVERFLOW_ATTRIBUTES:
                self.cardinality.touch(series_id, owner)
            found.append(series_id)
        return found
