"""By how much sums and histograms grew in a window, exactly: the rules of ``Counters``, in bulk.

Never extrapolates. A difference belongs to the time of its later point. The values of one start
time are compared with each other only; a fall is a reset. The first value of a start counts in full
when its exporter is news or was heard before, and is a baseline otherwise; so it is too when it
is only the first that retention has left. Delta points add up as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, overload

import duckdb
import numpy as np
import pyarrow as pa

from collector.otlp.batch import CUMULATIVE
from collector.otlp.counters import SAME_EXPORT_NS
from collector.otlp.exponential import EMPTY, Exponential, merge, subtract
from collector.otlp.exponential_rows import value_of
from collector.store.growth import (
    Streams,
    dense_counts,
    exponential_grown,
    grown,
    streams,
    summed,
)
from collector.store.metrics import PointTable

_NUMBER: Final = "coalesce(value_double, value_int::DOUBLE)"
_IS_VALUE: Final[dict[PointTable, str]] = {
    "metric_points": f"isfinite({_NUMBER})",
    "histogram_points": "count IS NOT NULL",
    "exponential_points": "count IS NOT NULL",
}


@dataclass(frozen=True, slots=True)
class HistogramIncrease:
    """What a histogram counted in a window, or in a step of it that begins at ``bucket_ns``.

    ``counts`` are of all buckets, () without bounds. ``sum`` is None where a point had none.
    """

    series_id: int
    count: int
    sum: float | None
    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    bucket_ns: int | None = None


def increase(
    cursor: duckdb.DuckDBPyConnection,
    series_ids: Sequence[int],
    from_ns: int,
    to_ns: int,
    *,
    step_ns: int | None = None,
) -> pa.Table:
    """Return series_id, [bucket_ns], increase_int, increase_double; sorted.

    Only series, and with ``step_ns`` buckets at from_ns + k * step_ns, that have points. The
    integer is NULL where a point was none; the double is always there.
    """
    bucket = f"{from_ns} + (time_ns - {from_ns}) // {step_ns} * {step_ns} AS bucket_ns, "
    sql = f"""
    WITH rows AS ({_rows_sql("metric_points")}),
    steps AS (
        SELECT *, {_NUMBER} AS number,
            lag({_NUMBER}) OVER stream AS last_number, lag(value_int) OVER stream AS last_int
        FROM rows WINDOW stream AS (PARTITION BY series_id, start_ns ORDER BY time_ns, {_NUMBER})
    ),
    grown AS (
        SELECT series_id, time_ns, CASE
            WHEN temporality <> {CUMULATIVE} THEN value_int
            WHEN last_number IS NULL THEN CASE WHEN is_news THEN value_int ELSE 0 END
            WHEN number < last_number THEN value_int
            ELSE value_int - last_int END AS by_int,
        CASE
            WHEN temporality <> {CUMULATIVE} THEN number
            WHEN last_number IS NULL THEN CASE WHEN is_news THEN number ELSE 0 END
            WHEN number < last_number THEN number
            ELSE number - last_number END AS by_double
        FROM steps WHERE time_ns >= ?
    )
    SELECT series_id, {bucket if step_ns else ""}
        CASE WHEN count(by_int) = count(*) THEN sum(by_int)::BIGINT END AS increase_int,
        sum(by_double) AS increase_double
    FROM grown GROUP BY ALL ORDER BY ALL
    """
    return cursor.execute(sql, [*_values(series_ids, from_ns, to_ns), from_ns]).to_arrow_table()


def histogram_increase(
    cursor: duckdb.DuckDBPyConnection,
    series_ids: Sequence[int],
    from_ns: int,
    to_ns: int,
    *,
    step_ns: int | None = None,
) -> list[HistogramIncrease]:
    """Return what each histogram counted in the window, once for each of its bounds; sorted.

    With ``step_ns`` once for each step at from_ns + k * step_ns that has points, too.
    """
    rows = cursor.execute(
        f"SELECT * FROM ({_rows_sql('histogram_points')})"
        " ORDER BY bounds_id, series_id, start_ns, time_ns, count",
        _values(series_ids, from_ns, to_ns),
    ).to_arrow_table()
    of_bounds = rows["bounds_id"].to_numpy()
    cuts = [0, *(np.flatnonzero(np.diff(of_bounds)) + 1).tolist(), len(rows)]
    parts = [rows.slice(start, end - start) for start, end in pairwise(cuts) if end > start]
    known = dict(cursor.execute("SELECT bounds_id, bounds FROM bounds").fetchall())
    found = [
        one
        for part in parts
        for one in _histograms_grown(part, tuple(known[part["bounds_id"][0].as_py()]),
                                     from_ns, step_ns)
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.series_id, one.bucket_ns or 0))


@overload
def exponential_increase(
    cursor: duckdb.DuckDBPyConnection, series_ids: Sequence[int], from_ns: int, to_ns: int
) -> dict[int, Exponential]: ...


@overload
def exponential_increase(
    cursor: duckdb.DuckDBPyConnection,
    series_ids: Sequence[int],
    from_ns: int,
    to_ns: int,
    *,
    step_ns: int,
) -> dict[tuple[int, int], Exponential]: ...


def exponential_increase(
    cursor: duckdb.DuckDBPyConnection,
    series_ids: Sequence[int],
    from_ns: int,
    to_ns: int,
    *,
    step_ns: int | None = None,
) -> dict[int, Exponential] | dict[tuple[int, int], Exponential]:
    """Return by series what each exponential histogram counted in the window.

    With ``step_ns`` by series and by the begin of each step that has points.
    """
    rows = cursor.execute(
        f"{_rows_sql('exponential_points')} ORDER BY series_id, start_ns, time_ns, count",
        _values(series_ids, from_ns, to_ns),
    ).to_arrow_table()
    how = streams(rows, ("series_id", "start_ns"))
    cuts = [*np.flatnonzero(how.begins).tolist(), len(rows)]
    found: dict[Any, Exponential] = {}
    for start, end in pairwise(cuts):
        stream = rows.slice(start, end - start)
        series_id = stream["series_id"][0].as_py()
        values = exponential_grown(stream, how.part(slice(start, end))) or _one_by_one(stream)
        for time_ns, value in zip(stream["time_ns"].to_pylist(), values, strict=True):
            if time_ns >= from_ns:
                key = (series_id, _bucket(time_ns, from_ns, step_ns)) if step_ns else series_id
                found[key] = merge(found.get(key, EMPTY), value)
    return found


def _rows_sql(table: PointTable) -> str:
    """Select the values in the window, and the last one before it of each series and start.

    Of histograms of each set of bounds too, for only the same bounds can be compared. Parameters:
    see ``_values``. ``is_news`` tells of a value that would be the first of its start.
    """
    bounds = ", bounds_id" if table == "histogram_points" else ""
    return f"""
    SELECT p.*, temporality,
        (time_ns <= s.first_ns OR start_ns >= (SELECT min(time_ns) FROM {table}))
        AND coalesce(e.is_news OR time_ns >= e.first_ns + {SAME_EXPORT_NS}, false) AS is_news
    FROM (
        SELECT * FROM {table} SEMI JOIN (SELECT unnest(?::INTEGER[]) AS series_id) USING (series_id)
        WHERE time_ns < ? AND {_IS_VALUE[table]}
        QUALIFY time_ns >= ? OR time_ns = max(time_ns) FILTER (time_ns < ?)
            OVER (PARTITION BY series_id, start_ns{bounds})
    ) p JOIN metric_series s USING (series_id)
    LEFT JOIN exporter_starts e USING (resource_id, start_ns)
    """


def _values(series_ids: Sequence[int], from_ns: int, to_ns: int) -> list[Any]:
    return [list(series_ids), to_ns, from_ns, from_ns]


def _histograms_grown(
    rows: pa.Table, bounds: tuple[float, ...], from_ns: int, step_ns: int | None
) -> list[HistogramIncrease]:
    """Return what the histograms of one kind of bounds counted from from_ns on."""
    width = len(bounds) + 1 if bounds else 0
    counts = rows["count"].to_numpy().astype(np.int64)
    first = rows["first_bucket"].to_numpy().astype(np.int64)
    filled = rows["bucket_counts"].combine_chunks()
    buckets = dense_counts(first, filled, width) if width else np.zeros((len(rows), 0), np.int64)
    sums = rows["sum"].to_numpy().astype(np.float64)
    how: Streams = streams(rows, ("series_id", "start_ns"))
    values, sums, _ = grown(np.column_stack([counts, buckets]), sums, how)
    times = rows["time_ns"].to_numpy()
    inside = times >= from_ns
    series_ids = rows["series_id"].to_numpy()[inside].astype(np.int64)
    steps = (times[inside] - from_ns) // step_ns if step_ns else np.zeros_like(times[inside])
    each = int(steps.max(initial=0)) + 1
    keys, totals, total_sums = summed(series_ids * each + steps, values[inside], sums[inside])
    return [
        HistogramIncrease(
            series_id=int(key) // each,
            count=int(total[0]),
            sum=None if np.isnan(total_sum) else float(total_sum),
            bounds=bounds,
            counts=tuple(total[1:].tolist()),
            bucket_ns=from_ns + int(key) % each * step_ns if step_ns else None,
        )
        for key, total, total_sum in zip(keys, totals, total_sums, strict=True)
    ]


def _bucket(time_ns: int, from_ns: int, step_ns: int) -> int:
    return from_ns + (time_ns - from_ns) // step_ns * step_ns


def _one_by_one(stream: pa.Table) -> list[Exponential]:
    """Return what each row of a stream counts, whatever its scale."""
    grown_by: list[Exponential] = []
    last: Exponential | None = None
    for row in stream.to_pylist():
        value = value_of(row)
        grown_by.append(_exponential_grown(row, value, last))
        last = value
    return grown_by


def _exponential_grown(
    row: dict[str, Any], value: Exponential, last: Exponential | None
) -> Exponential:
    if row["temporality"] != CUMULATIVE:
        return value
    if last is None:
        return value if row["is_news"] else EMPTY
    new = subtract(value, last)
    return value if new is None else new
