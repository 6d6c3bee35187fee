"""One export request as columns, before anything is interned.

Ids of resources, strings and series are positions in this batch; the writer replaces them by those
of its dictionaries. Never touches a database: a batch is a value. Columns bear the names of
``store/schema.sql``, but ``resource`` and ``name`` where a table has ``resource_id``, ``name_id``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import pyarrow as pa

from collector.otlp.histograms import Bounds

SPANS: Final = pa.schema(
    {
        "trace_hi": pa.uint64(),
        "trace_lo": pa.uint64(),
        "span_id": pa.uint64(),
        "parent_id": pa.uint64(),
        "resource": pa.int32(),
        "name": pa.int32(),
        "kind": pa.uint8(),
        "start_ns": pa.int64(),
        "duration_ns": pa.int64(),
        "status": pa.uint8(),
        "http_status": pa.uint16(),
        "is_error": pa.bool_(),
        "route": pa.int32(),
        "flags": pa.int32(),
        "trace_state": pa.string(),
        "attributes": pa.string(),
        "events": pa.string(),
        "links": pa.string(),
    }
)
POINTS: Final = pa.schema(
    {
        "series": pa.int32(),
        "time_ns": pa.int64(),
        "start_ns": pa.int64(),
        "value_int": pa.int64(),
        "value_double": pa.float64(),
    }
)
HISTOGRAMS: Final = pa.schema(
    {
        "series": pa.int32(),
        "time_ns": pa.int64(),
        "start_ns": pa.int64(),
        "count": pa.uint64(),
        "sum": pa.float64(),
        "min": pa.float64(),
        "max": pa.float64(),
        "bounds": pa.int32(),
        "first_bucket": pa.int32(),
        "bucket_counts": pa.list_(pa.uint64()),
    }
)
EXPONENTIALS: Final = pa.schema(
    {
        "series": pa.int32(),
        "time_ns": pa.int64(),
        "start_ns": pa.int64(),
        "count": pa.uint64(),
        "sum": pa.float64(),
        "min": pa.float64(),
        "max": pa.float64(),
        "scale": pa.int8(),
        "zero_count": pa.uint64(),
        "zero_threshold": pa.float64(),
        "positive_offset": pa.int32(),
        "positive_counts": pa.list_(pa.uint64()),
        "negative_offset": pa.int32(),
        "negative_counts": pa.list_(pa.uint64()),
    }
)
SUMMARIES: Final = pa.schema(
    {
        "series": pa.int32(),
        "time_ns": pa.int64(),
        "start_ns": pa.int64(),
        "count": pa.uint64(),
        "sum": pa.float64(),
        "quantiles": pa.list_(pa.float64()),
        "quantile_values": pa.list_(pa.float64()),
    }
)
EXEMPLARS: Final = pa.schema(
    {
        "series": pa.int32(),
        "time_ns": pa.int64(),
        "value_int": pa.int64(),
        "value_double": pa.float64(),
        "trace_hi": pa.uint64(),
        "trace_lo": pa.uint64(),
        "span_id": pa.uint64(),
        "attributes": pa.string(),
    }
)
LOGS: Final = pa.schema(
    {
        "time_ns": pa.int64(),
        "observed_ns": pa.int64(),
        "resource": pa.int32(),
        "scope": pa.int32(),
        "trace_hi": pa.uint64(),
        "trace_lo": pa.uint64(),
        "span_id": pa.uint64(),
        "flags": pa.uint32(),
        "severity": pa.uint8(),
        "severity_text": pa.string(),
        "event_name": pa.string(),
        "body_type": pa.uint8(),
        "body": pa.string(),
        "attributes": pa.string(),
        "dropped_attributes": pa.uint32(),
    }
)
MAX_TIME_NS: Final = 2**63 - 1
"""The store keeps signed nanoseconds; OTLP allows unsigned ones, to the year 2554."""

CUMULATIVE: Final = 2
"""OTLP AggregationTemporality; 1 is delta, 0 none."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Who exported. ``attributes`` is JSON with sorted keys, and by itself the identity."""

    service: str
    namespace: str
    version: str
    instance: str
    attributes: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What code made the telemetry: an instrumentation scope. ``attributes`` is JSON."""

    name: str
    version: str
    attributes: str


@dataclass(frozen=True, slots=True)
class Series:
    """One metric stream. ``attributes`` is JSON with sorted keys; all fields are the identity.

    Its hash is made once: a series is looked up some ten times on its way into the store.
    """

    resource: int
    scope: str
    name: str
    unit: str
    type: str
    temporality: int
    is_monotonic: bool
    attributes: str
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        identity = (
            *(self.resource, self.scope, self.name, self.unit, self.type),
            *(self.temporality, self.is_monotonic, self.attributes),
        )
        object.__setattr__(self, "_hash", hash(identity))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Heard:
    """Cumulative points of one exporter and start time came, the earliest at ``time_ns``."""

    resource: int
    start_ns: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one export request holds. ``rejected`` counts the items left out, ``message`` why.

    ``warnings`` counts by reason what was taken, but not quite as it came; ``message`` names these
    too. ``bounds`` are those of the histograms, ``descriptions`` (metric name, description).
    """

    resources: tuple[Resource, ...]
    strings: tuple[str, ...]
    series: tuple[Series, ...]
    spans: pa.Table
    points: pa.Table
    histograms: pa.Table
    logs: pa.Table
    heard: tuple[Heard, ...]
    rejected: int
    message: str
    body_bytes: int
    bounds: tuple[Bounds, ...] = ()
    exponentials: pa.Table = field(default_factory=EXPONENTIALS.empty_table)
    summaries: pa.Table = field(default_factory=SUMMARIES.empty_table)
    exemplars: pa.Table = field(default_factory=EXEMPLARS.empty_table)
    scopes: tuple[Scope, ...] = ()
    descriptions: tuple[tuple[str, str], ...] = ()
    warnings: Mapping[str, int] = field(default_factory=dict)
    signal: str = ""
    """traces, metrics or logs; set by the receiver, which knows what was asked for."""

    @property
    def rows(self) -> int:
        """Number of raw rows; a batch without any still is a heartbeat."""
        metrics = (self.points, self.histograms, self.exponentials, self.summaries)
        return sum(len(table) for table in (self.spans, self.logs, *metrics))


