"""Events told by PromQL over the store, asked of our own engine at the end of each minute.

Counters: the difference of exact sums at two minutes' ends. Thresholds, ages and ratios: the value
at the end of the minute. Always asked by UTC days, so that an answer does not depend on who asks:
live and replayed are the same. Never extrapolates, never averages.
"""

from dataclasses import dataclass, field
from typing import Final, assert_never

import duckdb
import numpy as np
from numpy.typing import NDArray

from collector.prometheus.families import istio_families, mesh_families, service_graph_families
from collector.prometheus.source import Indexes, StoreSource, indexes
from collector.promql.engine import over_range
from collector.promql.expressions import Expression
from collector.promql.options import Options
from collector.promql.samples import Answer, Grid, Scalar, Source
from slo.model import MINUTE_S, PARTS, Op, QuerySli, RawSli, ThresholdSli
from slo.sources.increases import HELD_MS, Rising, counted
from slo.sources.minutes import DAY_S, QuerySlis
from slo.sources.slices import Ints

_THOUSANDTHS: Final = 1000
_COMPARE: Final = {"lte": np.less_equal, "lt": np.less, "gte": np.greater_equal, "gt": np.greater}


def store_indexes() -> Indexes:
    """Make what a store's series are found by; kept between questions."""
    families = (*mesh_families(()), *istio_families(), *service_graph_families())
    return indexes(families)


def store_source(cursor: duckdb.DuckDBPyConnection, known: Indexes, now_s: int) -> Source:
    """Return the series of a store at a moment."""
    return StoreSource(cursor, known, now_s * 1000)


@dataclass(slots=True)
class Queries:
    """QueryRows over a PromQL source; ``since_s`` is when its samples begin."""

    source: Source
    since_s: int | None
    _parsed: dict[str, Expression] = field(default_factory=dict)

    def first_s(self) -> int | None:
        """Return since when there is anything to ask."""
        return self.since_s

    def rows(self, sli: QuerySlis, from_s: int, to_s: int) -> Ints:
        """Return good and total of the minutes in [from_s, to_s), which lie in one UTC day."""
        match sli:
            case QuerySli():
                return self._ratio(sli, from_s, to_s)
            case RawSli():
                return self._raw(sli, from_s, to_s)
            case ThresholdSli():
                return self._compared(sli, from_s, to_s)
            case _:
                assert_never(sli)

    def _ratio(self, sli: QuerySli, from_s: int, to_s: int) -> Ints:
        read = self._increases if sli.is_counter else self._levels
        part, total = (read(query, from_s, to_s) for query in (sli.part, sli.total))
        return np.column_stack([total - part if sli.is_bad else part, total])

    def _increases(self, query: str, from_s: int, to_s: int) -> NDArray[np.int64]:
        """Return whole events of each minute: differences of rounded sums since the day began."""
        day_s = from_s // DAY_S * DAY_S
        if query not in self._parsed:
            self._parsed[query] = counted(query)
        options = Options(lookback_ms=HELD_MS)
        found = _answered(Rising(self.source), self._parsed[query], day_s, to_s, options)
        sums = np.rint(np.nansum(found, axis=0)).astype(np.int64)
        steps: NDArray[np.int64] = np.diff(sums)[(from_s - day_s) // MINUTE_S :]
        return steps

    def _levels(self, query: str, from_s: int, to_s: int) -> NDArray[np.int64]:
        values = np.nansum(self._values(query, from_s, to_s), axis=0)
        finite = np.where(np.isfinite(values), values, 0.0)
        return np.asarray(np.rint(np.clip(finite, 0, 1e12) * _THOUSANDTHS), dtype=np.int64)

    def _raw(self, sli: RawSli, from_s: int, to_s: int) -> Ints:
        values = self._values(sli.query, from_s, to_s)
        known = ~np.isnan(values)
        part = np.floor(np.clip(np.where(known, values, 0.0), 0, 1) * PARTS).astype(np.int64)
        total = known.astype(np.int64) * PARTS
        good = total - part if sli.is_failure else part
        return np.column_stack([good.sum(axis=0), total.sum(axis=0)])

    def _compared(self, sli: ThresholdSli, from_s: int, to_s: int) -> Ints:
        values = self._values(sli.query, from_s, to_s)
        known = ~np.isnan(values)
        with np.errstate(invalid="ignore"):
            good = known & compare(sli.op, values, float(sli.value))
        total = known.sum(axis=0)
        if sli.is_freshness:
            total = np.maximum(total, 1)
        return np.column_stack([good.sum(axis=0), total]).astype(np.int64)

    def _values(self, query: str, from_s: int, to_s: int) -> NDArray[np.float64]:
        """Return the series x minutes of a query at the minutes' ends, NaN where there is none."""
        return _answered(self.source, query, from_s + MINUTE_S, to_s, Options())


def compare(op: Op, values: NDArray[np.float64], limit: float) -> NDArray[np.bool_]:
    """Compare as OpenSLO's operators do."""
    return np.asarray(_COMPARE[op](values, limit), dtype=np.bool_)


def _answered(
    source: Source, query: str | Expression, from_s: int, to_s: int, options: Options
) -> NDArray[np.float64]:
    """Return a query's values at each minute of [from_s, to_s], both included; series x minutes."""
    answer: Answer = over_range(source, query, from_s * 1000, to_s * 1000, MINUTE_S * 1000, options)
    found = answer.value
    if isinstance(found, Scalar):
        return found.values.reshape(1, -1)
    if not isinstance(found, Grid):
        raise TypeError(f"no numbers: {type(found).__name__}")
    width = (to_s - from_s) // MINUTE_S + 1
    values = np.where(found.present, found.values, np.nan)
    return np.asarray(values, dtype=np.float64).reshape(len(found.labels), width)
