"""By how much sums and histograms grew in a window, exactly: the rules of ``Counters``, in bulk.

Never extrapolates. A difference belongs to the time of its later point. The values of one start
time are compared with each other only; a fall is a reset. The first value of a start counts in full
when its exporter is news or was heard before, and is a baseline otherwise; so it is too when it
is only the first that retention has left. Delta points add up as they are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa

from collector.otlp.batch import CUMULATIVE
from collector.otlp.counters import SAME_EXPORT_NS
from collector.otlp.exponential import EMPTY, Exponential, merge, subtract
from collector.otlp.exponential_rows import value_of
from collector.otlp.histograms import dense
from collector.store.metrics import PointTable

_NUMBER: Final = "coalesce(value_double, value_int::DOUBLE)"
_IS_VALUE: Final[dict[PointTable, str]] = {
    "metric_points": f"isfinite({_NUMBER})",
    "histogram_points": "count IS NOT NULL",
    "exponential_points": "count IS NOT NULL",
}


@dataclass(frozen=True, slots=True)
class HistogramIncrease:
    """What a histogram counted in a window; ``counts`` of all buckets, () without bounds."""

    series_id: int
    count: int
    sum: float | None
    bounds: tuple[float, ...]
    counts: tuple[int, ...]


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
    cursor: duckdb.DuckDBPyConnection, series_ids: Sequence[int], from_ns: int, to_ns: int
) -> list[HistogramIncrease]:
    """Return what each histogram counted in the window, once for each of its bounds."""
    sql = f"SELECT * FROM ({_rows_sql('histogram_points')}) JOIN bounds USING (bounds_id)"
    rows = cursor.execute(
        f"{sql} ORDER BY series_id, bounds_id, start_ns, time_ns, count",
        _values(series_ids, from_ns, to_ns),
    ).to_arrow_table()
    found: dict[tuple[int, int], HistogramIncrease] = {}
    for group in _groups(rows.to_pylist(), ("series_id", "bounds_id", "start_ns")):
        grown = _histogram_grown(group, from_ns)
        if grown is not None:
            key = grown.series_id, group[0]["bounds_id"]
            found[key] = _together(found[key], grown) if key in found else grown
    return list(found.values())


def exponential_increase(
    cursor: duckdb.DuckDBPyConnection, series_ids: Sequence[int], from_ns: int, to_ns: int
) -> dict[int, Exponential]:
    """Return by series what each exponential histogram counted in the window."""
    rows = cursor.execute(
        f"{_rows_sql('exponential_points')} ORDER BY series_id, start_ns, time_ns, count",
        _values(series_ids, from_ns, to_ns),
    ).to_arrow_table()
    found: dict[int, Exponential] = {}
    for group in _groups(rows.to_pylist(), ("series_id", "start_ns")):
        last: Exponential | None = None
        for row in group:
            value = value_of(row)
            if row["time_ns"] >= from_ns:
                sofar = found.get(row["series_id"], EMPTY)
                found[row["series_id"]] = merge(sofar, _exponential_grown(row, value, last))
            last = value
    return found


def _rows_sql(table: PointTable) -> str:
    """Select the values in the window, and the last one before it of each series and start.

    Parameters: see ``_values``. ``is_news`` tells of a value that would be the first of its start.
    """
    return f"""
    SELECT p.*, temporality,
        (time_ns <= s.first_ns OR start_ns >= (SELECT min(time_ns) FROM {table}))
        AND coalesce(e.is_news OR time_ns >= e.first_ns + {SAME_EXPORT_NS}, false) AS is_news
    FROM (
        SELECT * FROM {table} SEMI JOIN (SELECT unnest(?::INTEGER[]) AS series_id) USING (series_id)
        WHERE time_ns < ? AND {_IS_VALUE[table]}
        QUALIFY time_ns >= ? OR time_ns = max(time_ns) FILTER (time_ns < ?)
            OVER (PARTITION BY series_id, start_ns)
    ) p JOIN metric_series s USING (series_id)
    LEFT JOIN exporter_starts e USING (resource_id, start_ns)
    """


def _values(series_ids: Sequence[int], from_ns: int, to_ns: int) -> list[Any]:
    return [list(series_ids), to_ns, from_ns, from_ns]


def _groups(rows: list[dict[str, Any]], keys: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    for row in rows:
        if group and any(row[key] != group[0][key] for key in keys):
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _histogram_grown(group: list[dict[str, Any]], from_ns: int) -> HistogramIncrease | None:
    """Return what the points of one series, bounds and start counted from from_ns on."""
    first = group[0]
    bounds = tuple(first["bounds"])
    values = np.array(
        [
            (row["count"], *dense(len(bounds), row["first_bucket"], row["bucket_counts"]))
            for row in group
        ],
        dtype=np.int64,
    )
    sums = np.array([np.nan if row["sum"] is None else row["sum"] for row in group])
    if first["temporality"] == CUMULATIVE:
        steps, sum_steps = np.diff(values, axis=0), np.diff(sums)
        is_reset = (steps < 0).any(axis=1)
        steps[is_reset], sum_steps[is_reset] = values[1:][is_reset], sums[1:][is_reset]
        is_news = bool(first["is_news"])
        values = np.vstack([values[:1] * is_news, steps])
        sums = np.concatenate([sums[:1] * is_news, sum_steps])
    inside = np.array([row["time_ns"] >= from_ns for row in group])
    if not inside.any():
        return None
    count, *counts = values[inside].sum(axis=0).tolist()
    total = float(sums[inside].sum())
    return HistogramIncrease(
        series_id=first["series_id"],
        count=count,
        sum=None if np.isnan(total) else total,
        bounds=bounds,
        counts=tuple(counts),
    )


def _together(left: HistogramIncrease, right: HistogramIncrease) -> HistogramIncrease:
    known = left.sum is not None and right.sum is not None
    return HistogramIncrease(
        series_id=left.series_id,
        count=left.count + right.count,
        sum=(left.sum or 0.0) + (right.sum or 0.0) if known else None,
        bounds=left.bounds,
        counts=tuple(map(int.__add__, left.counts, right.counts)),
    )


def _exponential_grown(
    row: dict[str, Any], value: Exponential, last: Exponential | None
) -> Exponential:
    if row["temporality"] != CUMULATIVE:
        return value
    if last is None:
        return value if row["is_news"] else EMPTY
    new = subtract(value, last)
    return value if new is None else new