@dataclass(slots=True)
class Columns:
    """Rows appended one by one, in the order of the schema's columns; a table at the end."""

    schema: pa.Schema
    rows: list[tuple[Any, ...]] = field(default_factory=list)

    def table(self) -> pa.Table:
        """Return the table, empty if nothing was appended."""
        if not self.rows:
            return self.schema.empty_table()
        arrays = [
            pa.array(column, type=kind)
            for column, kind in zip(zip(*self.rows, strict=True), self.schema.types, strict=True)
        ]
        return pa.Table.from_arrays(arrays, schema=self.schema)


@dataclass(slots=True)
class BatchBuilder:
    """Collects the rows of one request; ``build`` freezes them."""

    spans: Columns = field(default_factory=lambda: Columns(SPANS))
    points: Columns = field(default_factory=lambda: Columns(POINTS))
    histograms: Columns = field(default_factory=lambda: Columns(HISTOGRAMS))
    exponentials: Columns = field(default_factory=lambda: Columns(EXPONENTIALS))
    summaries: Columns = field(default_factory=lambda: Columns(SUMMARIES))
    exemplars: Columns = field(default_factory=lambda: Columns(EXEMPLARS))
    logs: Columns = field(default_factory=lambda: Columns(LOGS))
    rejected: int = 0
    _reasons: dict[str, int] = field(default_factory=dict)
    _resources: dict[Resource, int] = field(default_factory=dict)
    _strings: dict[str, int] = field(default_factory=dict)
    _series: dict[Series, int] = field(default_factory=dict)
    _bounds: dict[Bounds, int] = field(default_factory=dict)
    _scopes: dict[Scope, int] = field(default_factory=dict)
    _descriptions: dict[tuple[str, str], None] = field(default_factory=dict)
    _warnings: dict[str, int] = field(default_factory=dict)
    _heard: dict[tuple[int, int], int] = field(default_factory=dict)

    def resource(self, resource: Resource) -> int:
        """Return the position of a resource."""
        return self._resources.setdefault(resource, len(self._resources))

    def string(self, value: str) -> int:
        """Return the position of a string."""
        return self._strings.setdefault(value, len(self._strings))

    def series(self, series: Series) -> int:
        """Return the position of a series."""
        return self._series.setdefault(series, len(self._series))

    def series_at(self, position: int) -> Series:
        """Return the series at a position."""
        return next(islice(reversed(self._series), len(self._series) - 1 - position, None))

    def bounds(self, bounds: Bounds) -> int:
        """Return the position of the bounds of a histogram."""
        return self._bounds.setdefault(bounds, len(self._bounds))

    def scope(self, scope: Scope) -> int:
        """Return the position of a scope."""
        return self._scopes.setdefault(scope, len(self._scopes))

    def describe(self, name: str, description: str) -> None:
        """Note what a metric says of itself."""
        self._descriptions[name, description] = None

    def hear(self, resource: int, start_ns: int, time_ns: int) -> None:
        """Note that an exporter's cumulative point came."""
        earliest = self._heard.setdefault((resource, start_ns), time_ns)
        if time_ns < earliest:
            self._heard[resource, start_ns] = time_ns

    def reject(self, reason: str) -> None:
        """Leave out one item; the sender is told how many, and the reasons."""
        self.rejected += 1
        self._reasons[reason] = self._reasons.get(reason, 0) + 1

    @property
    def oddities(self) -> int:
        """How much was rejected or warned of so far."""
        return self.rejected + sum(self._warnings.values())

    def warn(self, reason: str, count: int = 1) -> None:
        """Count what was taken, but not quite as it came; the sender is told."""
        if count:
            self._warnings[reason] = self._warnings.get(reason, 0) + count

    def build(self, body_bytes: int) -> Batch:
        """Freeze what was collected."""
        return Batch(
            resources=tuple(self._resources),
            strings=tuple(self._strings),
            series=tuple(self._series),
            spans=self.spans.table(),
            points=self.points.table(),
            histograms=self.histograms.table(),
            logs=self.logs.table(),
            heard=tuple(Heard(*key, time_ns) for key, time_ns in self._heard.items()),
            rejected=self.rejected,
            message="; ".join(
                f"{count} x {reason}" for reason, count in (self._reasons | self._warnings).items()
            ),
            body_bytes=body_bytes,
            bounds=tuple(self._bounds),
            exponentials=self.exponentials.table(),
            summaries=self.summaries.table(),
            exemplars=self.exemplars.table(),
            scopes=tuple(self._scopes),
            descriptions=tuple(self._descriptions),
            warnings=dict(self._warnings),
        )


Decoder = Callable[[bytes], Batch]
"""decode_traces, decode_metrics, decode_logs; raises MalformedPayload."""
