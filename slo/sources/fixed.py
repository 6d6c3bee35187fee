"""Counts from rows in memory: the plain twin of ``edges``, for tests and examples.

One loop over all rows per question, in Python integers: slow and easy to believe.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collector.edges import is_error, latency_bucket
from slo.latency import threshold_bucket
from slo.model import CodeSli, EdgeSelector, EdgeSli, LatencySli
from slo.sources import Window
from slo.sources.spans import overlap_s


@dataclass(frozen=True, slots=True)
class FixedRow:
    """Requests of one edge in one bucket of 10 s that ended alike; no latency: they had no end."""

    bucket_s: int
    destination: str
    requests: int
    code: int = 200
    latency_ms: float | None = 1.0
    source: str = "external"
    route: str = ""
    version: str = ""


class FixedCountSource:
    """An EdgeSource over given rows; the measured span is theirs unless it is given."""

    def __init__(self, rows: Iterable[FixedRow], *, measured: Window | None = None) -> None:
        self._rows = tuple(rows)
        times = [row.bucket_s for row in self._rows]
        self._measured = measured or ((min(times), max(times) + 10) if times else None)

    def counts(self, slis: Sequence[EdgeSli], windows: Sequence[Window]) -> NDArray[np.int64]:
        """Return good and total, shaped (len(slis), len(windows), 2)."""
        cells = [[self._count(sli, *window) for window in windows] for sli in slis]
        return np.array(cells, dtype=np.int64).reshape(len(slis), len(windows), 2)

    def tallies(self, slis: Sequence[EdgeSli], windows: Sequence[Window]) -> NDArray[np.int64]:
        """Return the same as ``counts``: a row is good or it is not."""
        return self.counts(slis, windows)

    def series(self, sli: EdgeSli, from_s: int, to_s: int, step_s: int) -> NDArray[np.int64]:
        """Return rows of (bucket_s, good, total), one per step that touches [from_s, to_s)."""
        rows = [
            (start, *self._count(sli, max(start, from_s), min(start + step_s, to_s)))
            for start in range(from_s // step_s * step_s, to_s, step_s)
        ]
        return np.array(rows, dtype=np.int64).reshape(-1, 3)

    def steps(self, sli: EdgeSli, from_s: int, to_s: int, step_s: int) -> NDArray[np.int64]:
        """Return the same as ``series``: a row is good or it is not."""
        return self.series(sli, from_s, to_s, step_s)

    def many_steps(
        self, slis: Sequence[EdgeSli], from_s: int, to_s: int, step_s: int
    ) -> NDArray[np.int64]:
        """Return the steps of each indicator, one after the other."""
        return np.array([self.steps(sli, from_s, to_s, step_s)[:, 1:] for sli in slis])

    def kept_from_s(self) -> dict[int, int]:
        """Return the start of the rows: each bucket of 10 s is known."""
        return {} if self._measured is None else {10: self._measured[0] // 10 * 10}

    def covered_s(self, windows: Sequence[Window]) -> NDArray[np.int64]:
        """Return how many seconds of each window lie in the measured span."""
        return overlap_s(windows, self._measured)

    def _count(self, sli: EdgeSli, from_s: int, to_s: int) -> tuple[int, int]:
        rows = [
            row
            for row in self._rows
            if from_s <= row.bucket_s < to_s
            and _matches(sli.edges, row)
            and not (isinstance(sli, CodeSli) and not sli.counted.hold(row.code))
        ]
        good = sum(row.requests for row in rows if _is_good(sli, row))
        return good, sum(row.requests for row in rows)


def _matches(edges: EdgeSelector, row: FixedRow) -> bool:
    return (
        edges.destination == row.destination
        and edges.source in {None, row.source}
        and edges.route in {None, row.route}
        and edges.version in {None, row.version}
        and (not edges.consumers or row.source in edges.consumers)
    )


def _is_good(sli: EdgeSli, row: FixedRow) -> bool:
    if isinstance(sli, CodeSli):
        return not sli.bad.hold(row.code)
    if is_error(row.code):
        return False
    if not isinstance(sli, LatencySli):
        return True
    return row.latency_ms is not None and latency_bucket(row.latency_ms * 1e3) <= threshold_bucket(
        sli.threshold_ms
    )
