"""Points of SLI series -> what is added to the rollups of every tier.

Never reads a table: ids come from ``Dictionaries``, deltas from ``Counters``, and which row counts
from ``Precedence``, all undone with their transaction. A delta belongs to the 10 s bucket of its
point's time.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from collector.otlp.batch import CUMULATIVE, Batch, Resource, Series
from collector.otlp.counters import Counters, Values
from collector.otlp.dialects import find_sli, may_be_sli
from collector.otlp.exponential import Exponential
from collector.otlp.exponential import latency_counts as exponential_latency_counts
from collector.otlp.exponential_rows import value_of
from collector.otlp.histograms import Bounds, dense
from collector.otlp.slis import Sli, latency_counts
from collector.semconv import REMOTE_WRITE
from collector.store.dictionaries import Dictionaries
from collector.store.precedence import Precedence
from collector.store.tiers import TIERS_S

_SECOND_NS: Final = 10**9
_MAX_COUNT: Final = 2**53
_MAX_SLIS: Final = 200_000
"""Series whose edge is remembered; it is found again when it was forgotten."""


class _New:
    """Says that a series has not been looked at yet."""


_NEW: Final = _New()


@dataclass(slots=True)
class Rollups:
    """Sums of the open transaction."""

    dictionaries: Dictionaries
    counters: Counters
    precedence: Precedence
    requests: Counter[tuple[int, int]] = field(default_factory=Counter)
    attempts: Counter[tuple[int, int]] = field(default_factory=Counter)
    latency: Counter[tuple[int, int, int]] = field(default_factory=Counter)
    _slis: dict[Series, Sli | None] = field(default_factory=dict)

    def add(self, batch: Batch, resources: Sequence[int], series: Sequence[Series]) -> None:
        """Add the SLI points of a batch; ``series`` already bear ids for their resource."""
        for heard in batch.heard:
            self.counters.hear(resources[heard.resource], heard.start_ns, heard.time_ns)
        slis = self._slis_of(batch, series)
        if not slis:
            return
        wanted = np.zeros(len(series), np.bool_)
        wanted[list(slis)] = True
        for row in _rows(batch.points, wanted):
            value = _whole(row["value_int"], row["value_double"])
            if value is not None:
                self._count(series[row["series"]], slis[row["series"]], row, value)
        for row in _rows(batch.histograms, wanted):
            bounds = batch.bounds[row["bounds"]]
            self._time(series[row["series"]], slis[row["series"]], row, bounds)
        for row in _rows(batch.exponentials, wanted):
            self._time_exponential(series[row["series"]], slis[row["series"]], row)

    def tables(self) -> dict[str, pa.Table]:
        """Return the new rows of all tiers, without zeros."""
        tables: dict[str, pa.Table] = {}
        for tier, length in TIERS_S.items():
            counts: dict[tuple[int, int], list[int]] = {}
            for column, counter in enumerate((self.requests, self.attempts)):
                for (bucket_s, edge_id), count in counter.items():
                    key = bucket_s - bucket_s % length, edge_id
                    counts.setdefault(key, [0, 0])[column] += count
            latency: Counter[tuple[int, int, int]] = Counter()
            for (bucket_s, edge_id, bucket), count in self.latency.items():
                latency[bucket_s - bucket_s % length, edge_id, bucket] += count
            tables[f"sli_{tier}"] = _table(
                ("bucket_s", "edge_id", "requests", "attempts"),
                [(*key, *pair) for key, pair in counts.items()],
            )
            tables[f"latency_{tier}"] = _table(
                ("bucket_s", "edge_id", "latency_bucket", "count"),
                [(*key, count) for key, count in latency.items()],
            )
        return tables

    def first_s(self) -> float:
        """Return the earliest bucket that is added to; infinite for none."""
        keys = chain(self.requests, self.attempts, self.latency)
        return min((key[0] for key in keys), default=math.inf)

    def clear(self) -> None:
        """Start the sums of the next transaction."""
        self.requests.clear()
        self.attempts.clear()
        self.latency.clear()

    def _slis_of(self, batch: Batch, series: Sequence[Series]) -> dict[int, Sli]:
        if len(self._slis) > _MAX_SLIS:
            self._slis.clear()
        found: dict[int, Sli] = {}
        for position, one in enumerate(series):
            sli = self._slis.get(one, _NEW)
            if isinstance(sli, _New):
                resource = batch.resources[batch.series[position].resource]
                sli = self._slis[one] = _sli(one, resource)
            if sli is not None:
                found[position] = sli
        return found

    def _count(self, series: Series, sli: Sli, row: Mapping[str, Any], value: int) -> None:
        (delta,) = self._delta(series, row, (value,))
        if not delta or sli.kind == "duration":
            return
        key = self._key(sli, row)
        if sli.kind != "attempts":
            self.requests[key] += delta
        if sli.kind != "requests":
            self.attempts[key] += delta

    def _time(self, series: Series, sli: Sli, row: Mapping[str, Any], bounds: Bounds) -> None:
        if row["count"] is None:
            return
        counts = dense(len(bounds), row["first_bucket"], row["bucket_counts"])
        deltas = self._delta(series, row, counts)
        if sli.kind == "duration" and any(deltas):
            self._spread(sli, row, latency_counts(bounds, deltas, sli.scale_us))

    def _time_exponential(self, series: Series, sli: Sli, row: Mapping[str, Any]) -> None:
        if row["count"] is None:
            return
        new: Exponential | None = value_of(row)
        if series.temporality == CUMULATIVE and new is not None:
            series_id = self.dictionaries.series.id_of(series)
            new = self.counters.advance_exponential(
                series_id, series.resource, row["start_ns"], row["time_ns"], new
            )
        if sli.kind == "duration" and new is not None:
            self._spread(sli, row, exponential_latency_counts(new, sli.scale_us))

    def _spread(self, sli: Sli, row: Mapping[str, Any], latencies: Mapping[int, int]) -> None:
        if latencies:
            bucket_s, edge_id = self._key(sli, row)
            for bucket, count in latencies.items():
                self.latency[bucket_s, edge_id, bucket] += count

    def _key(self, sli: Sli, row: Mapping[str, Any]) -> tuple[int, int]:
        """Return the bucket, and the row that takes the counts in it."""
        bucket_s = _bucket_s(row)
        edge = self.precedence.place(sli.edge, bucket_s)
        return bucket_s, self.dictionaries.edges.id_of(edge)

    def _delta(self, series: Series, row: Mapping[str, Any], values: Values) -> Values:
        if series.temporality != CUMULATIVE:
            return values
        series_id = self.dictionaries.series.id_of(series)
        return self.counters.advance(
            series_id, series.resource, row["start_ns"], row["time_ns"], values
        )


def _sli(series: Series, resource: Resource) -> Sli | None:
    if series.scope == REMOTE_WRITE or not may_be_sli(series.name):
        return None  # a Prometheus writes totals as gauges (ADR 9)
    found = find_sli(series.name, series.unit, orjson.loads(series.attributes), resource)
    if found is None:
        return None
    return replace(found, edge=replace(found.edge, workload=resource.version))


def _rows(table: pa.Table, wanted: NDArray[np.bool_]) -> Iterator[dict[str, Any]]:
    """Give the rows of the wanted series."""
    if len(table):
        chosen = np.flatnonzero(wanted[table["series"].to_numpy()])
        if len(chosen):
            yield from table.take(pa.array(chosen)).to_pylist()


def _whole(number: int | None, real: float | None) -> int | None:
    """Return a count; None when the value is none: a fraction, negative, NaN, absurdly large."""
    if number is None and real is not None and real.is_integer():
        number = int(real)
    return number if number is not None and 0 <= number < _MAX_COUNT else None


def _bucket_s(row: Mapping[str, Any]) -> int:
    return int(row["time_ns"]) // (TIERS_S["10s"] * _SECOND_NS) * TIERS_S["10s"]


def _table(names: Sequence[str], rows: list[tuple[int, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.table(
        {name: pa.array(column, pa.int64()) for name, column in zip(names, columns, strict=True)}
    )
