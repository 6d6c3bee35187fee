"""The series that edges become in every family: an index of them, fed by the store's edges.

Never reads a count. Edges are read once and only new ones after that. Several edges may count in
one series, and one edge in several.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb

from collector.edges import SIGNALS, Edge, is_error
from collector.prometheus.families import Family
from collector.prometheus.index import LabelIndex
from collector.prometheus.names import METRIC_NAME, as_labels
from collector.promql.samples import Labels, Matcher


@dataclass(frozen=True, slots=True)
class Counting:
    """An edge that counts in a series: its place in the order of precedence, and its result."""

    edge_id: int
    rank: int
    is_error: bool


@dataclass(slots=True)
class EdgeSeries:
    """One series but for ``le``, and the edges that count in it."""

    labels: Labels
    family: Family
    edges: list[Counting]

    @property
    def open_label(self) -> str | None:
        """``le`` of buckets, which come with the counts."""
        return "le" if self.family.measure == "buckets" else None


@dataclass(slots=True)
class EdgeIndex:
    """All series derived from edges. Safe to use from several threads."""

    families: Sequence[Family]
    index: LabelIndex = field(default_factory=LabelIndex)
    _series: list[EdgeSeries] = field(default_factory=list)
    _next_edge: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def refresh(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Take in the edges that are new; the namespace of a service is the first it told."""
        with self._lock:
            rows = cursor.execute(
                "SELECT edge_id, canonical, workload, reporter, source, destination, version,"
                " route, code, flags, mtls, signal FROM edges WHERE edge_id >= ? ORDER BY ALL",
                [self._next_edge],
            ).fetchall()
            if not rows:
                return
            namespaces: dict[str, str] = dict(
                cursor.execute(
                    "SELECT service, min_by(namespace, resource_id) FROM resources"
                    " WHERE namespace <> '' GROUP BY ALL"
                ).fetchall()
            )
            for edge_id, canonical, workload, *row in rows:
                self._next_edge = edge_id + 1
                edge = replace(Edge(*row), workload=workload)
                counting = Counting(edge_id, SIGNALS.index(edge.signal), is_error(edge.code))
                for family in self.families:
                    if canonical or family.measure == "arrivals":
                        namespace = namespaces.get(edge.destination, "")
                        self._add(counting, family, family.labels(edge, namespace))

    def find(self, matchers: Sequence[Matcher]) -> list[EdgeSeries]:
        """Return the series that fit; those of buckets may still not."""
        with self._lock:
            return [self._series[number] for number in self.index.find(matchers).tolist()]

    def _add(
        self, counting: Counting, family: Family, label_sets: Iterable[Mapping[str, str]]
    ) -> None:
        for told in label_sets:
            labels = as_labels({**told, METRIC_NAME: family.name})
            series = EdgeSeries(labels, family, [counting])
            number = self.index.add(labels, open_label=series.open_label)
            if number is None:
                known = self._series[self.index.number(labels) or 0]
                known.edges = [*known.edges, counting]
            else:
                self._series.append(series)
