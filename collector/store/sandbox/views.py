"""The views that people may ask: names, columns, how far back, and the SQL behind each.

Every view is bounded by a time range [from_s, to_s), so that a statement reads no more than it
asked for. Never runs anything; ``query`` feeds a worker with the rows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa

from collector.edges import ERROR_SQL
from collector.store.sandbox.spans import SPAN_COLUMNS, span_rows
from collector.store.shredding import Condition
from collector.store.store import Store

_HOUR_S: Final = 3600
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Window:
    """Unix seconds, [from_s, to_s)."""

    from_s: int
    to_s: int

    @property
    def ns(self) -> list[int]:
        """Return both ends in nanoseconds."""
        return [self.from_s * 10**9, self.to_s * 10**9]


@dataclass(frozen=True, slots=True)
class View:
    """A named table of the store; ``default_s`` is how far back it reaches when nothing is said."""

    name: str
    about: str
    columns: Mapping[str, str]
    default_s: int
    rows: Callable[[duckdb.DuckDBPyConnection, Store, Window], Condition]


@dataclass(frozen=True, slots=True)
class Given:
    """A small table that the caller makes when a statement reads it; it has a window of its own."""

    name: str
    about: str
    columns: Mapping[str, str]
    table: Callable[[Window], pa.Table]
    default_s: int = _HOUR_S


_EDGE_COLUMNS: Final = {
    "time": "TIMESTAMPTZ",
    "bucket_s": "BIGINT",
    "source": "VARCHAR",
    "destination": "VARCHAR",
    "version": "VARCHAR",
    "route": "VARCHAR",
    "code": "USMALLINT",
    "flags": "VARCHAR",
    "mtls": "VARCHAR",
    "signal": "VARCHAR",
    "requests": "BIGINT",
    "errors": "BIGINT",
    "attempts": "BIGINT",
}
_LATENCY_COLUMNS: Final = {
    "time": "TIMESTAMPTZ",
    "bucket_s": "BIGINT",
    "source": "VARCHAR",
    "destination": "VARCHAR",
    "version": "VARCHAR",
    "route": "VARCHAR",
    "code": "USMALLINT",
    "upper_ms": "DOUBLE",
    "count": "BIGINT",
}
_METRIC_COLUMNS: Final = {
    "time": "TIMESTAMPTZ",
    "service": "VARCHAR",
    "version": "VARCHAR",
    "instance": "VARCHAR",
    "name": "VARCHAR",
    "unit": "VARCHAR",
    "type": "VARCHAR",
    "attributes": "VARCHAR",
    "series_id": "INTEGER",
    "value": "DOUBLE",
}
_HISTOGRAM_COLUMNS: Final = {
    **{name: type_ for name, type_ in _METRIC_COLUMNS.items() if name != "value"},
    "count": "UBIGINT",
    "sum": "DOUBLE",
    "min": "DOUBLE",
    "max": "DOUBLE",
    "bounds": "DOUBLE[]",
    "first_bucket": "INTEGER",
    "bucket_counts": "UBIGINT[]",
}
_LOG_COLUMNS: Final = {
    "time": "TIMESTAMPTZ",
    "service": "VARCHAR",
    "version": "VARCHAR",
    "instance": "VARCHAR",
    "severity": "UTINYINT",
    "severity_text": "VARCHAR",
    "event_name": "VARCHAR",
    "body": "VARCHAR",
    "trace_id": "VARCHAR",
    "span_id": "VARCHAR",
    "attributes": "VARCHAR",
}
_EXPORTER_COLUMNS: Final = {
    "service": "VARCHAR",
    "namespace": "VARCHAR",
    "version": "VARCHAR",
    "instance": "VARCHAR",
    "last_seen": "TIMESTAMPTZ",
    "attributes": "VARCHAR",
}
_WHO: Final = "service, version, instance"
_HEX_IDS: Final = (
    "lower(lpad(to_hex(trace_hi), 16, '0') || lpad(to_hex(trace_lo), 16, '0')) AS trace_id,"
    " lower(lpad(to_hex(span_id), 16, '0')) AS span_id"
)


def _edges(
    tier: str,
) -> Callable[[duckdb.DuckDBPyConnection, Store, Window], Condition]:
    sql = (
        "SELECT to_timestamp(bucket_s) AS time, *,"
        f" CASE WHEN {ERROR_SQL} THEN requests ELSE 0 END AS errors"
        f" FROM sli_{tier} JOIN edges USING (edge_id)"
        " WHERE canonical AND bucket_s >= ? AND bucket_s < ?"
    )
    return lambda _cursor, _store, window: Condition(sql, [window.from_s, window.to_s])


def _latency(
    tier: str,
) -> Callable[[duckdb.DuckDBPyConnection, Store, Window], Condition]:
    upper_us = "CASE WHEN latency_bucket > 160 THEN 'inf' ELSE 2 ** (6 + latency_bucket / 8) END"
    sql = (
        f"SELECT to_timestamp(bucket_s) AS time, *, ({upper_us})::DOUBLE / 1000 AS upper_ms"
        f" FROM latency_{tier} JOIN edges USING (edge_id)"
        " WHERE canonical AND bucket_s >= ? AND bucket_s < ?"
    )
    return lambda _cursor, _store, window: Condition(sql, [window.from_s, window.to_s])


def _points(table: str, more: str, join: str = "") -> Callable[..., Condition]:
    sql = (
        f"SELECT make_timestamptz(time_ns // 1000) AS time, {_WHO}, name, unit, type,"
        f" s.attributes::VARCHAR AS attributes, series_id, {more} FROM {table}"
        f" JOIN metric_series AS s USING (series_id) JOIN resources AS r USING (resource_id) {join}"
        " WHERE time_ns >= ? AND time_ns < ?"
    )
    return lambda _cursor, _store, window: Condition(sql, window.ns)


def _logs(_cursor: object, _store: Store, window: Window) -> Condition:
    sql = (
        f"SELECT make_timestamptz(time_ns // 1000) AS time, {_WHO}, severity, severity_text,"
        f" event_name, body, {_HEX_IDS}, logs.attributes::VARCHAR AS attributes"
        " FROM logs JOIN resources USING (resource_id) WHERE time_ns >= ? AND time_ns < ?"
    )
    return Condition(sql, window.ns)


def _exporters(_cursor: object, _store: Store, window: Window) -> Condition:
    sql = (
        "SELECT service, namespace, version, instance, to_timestamp(max(bucket_s)) AS last_seen,"
        " attributes::VARCHAR AS attributes FROM heartbeats JOIN resources USING (resource_id)"
        " WHERE bucket_s >= ? AND bucket_s < ? GROUP BY ALL"
    )
    return Condition(sql, [window.from_s, window.to_s])


def _spans(cursor: duckdb.DuckDBPyConnection, store: Store, window: Window) -> Condition:
    from_ns, to_ns = window.ns
    return span_rows(cursor, store, from_ns, to_ns)


_EDGES_TOLD: Final = "requests of an edge in {}, each counted once; rows add up"
_LATENCY_TOLD: Final = "requests of an edge by latency, in {}; rows add up"

VIEWS: Final[tuple[View, ...]] = (
    View("spans", "a span, hot or sealed", SPAN_COLUMNS, _HOUR_S, _spans),
    View("edges_10s", _EDGES_TOLD.format("10 s"), _EDGE_COLUMNS, _HOUR_S, _edges("10s")),
    View("edges_1m", _EDGES_TOLD.format("a minute"), _EDGE_COLUMNS, _DAY_S, _edges("1m")),
    View("edges_1h", _EDGES_TOLD.format("an hour"), _EDGE_COLUMNS, 30 * _DAY_S, _edges("1h")),
    View("latency_10s", _LATENCY_TOLD.format("10 s"), _LATENCY_COLUMNS, _HOUR_S, _latency("10s")),
    View("latency_1m", _LATENCY_TOLD.format("a minute"), _LATENCY_COLUMNS, _DAY_S, _latency("1m")),
    View(
        *("latency_1h", _LATENCY_TOLD.format("an hour"), _LATENCY_COLUMNS),
        *(30 * _DAY_S, _latency("1h")),
    ),
    View(
        *("metrics", "a point of a gauge or a sum, as it was sent", _METRIC_COLUMNS, _HOUR_S),
        _points("metric_points", "coalesce(value_double, value_int::DOUBLE) AS value"),
    ),
    View(
        *("histograms", "a point of a histogram, as it was sent", _HISTOGRAM_COLUMNS, _HOUR_S),
        _points(
            "histogram_points",
            "count, sum, min, max, bounds, first_bucket, bucket_counts",
            "JOIN bounds USING (bounds_id)",
        ),
    ),
    View("logs", "a log record", _LOG_COLUMNS, _HOUR_S, _logs),
    View("exporters", "who was heard, and when last", _EXPORTER_COLUMNS, _DAY_S, _exporters),
)


def shapes(views: Mapping[str, View | Given]) -> dict[str, dict[str, Any]]:
    """Return names and types of the columns of each view, as a worker wants them."""
    return {name: dict(view.columns) for name, view in views.items()}
