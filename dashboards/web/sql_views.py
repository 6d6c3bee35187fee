"""The views of SQL that only objectives can make: ``slos`` and ``slo_events``, as Arrow tables.

Never computes a budget: the numbers are those of ``/api/slos`` and of its burn-downs.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import pyarrow as pa

from collector.store.sandbox.views import Given, Window
from collector.store.store import Store
from dashboards.web.slos import read_detail, read_statuses
from slo.corrections import Correction
from slo.model import Slo

Corrections = Callable[[], Sequence[Correction]]

_SLO_COLUMNS: Final = {
    "slo": "VARCHAR",
    "service": "VARCHAR",
    "sli": "VARCHAR",
    "target": "DOUBLE",
    "window": "VARCHAR",
    "state": "VARCHAR",
    "good": "BIGINT",
    "total": "BIGINT",
    "bad": "BIGINT",
    "sli_ratio": "DOUBLE",
    "error_budget_ratio": "DOUBLE",
    "budget_remaining_ratio": "DOUBLE",
    "coverage_ratio": "DOUBLE",
}
_EVENT_COLUMNS: Final = {
    "time": "TIMESTAMPTZ",
    "step_s": "BIGINT",
    "slo": "VARCHAR",
    "service": "VARCHAR",
    "good": "BIGINT",
    "total": "BIGINT",
    "bad": "BIGINT",
    "budget_remaining_ratio": "DOUBLE",
}
_ARROW: Final = {
    "VARCHAR": pa.string(),
    "DOUBLE": pa.float64(),
    "BIGINT": pa.int64(),
    "TIMESTAMPTZ": pa.timestamp("us", "UTC"),
}
_MICROSECONDS: Final = 10**6


def slo_views(
    store: Store, slos: Sequence[Slo], corrections: Corrections = tuple
) -> tuple[Given, Given]:
    """Return the views; an objective is judged over its own time window, which ends at ``to``."""

    def statuses(window: Window) -> pa.Table:
        rows = [
            {name: getattr(one, "name" if name == "slo" else name) for name in _SLO_COLUMNS}
            for one in read_statuses(store, slos, window.to_s, corrections())
        ]
        return _table(rows, _SLO_COLUMNS)

    def events(window: Window) -> pa.Table:
        return _table(
            [row for slo in slos for row in _events(store, slo, window, corrections())],
            _EVENT_COLUMNS,
        )

    return (
        Given("slos", "an objective as it stands at the end of the range", _SLO_COLUMNS, statuses),
        Given("slo_events", "good and bad events of an objective in a step of its burn-down",
              _EVENT_COLUMNS, events),
    )  # fmt: skip


def _events(
    store: Store, slo: Slo, window: Window, corrections: Sequence[Correction]
) -> list[dict[str, Any]]:
    series = read_detail(store, [slo], slo.name, window.to_s, corrections).series
    columns = (series.bucket_s, series.good, series.total, series.budget_remaining)
    return [
        {
            "time": bucket_s * _MICROSECONDS,
            "step_s": series.step_s,
            "slo": slo.name,
            "service": slo.service,
            "good": good,
            "total": total,
            "bad": total - good,
            "budget_remaining_ratio": left,
        }
        for bucket_s, good, total, left in zip(*columns, strict=True)
    ]


def _table(rows: list[dict[str, Any]], columns: dict[str, str]) -> pa.Table:
    schema = pa.schema([(name, _ARROW[type_]) for name, type_ in columns.items()])
    return pa.Table.from_pylist(rows, schema)
