"""Samples of who exports: ``target_info`` is 1 whenever a resource was heard, once a minute.

And when an exporter was last heard, as ``/metrics/mesh`` tells it. Never
reads a resource; ``streams`` has made the labels. The times are those of heartbeats, to 10 s.
https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#resource-attributes
"""

from collections.abc import Sequence
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from collector.prometheus.grid import Grid
from collector.prometheus.points import Owners, Rows, Window, in_order, integers, owners, samples
from collector.prometheus.streams import Series
from collector.promql.samples import STALE, Samples

RETIRED_S: Final = 3600
"""A proxy that was not heard for so long is no series any more, as in ``/metrics/mesh``."""


def read_targets(
    cursor: duckdb.DuckDBPyConnection, series: Sequence[Series], window: Window
) -> Samples:
    """Read one sample a minute, at the last 10 s in which the resource was heard."""
    owned = owners(series)
    from_s, to_s = -(-window.from_ms // 1000), window.to_ms // 1000
    table = cursor.execute(
        "SELECT resource_id, max(bucket_s) AS at_s FROM heartbeats"
        " SEMI JOIN (SELECT unnest(?::INTEGER[]) AS resource_id) USING (resource_id)"
        " WHERE bucket_s >= ? AND bucket_s <= ? GROUP BY resource_id, bucket_s // 60",
        [owned.streams, from_s, to_s],
    ).to_arrow_table()
    times_ms = integers(table["at_s"]) * 1000
    rows = Rows(_owner(table, owned), times_ms, np.ones(len(times_ms)))
    return samples(in_order(rows), [one.labels for one in series], window)


def read_last_seen(
    cursor: duckdb.DuckDBPyConnection, series: Sequence[Series], grid: Grid
) -> Samples:
    """Read at each time of the grid the newest heartbeat before it, in unix seconds."""
    owned = owners(series)
    ends_s = grid.ends_s
    first_s, last_s = (int(ends_s[0]), int(ends_s[-1])) if len(ends_s) else (0, 0)
    table = cursor.execute(
        "SELECT resource_id, bucket_s FROM heartbeats"
        " SEMI JOIN (SELECT unnest(?::INTEGER[]) AS resource_id) USING (resource_id)"
        " WHERE bucket_s < ? QUALIFY bucket_s >= ? OR bucket_s = max(bucket_s)"
        " FILTER (bucket_s < ?) OVER (PARTITION BY resource_id)",
        [owned.streams, last_s, first_s, first_s],
    ).to_arrow_table()
    owner, heard_s = _owner(table, owned), integers(table["bucket_s"])
    parts = [
        _beats(position, np.sort(heard_s[owner == position]), grid)
        for position in range(len(series))
    ]
    ids, times_ms, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    window = Window(int(grid.times_ms[0]), int(grid.times_ms[-1])) if len(ends_s) else Window(0, 0)
    return samples(Rows(ids, times_ms, values), [one.labels for one in series], window)


def _beats(
    position: int, beats: NDArray[np.int64], grid: Grid
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the samples of one series, with a stale marker where an exporter has retired."""
    newest = np.searchsorted(beats, grid.ends_s) - 1
    last_s = beats[np.maximum(newest, 0)] if len(beats) else np.zeros(len(newest), np.int64)
    is_known = (newest >= 0) & (last_s >= grid.times_ms // 1000 - RETIRED_S)
    has_retired = ~is_known & np.concatenate(([False], is_known[:-1]))
    shown = is_known | has_retired
    values = np.where(is_known, last_s, STALE)[shown]
    return np.full(len(values), position), grid.times_ms[shown], values


def _owner(table: pa.Table, owned: Owners) -> NDArray[np.int64]:
    position = dict(zip(owned.streams, owned.positions, strict=True))
    found = [position[one] for one in table["resource_id"].to_pylist()]
    return np.array(found, np.int64)
