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

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from collector.otlp.batch import Batch, Series

LATE: Final = "point not later than the newest of its series"
OVERLAP: Final = "delta point whose interval overlaps that of another"
FUTURE: Final = "point of more than 24 h in the future"
FUTURE_NS: Final = 24 * 3600 * 10**9
_DELTA: Final = 1


@dataclass(slots=True)
class Arrivals:
    """The newest time of each series, by its id, and what the open transaction has overwritten."""

    _newest: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1024, np.int64))
    _before: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = field(default_factory=list)

    def observe(
        self, batch: Batch, series: Sequence[Series], series_ids: Sequence[int], now_ns: int
    ) -> Counter[str]:
        """Take the points of a batch; return what is odd about them, counted by reason."""
        odd: Counter[str] = Counter()
        ids = np.asarray(series_ids, np.int64)
        is_delta = np.fromiter((one.temporality == _DELTA for one in series), np.bool_, len(series))
        self._make_room(int(ids.max(initial=0)))
        for table in (batch.points, batch.histograms, batch.exponentials, batch.summaries):
            if len(table):
                self._observe(table, ids, is_delta, now_ns, odd)
        return +odd

    def commit(self) -> None:
        """Keep what was observed since the last commit."""
        self._before.clear()

    def rollback(self) -> None:
        """Forget what was observed since the last commit."""
        while self._before:
            ids, times = self._before.pop()
            self._newest[ids] = times

    def _observe(
        self,
        table: pa.Table,
        ids: NDArray[np.int64],
        is_delta: NDArray[np.bool_],
        now_ns: int,
        odd: Counter[str],
    ) -> None:
        positions = table["series"].to_numpy()
        times, starts = table["time_ns"].to_numpy(), table["start_ns"].to_numpy()
        found = ids[positions]
        newest = self._newest_before(found, times)
        is_late = times <= newest
        odd[LATE] += int(is_late.sum())
        odd[OVERLAP] += int(((starts > 0) & (starts < newest) & is_delta[positions]).sum())
        odd[FUTURE] += int((times > now_ns + FUTURE_NS).sum())
        self._before.append((found, self._newest[found]))
        np.maximum.at(self._newest, found, times)

    def _newest_before(
        self, found: NDArray[np.int64], times: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the newest time of each point's series before the point, row by row."""
        newest = self._newest[found]
        order = np.argsort(found, kind="stable")
        same = np.flatnonzero(found[order][1:] == found[order][:-1])
        for place in same.tolist():
            earlier, later = order[place], order[place + 1]
            newest[later] = max(newest[earlier], times[earlier])
        return newest

    def _make_room(self, last: int) -> None:
        if last >= len(self._newest):
            room = np.zeros(max(last + 1, 2 * len(self._newest)), np.int64)
            room[: len(self._newest)] = self._newest
            self._newest = room
