"""Values of the counters derived from edges: at each time t, what was counted in [0, t).

They never reset, and begin with a sample of 0 at the start of their first bucket, so that the first
request counts in a rate. Never reads more than one block of edges at a time. Where retention takes
the oldest hours away, all values fall alike, between two queries and never within one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from collector.edges import LATENCY_BUCKETS, latency_bound_us
from collector.prometheus.edges import EdgeSeries
from collector.prometheus.families import LATENCIES
from collector.prometheus.grid import Grid, Region
from collector.promql.samples import Labels, Samples
from collector.store.tiers import TIERS_S, split

Table = Literal["sli", "latency"]

_MILLIS: Final = np.array(
    [
        0.032,
        *(
            np.sqrt(latency_bound_us(bucket - 1) * latency_bound_us(bucket)) / 1e3
            for bucket in range(1, LATENCY_BUCKETS + 1)
        ),
        latency_bound_us(LATENCY_BUCKETS) / 1e3,
    ]
)
"""The middle of each latency bucket, by ratio as its bounds are: at most 4.4 % from any of it."""
_COLUMNS: Final[Mapping[Table, tuple[str, ...]]] = {
    "sli": ("requests", "attempts"),
    "latency": ("count",),
}


@dataclass(frozen=True, slots=True)
class Increments:
    """What came between two samples of a grid, the first holds all before it. Long format,
    sorted by edge.

    edges: edge ids. steps: position in the grid. keys: latency bucket, 0 for requests.
    counts: one array for each column.
    """

    edges: NDArray[np.int64]
    steps: NDArray[np.int64]
    keys: NDArray[np.int64]
    counts: tuple[NDArray[np.int64], ...]

    def of(self, edges: Iterable[int]) -> "Increments":
        """Return the rows of some edges."""
        pairs = [np.searchsorted(self.edges, (edge, edge + 1)) for edge in edges]
        none = np.empty(0, np.int64)
        chosen = np.concatenate([none, *(np.arange(low, high) for low, high in pairs)])
        return Increments(
            self.edges[chosen],
            self.steps[chosen],
            self.keys[chosen],
            tuple(column[chosen] for column in self.counts),
        )


@dataclass(frozen=True, slots=True)
class _Column:
    """One series: its value at every step, and the first step that has a sample."""

    labels: Labels
    values: NDArray[np.float64]
    first: int


def first_buckets(cursor: duckdb.DuckDBPyConnection) -> dict[str, int | None]:
    """Return the oldest bucket of each tier."""
    found: dict[str, int | None] = {}
    for tier in TIERS_S:
        row = cursor.execute(
            f"SELECT least((SELECT min(bucket_s) FROM sli_{tier}),"
            f" (SELECT min(bucket_s) FROM latency_{tier}))"
        ).fetchone()
        found[tier] = None if row is None or row[0] is None else int(row[0])
    return found


def read_counters(
    cursor: duckdb.DuckDBPyConnection,
    series: Sequence[EdgeSeries],
    grid: Grid,
    spans: Sequence[Region],
    les: Sequence[int] | None = None,
) -> Samples:
    """Read series of one family; ``les`` are the positions of the bounds to show; None: all.

    Series that have counted nothing before the last sample are left out.
    """
    family = series[0].family
    table: Table = "latency" if family.measure in LATENCIES else "sli"
    edges = sorted({edge.edge_id for one in series for edge in one.edges})
    read = _increments(cursor, table, edges, grid, spans)
    columns = [
        column
        for one in series
        for column in _columns(one, read.of(edge.edge_id for edge in one.edges), grid, les)
    ]
    return _samples(columns, grid)


def _increments(
    cursor: duckdb.DuckDBPyConnection,
    table: Table,
    edges: Sequence[int],
    grid: Grid,
    spans: Sequence[Region],
) -> Increments:
    first_s, last_s = int(grid.ends_s[0]), int(grid.ends_s[-1])
    key = "latency_bucket" if table == "latency" else "0"
    sums = ", ".join(f"sum({column})::BIGINT AS {column}" for column in _COLUMNS[table])
    where = "edge_id IN (SELECT unnest(?::INTEGER[]))"
    parts = [
        f"SELECT edge_id, {first_s} AS end_s, {key} AS key, {', '.join(_COLUMNS[table])}"
        f" FROM {table}_{part.tier} WHERE bucket_s >= {part.from_s} AND bucket_s < {part.to_s}"
        f" AND {where}"
        for part in split(0, first_s)
    ]
    for span in spans:
        length = TIERS_S[span.tier]
        from_s, to_s = max(span.from_s, first_s), min(span.to_s, last_s)
        if from_s < to_s:
            parts.append(
                f"SELECT edge_id, bucket_s + {length} AS end_s, {key} AS key,"
                f" {', '.join(_COLUMNS[table])} FROM {table}_{span.tier}"
                f" WHERE bucket_s >= {from_s} AND bucket_s < {to_s} AND {where}"
            )
    rows = cursor.execute(
        f"SELECT edge_id, end_s, key, {sums} FROM ({' UNION ALL '.join(parts)}) GROUP BY ALL"
        " ORDER BY edge_id",
        [list(edges)] * len(parts),
    ).to_arrow_table()
    return Increments(
        _integers(rows["edge_id"]),
        np.searchsorted(grid.ends_s, _integers(rows["end_s"])),
        _integers(rows["key"]),
        tuple(_integers(rows[column]) for column in _COLUMNS[table]),
    )


def _columns(
    one: EdgeSeries, read: Increments, grid: Grid, les: Sequence[int] | None
) -> list[_Column]:
    """Return the series that ``one`` becomes: several when it has buckets."""
    size = len(grid.ends_s)
    first = _first(read.steps, size)
    match one.family.measure:
        case "requests" | "durations":
            values = _total(read.steps, read.counts[0], size)
        case "attempts":
            values = _total(read.steps, read.counts[1], size)
        case "retries":
            values = _retries(read, size)
        case "arrivals":
            values = _arrivals(one, read, size)
        case "seconds":
            values = _total(read.steps, read.counts[0] * _MILLIS[read.keys] / 1e3, size)
        case "milliseconds":
            values = _total(read.steps, read.counts[0] * _MILLIS[read.keys], size)
        case "buckets":
            return _buckets(one, read, size, les)
    return [_Column(one.labels, values, first)]


def _buckets(
    one: EdgeSeries, read: Increments, size: int, les: Sequence[int] | None
) -> list[_Column]:
    bounds = (*one.family.bounds, (LATENCY_BUCKETS + 1, "+Inf"))
    first = _first(read.steps, size)
    found = []
    for last, le in bounds if les is None else [bounds[place] for place in les]:
        within = read.keys <= last
        values = _total(read.steps[within], read.counts[0][within], size)
        found.append(_Column(tuple(sorted((*one.labels, ("le", le)))), values, first))
    return found


def _total(
    steps: NDArray[np.int64], amounts: NDArray[np.int64] | NDArray[np.float64], size: int
) -> NDArray[np.float64]:
    """Return the running sum at each step; exact, as sums of integers below 2^53 are."""
    sums: NDArray[np.float64] = np.cumsum(np.bincount(steps, amounts, size)[:size])
    return sums


def _retries(read: Increments, size: int) -> NDArray[np.float64]:
    """Return attempts beyond requests, never below 0 for an edge, as ``reader.edge_counts``."""
    found = np.zeros(size)
    for edge in np.unique(read.edges):
        own = read.edges == edge
        requests, attempts = (_total(read.steps[own], one[own], size) for one in read.counts)
        found += np.maximum(attempts - requests, 0)
    return found


def _arrivals(one: EdgeSeries, read: Increments, size: int) -> NDArray[np.float64]:
    """Return what the best of the signals that tell anything counted, of one result."""
    telling = set(np.unique(read.edges).tolist())
    best = min((edge.rank for edge in one.edges if edge.edge_id in telling), default=0)
    wants_errors = dict(one.labels)["result"] == "error"
    counting = read.of(
        edge.edge_id
        for edge in one.edges
        if edge.rank == best and edge.is_error == wants_errors and edge.edge_id in telling
    )
    return _total(counting.steps, counting.counts[0], size)


def _first(steps: NDArray[np.int64], size: int) -> int:
    """Return the first step with a sample: one before the first count; ``size`` for none."""
    return max(int(steps.min()) - 1, 0) if len(steps) else size


def _samples(columns: Sequence[_Column], grid: Grid) -> Samples:
    kept = [column for column in columns if column.first < len(grid.ends_s)]
    lengths = [len(column.values) - column.first for column in kept]
    return Samples(
        labels=[column.labels for column in kept],
        offsets=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        times_ms=np.concatenate(
            [grid.times_ms[:0], *(grid.times_ms[column.first :] for column in kept)]
        ),
        values=np.concatenate([np.empty(0), *(column.values[column.first :] for column in kept)]),
    )


def _integers(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(column.to_numpy(), np.int64)
