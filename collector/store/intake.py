"""What may come in: series within their limits, odd points counted, all warnings in one place.

The series of a batch get their ids here; those that are too many get an overflow series. Never
writes and never drops a count. ``warnings`` is a plain mapping that any thread may read.
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
    OVERFLOW_ATTRIBUTES,
    Cardinality,
    CardinalityLimits,
)
from collector.otlp.overflow import Diverted, Overflow
from collector.store.dictionaries import Dictionaries

EDGE_OVERFLOW: Final = "count of a new edge in an overflow row: its service has too many"
OVERFLOW_FORGOTTEN: Final = "overflow series began anew: too many streams behind them"
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


class Intake:
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
        self._pending: Counter[str] = Counter()
        dictionaries.edges.limit = limits.edges_per_service

    def take(self, batch: Batch, resources: Sequence[int], now_ns: int) -> Taken:
        """Give ids to the series of a batch; ``resources`` are the ids of its resources."""
        series = tuple(replace(one, resource=resources[one.resource]) for one in batch.series)
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
        self._pending[EDGE_OVERFLOW] += edges.overflowed
        self._pending[OVERFLOW_FORGOTTEN] += self.overflow.commit()
        edges.overflowed = 0
        if +self._pending:
            self.warnings = Counter(self.warnings) + self._pending
        self._pending.clear()

    def rollback(self) -> None:
        """Forget what was taken since the last commit."""
        self.cardinality.rollback()
        self.arrivals.rollback()
        self.overflow.counters.rollback()
        self.dictionaries.edges.overflowed = 0
        self._pending.clear()

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

    def _admit(self, batch: Batch, series: Sequence[Series], warnings: Counter[str]) -> list[int]:
        """Return the ids of series; -1 of the new ones that are too many."""
        ids = self.dictionaries.series
        services = [resource.service for resource in batch.resources]
        found: list[int] = []
        for local, one in zip(batch.series, series, strict=True):
            owner = services[local.resource], one.name
            known = ids.find(one)
            reason = self.cardinality.refusal(owner) if known is None else None
            if reason is not None:
                warnings[reason] += 1
                found.append(-1)
                continue
            series_id = ids.id_of(one) if known is None else known
            if one.attributes != OVERFLOW_ATTRIBUTES:
                self.cardinality.touch(series_id, owner)
            found.append(series_id)
        return found
