"""How points arrive: late, overlapping, from before 2000, from tomorrow. Counted, never refused.

Late is a point that is not later than the newest of its series; a cumulative one is covered by that
already, a delta still adds to the bucket of its own time. Delta intervals that overlap may count
something twice, and only their sender can mend it. Nothing is remembered across a restart.
Spec: https://opentelemetry.io/docs/specs/otel/metrics/data-model/#overlap
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from collector.otlp.batch import Batch, Series

LATE: Final = "point not later than the newest of its series"
OVERLAP: Final = "delta point whose interval overlaps that of another"
FUTURE: Final = "point of more than 24 h in the future"
FUTURE_NS: Final = 24 * 3600 * 10**9
_DELTA: Final = 1


@dataclass(slots=True)
class Arrivals:
    """The newest time of each series, in two layers: committed, and of the open transaction."""

    _newest: dict[int, int] = field(default_factory=dict)
    _new: dict[int, int] = field(default_factory=dict)

    def observe(
        self, batch: Batch, series: Sequence[Series], series_ids: Sequence[int], now_ns: int
    ) -> Counter[str]:
        """Take the points of a batch; return what is odd about them, counted by reason."""
        odd: Counter[str] = Counter()
        for table in (batch.points, batch.histograms, batch.exponentials, batch.summaries):
            columns = (table[name].to_pylist() for name in ("series", "time_ns", "start_ns"))
            for position, time_ns, start_ns in zip(*columns, strict=True):
                series_id = series_ids[position]
                newest_ns = self._new.get(series_id) or self._newest.get(series_id, 0)
                if time_ns > newest_ns:
                    self._new[series_id] = time_ns
                else:
                    odd[LATE] += 1
                if 0 < start_ns < newest_ns and series[position].temporality == _DELTA:
                    odd[OVERLAP] += 1
                if time_ns > now_ns + FUTURE_NS:
                    odd[FUTURE] += 1
        return odd

    def commit(self) -> None:
        """Keep what was observed since the last commit."""
        self._newest |= self._new
        self._new.clear()

    def rollback(self) -> None:
        """Forget what was observed since the last commit."""
        self._new.clear()
