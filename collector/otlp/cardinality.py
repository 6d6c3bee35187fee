"""How many series a metric, a service and its edges may have, and what else goes to the overflow.

Counts the series that were active within a day or two, so that a process that restarts does not
use up its limit for ever. Never drops a point: the caller sends those of a refused series to the
overflow series (``overflow``). A series that is in already stays in.
Spec: https://opentelemetry.io/docs/specs/otel/metrics/sdk/#cardinality-limits
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

OVERFLOW_KEY: Final = "otel.metric.overflow"
OVERFLOW_ATTRIBUTES: Final = f'{{"{OVERFLOW_KEY}":true}}'
METRIC_FULL: Final = "point of a new series in the overflow series: its metric has too many"
SERVICE_FULL: Final = "point of a new series in the overflow series: its service has too many"
GENERATION_NS: Final = 24 * 3600 * 10**9

Owner = tuple[str, str]
"""Service and metric name."""


@dataclass(frozen=True, slots=True)
class CardinalityLimits:
    """``per_metric`` is for one metric of one service; ``edges`` for what one service reports."""

    series_per_metric: int = 10_000
    series_per_service: int = 100_000
    edges_per_service: int = 10_000


DEFAULT_LIMITS: Final = CardinalityLimits()


@dataclass(slots=True)
class Cardinality:
    """Active series of each owner: of this day, of the day before, and of the open transaction."""

    limits: CardinalityLimits = DEFAULT_LIMITS
    _current: dict[int, Owner] = field(default_factory=dict)
    _previous: dict[int, Owner] = field(default_factory=dict)
    _pending: dict[int, Owner] = field(default_factory=dict)
    _counts: Counter[Owner] = field(default_factory=Counter)
    _services: Counter[str] = field(default_factory=Counter)
    _begun_ns: int = 0

    def refusal(self, owner: Owner) -> str | None:
        """Return why a new series of this owner is not to be, None if it may."""
        if self._counts[owner] >= self.limits.series_per_metric:
            return METRIC_FULL
        if self._services[owner[0]] >= self.limits.series_per_service:
            return SERVICE_FULL
        return None

    def is_active(self, series_id: int) -> bool:
        """Tell whether a series has had a committed point in this generation."""
        return series_id in self._current

    def touch(self, series_id: int, owner: Owner) -> None:
        """Note a point of a series."""
        if series_id in self._current or series_id in self._pending:
            return
        self._pending[series_id] = owner
        if series_id not in self._previous:
            self._count(owner, 1)

    def commit(self, now_ns: int) -> None:
        """Keep what was touched; forget what was not for a day."""
        self._current |= self._pending
        self._pending.clear()
        if now_ns - self._begun_ns < GENERATION_NS:
            return
        self._begun_ns = now_ns
        for series_id, owner in self._previous.items():
            if series_id not in self._current:
                self._count(owner, -1)
        self._previous, self._current = self._current, {}

    def rollback(self) -> None:
        """Forget what was touched since the last commit."""
        for series_id, owner in self._pending.items():
            if series_id not in self._previous:
                self._count(owner, -1)
        self._pending.clear()

    def _count(self, owner: Owner, by: int) -> None:
        self._counts[owner] += by
        self._services[owner[0]] += by
        if not self._counts[owner]:
            del self._counts[owner]
        if not self._services[owner[0]]:
            del self._services[owner[0]]
