"""The state of all cumulative SLI series, rebuilt from the tables when a file is opened.

There is no second copy of a last value that could fall out of step: it is the last point. Only when
an exporter was first heard has a table, for its first points are forgotten with age.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import duckdb
import pyarrow as pa

from collector.otlp.batch import CUMULATIVE
from collector.otlp.counters import Counters, Exporter
from collector.otlp.dialects import may_be_sli
from collector.otlp.exponential_rows import value_of
from collector.otlp.histograms import dense
from collector.store.metrics import TABLE_OF_TYPE

_VALUE: Final = "coalesce(value_int, TRY_CAST(value_double AS BIGINT))"
_POINT_TABLES: Final = ("metric_points", "histogram_points", "exponential_points")


def load_counters(cursor: duckdb.DuckDBPyConnection) -> Counters:
    """Read the last points of the metrics that may be SLIs, and all exporters."""
    counters = Counters()
    found = cursor.execute("SELECT DISTINCT name FROM metric_series").fetchall()
    names = [name for (name,) in found if may_be_sli(name)]
    starts = cursor.execute("SELECT * FROM exporter_starts").fetchall()
    exporters = {
        (resource_id, start_ns): Exporter(first_ns, is_news)
        for resource_id, start_ns, first_ns, is_news in starts
    }
    counters.load(exporters, _heard(cursor), _floors(cursor, names))
    for key, value in _last(cursor, "metric_points", _VALUE, f"{_VALUE} IS NOT NULL", names):
        counters.advance(*key, (int(value),))
    histogram = "struct_pack(bounds_id, first_bucket, bucket_counts)"
    sizes = dict(cursor.execute("SELECT bounds_id, len(bounds) FROM bounds").fetchall())
    for key, row in _last(cursor, "histogram_points", histogram, "count IS NOT NULL", names):
        counts = dense(sizes[row["bounds_id"]], row["first_bucket"], row["bucket_counts"])
        counters.advance(*key, counts)
    whole = "exponential_points"
    for key, row in _last(cursor, whole, whole, "count IS NOT NULL", names):
        counters.advance_exponential(*key, value_of(row))
    counters.commit()
    return counters


def started(exporters: Mapping[tuple[int, int], Exporter]) -> pa.Table:
    """Return the rows of exporter_starts."""
    return pa.table(
        {
            "resource_id": pa.array([resource for resource, _ in exporters], pa.int32()),
            "start_ns": pa.array([start_ns for _, start_ns in exporters], pa.int64()),
            "first_ns": pa.array([one.first_ns for one in exporters.values()], pa.int64()),
            "is_news": pa.array([one.is_news for one in exporters.values()], pa.bool_()),
        }
    )


def _heard(cursor: duckdb.DuckDBPyConnection) -> list[tuple[int, int]]:
    """Return when each resource was last heard to count."""
    parts = " UNION ALL ".join(f"SELECT series_id, time_ns FROM {one}" for one in _POINT_TABLES)
    return cursor.execute(
        f"SELECT resource_id, max(time_ns) FROM ({parts}) JOIN metric_series USING (series_id)"
        " WHERE temporality = ? GROUP BY resource_id",
        [CUMULATIVE],
    ).fetchall()


def _floors(cursor: duckdb.DuckDBPyConnection, names: Sequence[str]) -> list[tuple[int, int]]:
    """Return series that had a point before the first one left in their table, and its time."""
    floors = " UNION ALL ".join(
        f"SELECT '{table}' AS place, coalesce(min(time_ns), {2**63 - 1}) AS floor_ns FROM {table}"
        for table in _POINT_TABLES
    )
    place = " ".join(
        f"WHEN '{kind}' THEN '{table}'"
        for kind, table in TABLE_OF_TYPE.items()
        if table in _POINT_TABLES
    )
    return cursor.execute(
        f"SELECT series_id, floor_ns FROM metric_series JOIN ({floors})"
        f" ON place = CASE type {place} END"
        " WHERE temporality = ? AND list_contains(?, name) AND first_ns < floor_ns",
        [CUMULATIVE, list(names)],
    ).fetchall()


def _last(
    cursor: duckdb.DuckDBPyConnection, table: str, value: str, where: str, names: Sequence[str]
) -> Iterator[tuple[tuple[int, int, int, int], Any]]:
    """Give (series, resource, start_ns, time_ns) and value of the last point of each start."""
    for *key, last in cursor.execute(
        f"SELECT series_id, any_value(resource_id), start_ns, max(time_ns),"
        f" arg_max({value}, time_ns) FROM {table} JOIN metric_series USING (series_id)"
        f" WHERE temporality = ? AND list_contains(?, name) AND {where}"
        " GROUP BY series_id, start_ns",
        [CUMULATIVE, list(names)],
    ).fetchall():
        series_id, resource_id, start_ns, time_ns = key
        yield (series_id, resource_id, start_ns, time_ns), last
