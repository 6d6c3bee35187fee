"""Rows of points -> Samples: sorted by series and time, one sample a moment, gaps as stale markers.

Reads one table by one scan a block. The store keeps nanoseconds, Prometheus milliseconds: of points
that fall together the last that came wins. Delta points are added up from the first that the store
still has, so that they never fall within one answer; a gap of theirs adds nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from collector.prometheus.columns import labelled, placed, seats, without_twins
from collector.prometheus.streams import Part, Series
from collector.promql.samples import STALE, Labels, Samples
from collector.store.metrics import PointTable

NS_PER_MS: Final = 10**6
_SMALL: Final = 2**16
"""Fewer positions than this sort by their two bytes."""
_MANY: Final = 100
_DENSE: Final = 2
"""Streams between the first and the last id for each that is asked for."""
Positions = NDArray[np.int64] | NDArray[np.int32] | NDArray[np.uint16]
MAX_MS: Final = (2**63 - 1) // NS_PER_MS - 1

_VALUES: Final[dict[Part, str]] = {
    "value": "coalesce(value_double, value_int::DOUBLE)",
    "sum": "CASE WHEN count IS NOT NULL THEN sum END",
    "count": "count::DOUBLE",
}
_FOUND: Final[dict[Part, str]] = {"sum": " AND (sum IS NOT NULL OR count IS NULL)"}
"""A distribution without a sum has no sample of it; one without a count is a gap."""


@dataclass(frozen=True, slots=True)
class Window:
    """[from_ms, to_ms], both ends included, within what the store can hold."""

    from_ms: int
    to_ms: int

    @property
    def bounds_ns(self) -> tuple[int, int]:
        """The window as [from, to) in nanoseconds."""
        from_ms, to_ms = (min(max(end, 0), MAX_MS) for end in (self.from_ms, self.to_ms + 1))
        return from_ms * NS_PER_MS, to_ms * NS_PER_MS


@dataclass(frozen=True, slots=True)
class Rows:
    """Samples in any order: position of the series, time, value, and whether it is a delta."""

    series: Positions
    times_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    is_delta: NDArray[np.bool_] | None = None
    histograms: NDArray[Any] | None = None


@dataclass(frozen=True, slots=True)
class Owners:
    """Streams, the position among n series of the one that each feeds, and which are deltas."""

    streams: list[int]
    positions: list[int]
    are_deltas: list[bool]

    @property
    def are_dense(self) -> bool:
        """Whether the ids of the streams are most of those between the first and the last."""
        return max(self.streams) - min(self.streams) < _DENSE * len(self.streams)

    def window_ns(self, window: Window) -> tuple[int, int]:
        """Return from when to read: deltas are needed from the first on."""
        from_ns, to_ns = window.bounds_ns
        return (0 if any(self.are_deltas) else from_ns), to_ns


def owners(series: Sequence[Series]) -> Owners:
    """Return the streams of a block; no stream feeds two series of one part."""
    found = Owners([], [], [])
    for position, one in enumerate(series):
        found.streams.extend(one.streams)
        found.positions.extend([position] * len(one.streams))
        found.are_deltas.extend(stream in one.deltas for stream in one.streams)
    return found


def read_numbers(
    cursor: duckdb.DuckDBPyConnection, series: Sequence[Series], window: Window
) -> Samples:
    """Read series of one table and part: ``value``, ``sum`` or ``count``."""
    owned, labels = owners(series), [one.labels for one in series]
    if any(owned.are_deltas):
        return samples(in_order(_deltas(cursor, series[0], owned, window)), labels, window)
    given = seats(owned.streams, owned.positions, len(series))
    found = placed(_range(cursor, series[0], owned, window), given)
    if found.has_twins:  # which came last is sure only in the order of rows
        found = placed(_range(cursor, series[0], owned, window, is_ordered=True), given)
    return labelled(without_twins(found), labels)


def _deltas(
    cursor: duckdb.DuckDBPyConnection, first: Series, owned: Owners, window: Window
) -> Rows:
    columns, where = f"{_VALUES[first.part]} AS value", _FOUND.get(first.part, "")
    table = scan(cursor, first.table, columns, owned, window, where, is_ordered=True)
    return Rows(
        positions(table), integers(table["time_ms"]), doubles(table["value"]), deltas(table, owned)
    )


def _range(
    cursor: duckdb.DuckDBPyConnection,
    first: Series,
    owned: Owners,
    window: Window,
    *,
    is_ordered: bool = False,
) -> pa.Table:
    """Read (stream, time_ns, value) of some streams, and of others between their ids.

    A join would cost more than rows that nobody asked for, while they are not many more. Sorted
    rows lie behind hot ones that are younger: of many series they are read first, and need not be
    put before them later.
    """
    low, high = min(owned.streams), max(owned.streams)
    chosen = f"series_id BETWEEN {low} AND {high}"
    values: list[int | list[int]] = list(window.bounds_ns)
    if not owned.are_dense:
        chosen += " AND series_id IN (SELECT unnest($3::INTEGER[]))"
        values.append(owned.streams)
    sql = (
        f"SELECT series_id AS stream, time_ns, {_VALUES[first.part]} AS value FROM {first.table}"
        f" WHERE {chosen} AND time_ns >= $1 AND time_ns < $2{_FOUND.get(first.part, '')}"
    )
    if is_ordered:
        sql += " ORDER BY rowid"
    elif first.table == "metric_points" and len(owned.streams) >= _MANY:
        sql = f"{sql} AND is_sorted = 1 UNION ALL {sql} AND is_sorted = 0"
    return cursor.execute(sql, values).to_arrow_table()


def scan(
    cursor: duckdb.DuckDBPyConnection,
    table: PointTable,
    columns: str,
    owned: Owners,
    window: Window,
    where: str = "",
    *,
    is_ordered: bool = False,
) -> pa.Table:
    """Read position (of the series), is_delta, time_ms and columns of the streams in the window.

    ``is_ordered``: surely in the order in which they came. Else they come in pieces of that.
    """
    small = len(owned.positions) < _SMALL
    return cursor.execute(
        f"SELECT position, is_delta, time_ns // {NS_PER_MS} AS time_ms, {columns} FROM {table}"
        " JOIN (SELECT unnest(?::INTEGER[]) AS series_id,"
        f" unnest(?::{'USMALLINT' if small else 'INTEGER'}[]) AS position,"
        " unnest(?::BOOLEAN[]) AS is_delta) USING (series_id)"
        f" WHERE time_ns >= ? AND time_ns < ?{where}{' ORDER BY rowid' if is_ordered else ''}",
        [owned.streams, owned.positions, owned.are_deltas, *owned.window_ns(window)],
    ).to_arrow_table()


def in_order(rows: Rows) -> Rows:
    """Sort rows by series and time; those of one moment stay as they came."""
    if (rows.series[1:] < rows.series[:-1]).any():
        rows = _taken(rows, np.argsort(rows.series, kind="stable"))
    same = rows.series[1:] == rows.series[:-1]
    if (same & (rows.times_ms[1:] < rows.times_ms[:-1])).any():
        rows = _taken(rows, np.lexsort((rows.times_ms, rows.series)))
    return rows


def twins(rows: Rows) -> NDArray[np.bool_]:
    """Tell of each sorted row but the last whether the next has its series and time."""
    found: NDArray[np.bool_] = (rows.times_ms[1:] == rows.times_ms[:-1]) & (
        rows.series[1:] == rows.series[:-1]
    )
    return found


def samples(rows: Rows, labels: Sequence[Labels], window: Window) -> Samples:
    """Add deltas up, keep the last of equal times, cut to the window; empty series go.

    ``rows`` are in order.
    """
    if rows.is_delta is not None:
        rows = replace(rows, values=_added_up(rows.series, rows.values, rows.is_delta))
    is_inside = (rows.times_ms >= window.from_ms) & (rows.times_ms <= window.to_ms)
    if not is_inside.all():
        rows = _taken(rows, np.flatnonzero(is_inside))
    repeated = twins(rows)
    if repeated.any():
        rows = _taken(rows, np.flatnonzero(~np.append(repeated, False)))
    counts = np.bincount(rows.series, minlength=len(labels))
    filled = np.flatnonzero(counts)
    return Samples(
        labels=[labels[position] for position in filled.tolist()],
        offsets=np.concatenate(([0], np.cumsum(counts[filled]))).astype(np.int64),
        times_ms=rows.times_ms,
        values=rows.values,
        histograms=rows.histograms,
    )


def merged(labels: Labels, parts: Sequence[Samples]) -> Samples:
    """Return samples of several kinds as one series; at one moment the last part's is taken."""
    sizes = [len(part.values) for part in parts]
    histograms = np.full(sum(sizes), None, object)
    for end, size, part in zip(np.cumsum(sizes).tolist(), sizes, parts, strict=True):
        if part.histograms is not None:
            histograms[end - size : end] = part.histograms
    rows = Rows(
        np.zeros(sum(sizes), np.uint16),
        np.concatenate([np.empty(0, np.int64), *(part.times_ms for part in parts)]),
        np.concatenate([np.empty(0), *(part.values for part in parts)]),
        None,
        histograms,
    )
    return samples(in_order(rows), [labels], Window(0, MAX_MS))


