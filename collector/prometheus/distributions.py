"""Points of histograms and summaries -> Samples: cumulative buckets, quantiles, native histograms.

Buckets of one point become a sample in each series, at the same time. Bounds may change in the life
of a stream: a series lives as long as its bound is reported. Never merges bounds, never guesses a
bucket. https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#histograms
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from collector.otlp.exponential import EMPTY, Exponential, merge
from collector.otlp.exponential_rows import value_of
from collector.otlp.histograms import Bounds, dense
from collector.prometheus.numbers import positional
from collector.prometheus.points import (
    Positions,
    Rows,
    Window,
    deltas,
    doubles,
    in_order,
    integers,
    owners,
    positions,
    samples,
    scan,
)
from collector.prometheus.streams import Series
from collector.promql.native import Histogram, ResetHint, custom, from_exponential
from collector.promql.samples import STALE, Labels, Samples

Fits = Callable[[str], bool]
"""Judges the value of an open label: ``le`` or ``quantile``."""


@dataclass(slots=True)
class _Opened:
    """Positions of series with their open labels, in the order in which they were met."""

    series: Sequence[Series]
    name: str
    positions: dict[tuple[int, str], int] = field(default_factory=dict)

    def of(self, position: int, value: str) -> int:
        return self.positions.setdefault((position, value), len(self.positions))

    def gaps(self, owner: Positions, times: NDArray[np.int64]) -> Rows:
        """Return a stale marker in every series met of those owners."""
        found = [
            (number, time)
            for position, time in zip(owner.tolist(), times.tolist(), strict=True)
            for (met, _), number in self.positions.items()
            if met == position
        ]
        ids, at = zip(*found, strict=True) if found else ((), ())
        return Rows(np.array(ids, np.int64), np.array(at, np.int64), np.full(len(found), STALE))

    def labels(self) -> list[Labels]:
        return [
            tuple(sorted((*self.series[position].labels, (self.name, value))))
            for position, value in self.positions
        ]


def read_buckets(
    cursor: duckdb.DuckDBPyConnection, series: Sequence[Series], window: Window, fits: Fits
) -> Samples:
    """Read the ``_bucket`` series of histograms whose ``le`` fits."""
    owned = owners(series)
    columns = "count::DOUBLE AS count, bounds_id, first_bucket, bucket_counts"
    table = scan(cursor, "histogram_points", columns, owned, window, is_ordered=True)
    bounds = _bounds(cursor, table)
    owner, is_delta = positions(table), deltas(table, owned)
    times, bounds_ids = integers(table["time_ms"]), integers(table["bounds_id"])
    is_gap = table["count"].is_null().to_numpy()
    opened = _Opened(series, "le")
    parts: list[Rows] = []
    for bounds_id, limits in bounds.items():
        at = np.flatnonzero((bounds_ids == bounds_id) & ~is_gap)
        les = [*map(positional, limits), "+Inf"]
        chosen = [column for column, le in enumerate(les) if fits(le)]
        met, place = np.unique(owner[at], return_inverse=True)
        names = [les[column] for column in chosen]
        ids = [[opened.of(one, name) for name in names] for one in met.tolist()]
        counts = _cumulative(table.take(at), limits)[:, chosen]
        parts.append(
            Rows(
                np.array(ids, np.int64).reshape(len(met), len(chosen))[place].ravel(),
                np.repeat(times[at], len(chosen)),
                counts.ravel(),
                None if is_delta is None else np.repeat(is_delta[at], len(chosen)),
            )
        )
    parts.append(opened.gaps(owner[is_gap], times[is_gap]))
    return samples(in_order(_together(parts)), opened.labels(), window)


def read_quantiles(
    cursor: duckdb.DuckDBPyConnection, series: Sequence[Series], window: Window, fits: Fits
) -> Samples:
    """Read the quantiles of summaries that fit; a gap is one of all quantiles met."""
    owned = owners(series)
    columns = "count IS NULL AS is_gap, quantiles, quantile_values"
    table = scan(cursor, "summary_points", columns, owned, window, is_ordered=True)
    opened = _Opened(series, "quantile")
    owner, times = positions(table), integers(table["time_ms"])
    is_gap = table["is_gap"].to_numpy()
    found = [
        (opened.of(position, text), time_ms, value)
        for position, time_ms, row in zip(
            owner.tolist(), times.tolist(), table.to_pylist(), strict=True
        )
        if not row["is_gap"]
        for quantile, value in zip(row["quantiles"], row["quantile_values"], strict=True)
        if fits(text := positional(quantile))
    ]
    ids, at, values = zip(*found, strict=True) if found else ((), (), ())
    rows = Rows(np.array(ids, np.int64), np.array(at, np.int64), np.array(values, np.float64))
    gaps = opened.gaps(owner[is_gap], times[is_gap])
    return samples(in_order(_together([rows, gaps])), opened.labels(), window)


def read_natives(
    cursor: duckdb.DuckDBPyConnection, series: Sequence[Series], window: Window
) -> Samples:
    """Read exponential histograms as native ones; gaps are stale markers.

    Scales below -4 are coarser than native histograms can be: such points are left out.
    """
    owned = owners(series)
    columns = (
        "count, sum, min, max, scale, zero_count, zero_threshold, positive_offset,"
        " positive_counts, negative_offset, negative_counts"
    )
    readable = " AND scale >= -4"
    table = scan(cursor, "exponential_points", columns, owned, window, readable, is_ordered=True)
    owner, times, is_delta = positions(table), integers(table["time_ms"]), deltas(table, owned)
    histograms = np.full(len(times), None, object)
    values = np.zeros(len(times))
    sums = dict.fromkeys(range(len(series)), EMPTY)
    points = table.to_pylist()
    for place in np.lexsort((times, owner)).tolist():
        row = points[place]
        if row["count"] is None:
            values[place] = STALE
            continue
        point = value_of(row)
        if is_delta is not None and is_delta[place]:
            position = int(owner[place])
            point = sums[position] = merge(sums[position], point)
        histograms[place] = _as_written(series[int(owner[place])], point)
    rows = Rows(owner, times, values, None, histograms)
    return samples(in_order(rows), [one.labels for one in series], window)


def read_customs(
    cursor: duckdb.DuckDBPyConnection, series: Sequence[Series], window: Window
) -> Samples:
    """Read explicit-bound histograms as native ones with custom buckets; as they were written."""
    owned = owners(series)
    columns = "count, sum, bounds_id, first_bucket, bucket_counts"
    table = scan(cursor, "histogram_points", columns, owned, window, is_ordered=True)
    bounds, owner = _bounds(cursor, table), positions(table)
    histograms = np.full(len(table), None, object)
    values = np.zeros(len(table))
    for place, row in enumerate(table.to_pylist()):
        if row["count"] is None:
            values[place] = STALE
            continue
        limits = bounds[row["bounds_id"]]
        counts = dense(len(limits), row["first_bucket"], row["bucket_counts"])
        counts = counts or tuple(row["bucket_counts"])  # without bounds there is one bucket
        total = 0.0 if row["sum"] is None else row["sum"]
        found = custom(limits, counts, total=total, count=row["count"])
        histograms[place] = replace(found, hint=_hint(series[int(owner[place])]))
    rows = Rows(owner, integers(table["time_ms"]), values, None, histograms)
    return samples(in_order(rows), [one.labels for one in series], window)


def _as_written(series: Series, point: Exponential) -> Histogram:
    """Return a native histogram; the zero threshold of a written one is as it came, also if 0."""
    found = from_exponential(point, _hint(series))
    return replace(found, zero_threshold=point.zero_threshold) if series.written else found


def _hint(series: Series) -> ResetHint:
    return ResetHint.GAUGE if series.written == "gauge" else ResetHint.UNKNOWN


def _bounds(cursor: duckdb.DuckDBPyConnection, table: pa.Table) -> dict[int, Bounds]:
    ids = table["bounds_id"].unique().to_pylist()
    rows = cursor.execute(
        "SELECT bounds_id, bounds FROM bounds WHERE list_contains(?::INTEGER[], bounds_id)", [ids]
    ).fetchall()
    return {number: tuple(bounds) for number, bounds in rows}


def _cumulative(table: pa.Table, bounds: Bounds) -> NDArray[np.float64]:
    """Return counts up to each bound, and of all, of points that are no gaps."""
    lists = table["bucket_counts"].combine_chunks()
    offsets = np.asarray(lists.offsets.to_numpy(), np.int64)
    lengths = np.diff(offsets)
    below = np.zeros((len(table), len(bounds) + 1))
    row = np.repeat(np.arange(len(table)), lengths)
    within = np.arange(len(row)) - np.repeat(offsets[:-1] - offsets[0], lengths)
    column = np.repeat(integers(table["first_bucket"]), lengths) + within
    counts = lists.values.to_numpy(zero_copy_only=False)[offsets[0] : offsets[-1]]
    below[row, column] = counts
    np.cumsum(below, axis=1, out=below)
    below[:, -1] = doubles(table["count"])
    return below


def _together(parts: Sequence[Rows]) -> Rows:
    has_deltas = any(part.is_delta is not None for part in parts)
    return Rows(
        np.concatenate([part.series for part in parts]),
        np.concatenate([part.times_ms for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([_deltas(part) for part in parts]) if has_deltas else None,
    )


def _deltas(rows: Rows) -> NDArray[np.bool_]:
    return np.zeros(len(rows.series), np.bool_) if rows.is_delta is None else rows.is_delta
