"""The metric streams of the store as Prometheus series: which there are, and what feeds each.

Never reads a point. Rows of the store are read once and only new ones after that; a series that
has been seen stays, also when retention has taken its points. Streams that get the same labels are
one series: its samples are those of all, in the order of time.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import duckdb

from collector import semconv
from collector.otlp.attributes import text
from collector.prometheus.index import LabelIndex
from collector.prometheus.names import METRIC_NAME, Metric, Naming, as_labels, parsed
from collector.promql.samples import Labels, Matcher
from collector.store.metrics import TABLE_OF_TYPE, PointTable

Part = Literal["value", "native", "custom", "bucket", "sum", "count", "quantile", "info", "seen"]
"""What a series shows of its points, or, the last two, of the resource that exports."""
DELTA: Final = 1
"""OTLP AggregationTemporality."""
TARGET_INFO: Final = "target_info"
LAST_SEEN: Final = "mesh_exporter_last_seen_timestamp_seconds"

_PARTS: Final[dict[str, tuple[tuple[str, Part], ...]]] = {
    "gauge": (("", "value"),),
    "sum": (("", "value"),),
    "histogram": (("_bucket", "bucket"), ("_sum", "sum"), ("_count", "count")),
    "exponential_histogram": (("", "native"),),
    "summary": (("", "quantile"), ("_sum", "sum"), ("_count", "count")),
}
"""Type of a stream -> suffix and part of the series that it feeds."""
_WRITTEN: Final[dict[str, Part]] = {
    "gauge": "value",
    "sum": "value",
    "histogram": "custom",
    "exponential_histogram": "native",
}
"""Type of a stream that a Prometheus wrote -> its part: it has one name and all its labels."""
_OPEN: Final[dict[Part, str]] = {"bucket": "le", "quantile": "quantile"}
_WHOLE: Final[set[Part]] = {"value", "native", "custom"}
"""Parts that are whole samples: one series can have all of them, at different times."""
_TYPES: Final = {"exponential_histogram": "histogram", "sum": "gauge"}


@dataclass(slots=True)
class Series:
    """One series but for its open label. ``streams`` are ids in ``metric_series``, but of
    resources for ``info`` and ``seen``; those in ``deltas`` are to be added up.
    """

    labels: Labels
    part: Part
    table: PointTable
    streams: list[int]
    deltas: set[int]
    others: tuple["Series", ...] = ()
    """Samples of other kinds with the same labels."""
    written: Literal["", "counter", "gauge"] = ""
    """What a Prometheus said of its histograms; '' for what is exported."""

    @property
    def open_label(self) -> str | None:
        """The label that the samples bring: ``le`` or ``quantile``."""
        return _OPEN.get(self.part)


@dataclass(frozen=True, slots=True)
class Described:
    """A metric: its type as Prometheus has it, its unit, and the name it came with."""

    type: str
    unit: str
    name: str


@dataclass(slots=True)
class Streams:
    """All series of the store. Safe to use from several threads."""

    naming: Naming = field(default_factory=Naming)
    index: LabelIndex = field(default_factory=LabelIndex)
    _series: list[Series] = field(default_factory=list)
    _resources: dict[int, dict[str, Any]] = field(default_factory=dict)
    _described: dict[str, set[Described]] = field(default_factory=dict)
    _next_series: int = 0
    _next_resource: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def refresh(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Take in what the store has got since the last time."""
        with self._lock:
            self._add_resources(cursor)
            self._add_streams(cursor)

    def find(self, matchers: Sequence[Matcher]) -> list[Series]:
        """Return the series that fit; those with an open label may still not."""
        with self._lock:
            return [self._series[number] for number in self.index.find(matchers).tolist()]

    def has_name(self, name: str) -> bool:
        """Tell whether some series has this name."""
        with self._lock:
            return self.index.has(METRIC_NAME, name)

    def described(self) -> dict[str, set[Described]]:
        """Return all metrics by name; several exporters may give one name to several things."""
        with self._lock:
            return {name: set(known) for name, known in self._described.items()}

    def _add_resources(self, cursor: duckdb.DuckDBPyConnection) -> None:
        for resource_id, service, instance, document in cursor.execute(
            "SELECT resource_id, service, instance, attributes FROM resources"
            " WHERE resource_id >= ? ORDER BY ALL",
            [self._next_resource],
        ).fetchall():
            self._next_resource = resource_id + 1
            self._resources[resource_id] = resource = parsed(document)
            if semconv.ORIGIN in resource:
                continue
            told = self.naming.target_info(resource)
            if told is not None:
                labels = as_labels(told | {METRIC_NAME: TARGET_INFO})
                self._add(Series(labels, "info", "metric_points", [resource_id], set()))
            seen = {METRIC_NAME: LAST_SEEN, "service": service, "instance": instance}
            self._add(Series(as_labels(seen), "seen", "metric_points", [resource_id], set()))

    def _add_streams(self, cursor: duckdb.DuckDBPyConnection) -> None:
        columns = "name, unit, type, is_monotonic"
        for series_id, resource_id, scope, temporality, document, *metric in cursor.execute(
            f"SELECT series_id, resource_id, scope, temporality, attributes, {columns}"
            " FROM metric_series WHERE series_id >= ? ORDER BY ALL",
            [self._next_series],
        ).fetchall():
            self._next_series = series_id + 1
            deltas = {series_id} if temporality == DELTA else set()
            attributes, resource = parsed(document), self._resources[resource_id]
            if scope == semconv.REMOTE_WRITE:
                found = _written(Metric(*metric), attributes)
            else:
                found = self._exported(Metric(*metric), attributes, resource)
            for labels, part in found:
                table = TABLE_OF_TYPE[metric[2]]
                kind = Series(labels, part, table, [series_id], deltas)
                if scope == semconv.REMOTE_WRITE:
                    kind.written = "counter" if temporality else "gauge"
                self._add(kind)

    def _exported(
        self, metric: Metric, attributes: dict[str, Any], resource: dict[str, Any]
    ) -> list[tuple[Labels, Part]]:
        name = self.naming.metric(metric, resource)
        told = self.naming.labels(attributes, resource)
        is_counter = metric.type == "sum" and metric.is_monotonic
        kind = "counter" if is_counter else _TYPES.get(metric.type, metric.type)
        known = Described(kind, metric.unit, metric.name)
        self._described.setdefault(name, set()).add(known)
        return [
            (as_labels({**told, _OPEN.get(part, ""): "", METRIC_NAME: name + suffix}), part)
            for suffix, part in _PARTS[metric.type]
        ]

    def _add(self, series: Series) -> None:
        """Add a series, or its streams to the one with the same labels.

        Numbers and histograms can be one series; of other kinds that are not the same the later is
        left out, for nobody could tell them apart.
        """
        number = self.index.add(series.labels, open_label=series.open_label)
        if number is not None:
            self._series.append(series)
            return
        known = self._series[self.index.number(series.labels) or 0]
        for one in (known, *known.others):
            alike = (one.part, one.table) == (series.part, series.table)
            if alike and (one.part == "value" or one.written == series.written):
                one.streams = [*one.streams, *series.streams]
                one.deltas = one.deltas | series.deltas
                return
        if {known.part, series.part} <= _WHOLE:
            known.others = (*known.others, series)


def weigh(series: Series) -> int:
    """Return about how many samples one point of a series becomes."""
    return {"bucket": 24, "quantile": 4, "native": 8, "custom": 8}.get(series.part, 1)


def _written(metric: Metric, labels: dict[str, Any]) -> list[tuple[Labels, Part]]:
    """Return the series of a remote write: its labels are as they were."""
    told = {name: text(value) for name, value in labels.items()}
    return [(as_labels({**told, METRIC_NAME: metric.name}), _WRITTEN[metric.type])]