def integers(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return a column without NULLs."""
    return np.asarray(column.to_numpy(), np.int64)


def doubles(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return a column of doubles with stale markers for NULL."""
    if not column.null_count:
        return np.asarray(column.to_numpy(), np.float64)
    values = np.array(column.to_numpy(), np.float64)
    values[column.is_null().to_numpy()] = STALE
    return values


def positions(table: pa.Table) -> Positions:
    """Return the position of the series of each row of a scan."""
    found: Positions = table["position"].to_numpy()
    return found


def deltas(table: pa.Table, owned: Owners) -> NDArray[np.bool_] | None:
    """Tell which rows of a scan are deltas; None when no stream is."""
    return np.asarray(table["is_delta"].to_numpy(), np.bool_) if any(owned.are_deltas) else None


def _taken(rows: Rows, places: NDArray[np.int64]) -> Rows:
    return Rows(
        rows.series[places],
        rows.times_ms[places],
        rows.values[places],
        None if rows.is_delta is None else rows.is_delta[places],
        None if rows.histograms is None else rows.histograms[places],
    )


def _added_up(
    series: Positions, values: NDArray[np.float64], is_delta: NDArray[np.bool_]
) -> NDArray[np.float64]:
    if not len(series):
        return values
    amounts = np.where(is_delta & np.isfinite(values), values, 0.0)
    starts = np.flatnonzero(series[1:] != series[:-1]) + 1
    sums = [np.cumsum(part) for part in np.split(amounts, starts)]
    return np.where(is_delta & np.isfinite(values), np.concatenate(sums), values)
