"""The graph of a time range, as the API, the stream and the pages show it.

Time before the first data is not counted as silence: the range is cut to what was measured, so
that rates are right from the first minute on. All readers of one moment share one scan.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from collector.store import reader
from collector.store.store import Store
from collector.topology import Graph, GraphEdge, GraphNode, graph
from dashboards.web.timerange import TimeRange
from slo.evaluate import BUCKET_S

KEPT_S: Final = 1.0
"""For how long one scan answers everyone who asks for the same range."""


@dataclass(frozen=True, slots=True)
class TopologyView:
    """What ``/api/topology`` answers and what the stream sends."""

    from_s: int
    to_s: int
    rps_total: float
    last_bucket_s: int | None
    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]


def view_of(shown: Graph, last_bucket_s: int | None) -> TopologyView:
    """Add what the page needs beside the graph."""
    requests = sum(edge.requests for edge in shown.edges)
    rps_total = requests / max(shown.to_s - shown.from_s, 1)
    return TopologyView(
        shown.from_s, shown.to_s, rps_total, last_bucket_s, shown.nodes, shown.edges
    )


def measured(asked: TimeRange, first_bucket_s: int | None) -> TimeRange:
    """Cut the time before the first data off; a range wholly before it stays as it is."""
    if first_bucket_s is None or first_bucket_s >= asked.to_s:
        return asked
    return replace(asked, from_s=max(asked.from_s, first_bucket_s - first_bucket_s % BUCKET_S))


def read_view(store: Store, asked: TimeRange) -> TopologyView:
    """Scan the store once for this range."""
    with store.snapshot() as cursor:
        seen = measured(asked, reader.first_bucket_s(cursor))
        shown = graph(cursor, seen.from_s, seen.to_s)
        return view_of(shown, reader.last_bucket_s(cursor))


class SharedViews:
    """Answers many readers of one moment from one scan; the rest wait for it."""

    def __init__(
        self,
        store: Store,
        *,
        kept_s: float = KEPT_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._kept_s = kept_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._views: dict[tuple[int, int], tuple[float, TopologyView]] = {}

    def read(self, asked: TimeRange) -> TopologyView:
        """Return the view of the range, at most ``kept_s`` old."""
        key = (asked.from_s, asked.to_s)
        with self._lock:
            self._forget()
            if key not in self._views:
                self._views[key] = (self._monotonic(), read_view(self._store, asked))
            return self._views[key][1]

    def _forget(self) -> None:
        oldest = self._monotonic() - self._kept_s
        self._views = {key: kept for key, kept in self._views.items() if kept[0] > oldest}
