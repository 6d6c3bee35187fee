"""Points of refused series -> deltas, and deltas -> the points of one overflow series each.

Sums and histograms still add up there: cumulative values become deltas before they are mixed. Of a
gauge, an up-down sum and a summary the last value stays, for nothing else means anything. State is
in memory only and bounded: what it does not know after a restart is a baseline, not counted twice.
Spec: https://opentelemetry.io/docs/specs/otel/metrics/sdk/#overflow-attribute
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from collector.otlp.batch import CUMULATIVE, Batch, Series
from collector.otlp.cardinality import OVERFLOW_ATTRIBUTES
from collector.otlp.counters import Counters
from collector.otlp.exponential import merge
from collector.otlp.exponential_rows import row_of, value_of
from collector.otlp.histograms import dense, trim

DELTA: Final = 1
MAX_STREAMS: Final = 200_000
_TABLES: Final = ("points", "histograms", "exponentials", "summaries")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Diverted:
    """A batch whose refused series are overflow series, for the tables, and as deltas, for SLIs.

    ``series`` belong to both; they differ in nothing but the attributes and temporality of the
    refused ones: those of ``own`` have their own attributes.
    """

    stored: Batch
    series: tuple[Series, ...]
    counted: Batch
    own: tuple[Series, ...]


@dataclass(slots=True)
class Overflow:
    """Last values of refused cumulative series; their ids are hashes, none is interned."""

    counters: Counters = field(default_factory=Counters)

    def divert(self, batch: Batch, series: Sequence[Series], refused: frozenset[int]) -> Diverted:
        """Take the points of the series at these positions apart; ``series`` have resource ids."""
        own = tuple(
            replace(one, temporality=_temporality(one)) if position in refused else one
            for position, one in enumerate(series)
        )
        targets: dict[Series, int] = {}
        moved: dict[int, int] = {}
        for position in sorted(refused):
            target = replace(own[position], attributes=OVERFLOW_ATTRIBUTES)
            moved[position] = targets.setdefault(target, len(series) + len(targets))
        stored: dict[str, pa.Table] = {"exemplars": _moved(batch.exemplars, moved)}
        counted: dict[str, pa.Table] = {}
        for name in _TABLES:
            table: pa.Table = getattr(batch, name)
            mask = pc.is_in(table["series"], value_set=pa.array(sorted(refused), pa.int32()))
            kept, rows = table.filter(pc.invert(mask)), table.filter(mask).to_pylist()
            deltas = [
                delta
                for row in rows
                if (delta := self._delta(name, row, series[row["series"]], batch)) is not None
            ]
            merged = _merged(name, deltas, moved, own)
            counted[name] = pa.concat_tables([kept, pa.Table.from_pylist(deltas, table.schema)])
            stored[name] = pa.concat_tables([kept, pa.Table.from_pylist(merged, table.schema)])
        return Diverted(
            stored=replace(batch, **stored),
            series=(*own, *targets),
            counted=replace(batch, **counted),
            own=own,
        )

    def commit(self) -> bool:
        """Keep the last values; tell whether they were too many, and have been forgotten."""
        self.counters.commit()
        if self.counters.streams <= MAX_STREAMS:
            return False
        self.counters = Counters()
        return True

    def _delta(self, table: str, row: Row, series: Series, batch: Batch) -> Row | None:
        """Return the row with what is new in it; None when nothing is, or it is a gap."""
        if all(row.get(value) is None for value in ("count", "value_int", "value_double")):
            return None
        if _temporality(series) == series.temporality:
            return row
        key = hash(series), series.resource, row["start_ns"], row["time_ns"]
        match table:
            case "points":
                return self._number(key, row)
            case "histograms":
                bounds = batch.bounds[row["bounds"]]
                return self._histogram(key, row, bounds)
            case _:
                return self._exponential(key, row)

    def _number(self, key: tuple[int, int, int, int], row: Row) -> Row | None:
        if row["value_int"] is not None:
            (new,) = self.counters.advance(*key, (row["value_int"],))
            return row | {"value_int": new} if new else None
        real = self.counters.advance_real(*key, row["value_double"])
        return row | {"value_double": real} if real else None

    def _histogram(
        self, key: tuple[int, int, int, int], row: Row, bounds: tuple[float, ...]
    ) -> Row | None:
        counts = dense(len(bounds), row["first_bucket"], row["bucket_counts"])
        total, *new = self.counters.advance(*key, (row["count"], *counts))
        if not total:
            return None
        first, filled = trim(new)
        unknown: Row = {"sum": None, "min": None, "max": None}
        return row | unknown | {"count": total, "first_bucket": first, "bucket_counts": filled}

    def _exponential(self, key: tuple[int, int, int, int], row: Row) -> Row | None:
        new = self.counters.advance_exponential(*key, value_of(row))
        return None if new is None or not new.count else row | row_of(new)


def _temporality(series: Series) -> int:
    """Return what the points of a refused series are turned into."""
    adds_up = series.is_monotonic or series.type in ("histogram", "exponential_histogram")
    return DELTA if adds_up and series.temporality == CUMULATIVE else series.temporality


def _moved(exemplars: pa.Table, moved: Mapping[int, int]) -> pa.Table:
    positions = [moved.get(one, one) for one in exemplars["series"].to_pylist()]
    return exemplars.set_column(0, "series", pa.array(positions, pa.int32()))


def _merged(
    table: str, rows: Sequence[Row], moved: Mapping[int, int], own: Sequence[Series]
) -> list[Row]:
    """Return one row per overflow series, time and bounds."""
    found: dict[tuple[int, int, int], Row] = {}
    for row in rows:
        adds_up = own[row["series"]].temporality == DELTA
        key = moved[row["series"]], row["time_ns"], row.get("bounds", 0)
        if key in found and adds_up:
            found[key] |= _added(table, found[key], row)
        else:
            start_ns = 0 if adds_up else row["start_ns"]
            found[key] = row | {"series": key[0], "start_ns": start_ns}
    return list(found.values())


def _added(table: str, left: Row, right: Row) -> Row:
    match table:
        case "points":
            return _numbers_added(left, right)
        case "histograms":
            first = min(left["first_bucket"], right["first_bucket"])
            end = max(row["first_bucket"] + len(row["bucket_counts"]) for row in (left, right))
            counts = [0] * (end - first)
            for row in (left, right):
                for position, count in enumerate(row["bucket_counts"], row["first_bucket"]):
                    counts[position - first] += count
            first_filled, filled = trim(counts)
            return {
                "count": left["count"] + right["count"],
                "sum": None if None in (left["sum"], right["sum"]) else left["sum"] + right["sum"],
                "min": None,
                "max": None,
                "first_bucket": first + first_filled if filled else 0,
                "bucket_counts": filled,
            }
        case _:
            return row_of(merge(value_of(left), value_of(right)))


def _numbers_added(left: Row, right: Row) -> Row:
    """Add integers as such; an integer and a double give a double."""
    if left["value_int"] is not None and right["value_int"] is not None:
        return {"value_int": left["value_int"] + right["value_int"]}
    values = [
        row["value_double"] if row["value_int"] is None else row["value_int"]
        for row in (left, right)
    ]
    return {"value_int": None, "value_double": float(sum(value or 0 for value in values))}
