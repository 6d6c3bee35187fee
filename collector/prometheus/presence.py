"""How many points the streams of series have in a window: to cut blocks, and to list what exists.

Never reads a value. https://prometheus.io/docs/prometheus/latest/querying/api/#querying-metadata
"""

from collections.abc import Sequence

import duckdb

from collector.prometheus.columns import seats, tally
from collector.prometheus.points import Window, owners
from collector.prometheus.streams import Series
from collector.store.metrics import PointTable


def counts_in(
    cursor: duckdb.DuckDBPyConnection, series: Sequence[Series], window: Window
) -> list[int]:
    """Return the number of points of each series of one table; of deltas all up to the end."""
    owned = owners(series)
    given = seats(owned.streams, owned.positions, len(series))
    rows = cursor.execute(
        f"SELECT series_id AS stream, count(*) AS rows FROM {series[0].table}"
        f" WHERE series_id BETWEEN {given.first} AND {given.last}"
        " AND time_ns >= ? AND time_ns < ? GROUP BY ALL",
        owned.window_ns(window),
    ).to_arrow_table()
    found: list[int] = tally(rows, given).tolist()
    return found


def count_all(
    cursor: duckdb.DuckDBPyConnection, table: PointTable, window_ns: tuple[int, int]
) -> int:
    """Return the number of all points in a window: a quick bound."""
    row = cursor.execute(
        f"SELECT count(*) FROM {table} WHERE time_ns >= ? AND time_ns < ?", window_ns
    ).fetchone()
    return 0 if row is None else int(row[0])
