"""Questions about metric streams: which there are, and their points. Arrow tables out.

Never writes, never computes a rate (``increases`` takes differences). Windows are [from_ns, to_ns);
points come sorted by (series_id, time_ns). Points that share both are all there, as they came.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import duckdb
import pyarrow as pa

PointTable = Literal[
    "metric_points", "histogram_points", "exponential_points", "summary_points", "exemplars"
]

TABLE_OF_TYPE: Final[Mapping[str, PointTable]] = {
    "gauge": "metric_points",
    "sum": "metric_points",
    "histogram": "histogram_points",
    "exponential_histogram": "exponential_points",
    "summary": "summary_points",
}
"""``metric_series.type`` -> where the points of such a series are."""

_COLUMNS: Final[Mapping[PointTable, str]] = {
    "metric_points": "value_int, value_double",
    "histogram_points": "count, sum, min, max, bounds_id, bounds, first_bucket, bucket_counts",
    "exponential_points": "count, sum, min, max, scale, zero_count, zero_threshold,"
    " positive_offset, positive_counts, negative_offset, negative_counts",
    "summary_points": "count, sum, quantiles, quantile_values",
    "exemplars": "value_int, value_double, trace_hi, trace_lo, span_id, attributes",
}


def series(
    cursor: duckdb.DuckDBPyConnection,
    *,
    names: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
) -> pa.Table:
    """Return the streams of metrics of these names, all without one, sorted by series_id.

    ``labels`` are attributes that a stream must have, as text; those of its resource count too.
    ``first_ns`` is when a stream was first heard.
    """
    wanted = "".join(
        " AND coalesce(json_extract_string(s.attributes, ?), json_extract_string(r.attributes, ?))"
        " = ?"
        for _ in labels or {}
    )
    values = [
        value
        for key, text in (labels or {}).items()
        for value in (_json_path(key), _json_path(key), text)
    ]
    return cursor.execute(
        "SELECT series_id, resource_id, service, namespace, version, instance, scope, name, unit,"
        " type, temporality, is_monotonic, s.attributes, r.attributes AS resource_attributes,"
        " first_ns FROM metric_series s JOIN resources r USING (resource_id)"
        f" WHERE (len(?::VARCHAR[]) = 0 OR list_contains(?::VARCHAR[], name)){wanted}"
        " ORDER BY series_id",
        [list(names), list(names), *values],
    ).to_arrow_table()


def metadata(cursor: duckdb.DuckDBPyConnection) -> pa.Table:
    """Return name, type, unit, description of all metrics; '' when it has none."""
    return cursor.execute(
        "SELECT DISTINCT name, type, unit, coalesce(description, '') AS description"
        " FROM metric_series LEFT JOIN metric_descriptions USING (name) ORDER BY ALL"
    ).to_arrow_table()


def points(
    cursor: duckdb.DuckDBPyConnection,
    table: PointTable,
    series_ids: Sequence[int],
    from_ns: int,
    to_ns: int,
) -> pa.Table:
    """Return series_id, time_ns, start_ns and the columns of that table.

    Both values NULL, or a count that is NULL, is a gap: the exporter says it has no value.
    Histograms come with their bounds. Exemplars have no start_ns.
    """
    bounds = " JOIN bounds USING (bounds_id)" if table == "histogram_points" else ""
    start = "" if table == "exemplars" else "start_ns, "
    return cursor.execute(
        f"SELECT series_id, time_ns, {start}{_COLUMNS[table]} FROM {table}{bounds}"
        " SEMI JOIN (SELECT unnest(?::INTEGER[]) AS series_id) USING (series_id)"
        " WHERE time_ns >= ? AND time_ns < ? ORDER BY series_id, time_ns",
        [list(series_ids), from_ns, to_ns],
    ).to_arrow_table()


def _json_path(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'$."{escaped}"'
