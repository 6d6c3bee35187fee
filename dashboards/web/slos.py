"""The declared SLOs at one moment: every status, worst first, or one with its burn-down.

Never computes a budget: ``slo`` does, so that this page, the CLI and the rules agree.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import duckdb

from collector.store import reader
from collector.store.store import Store
from dashboards.web.answers import NotFound
from slo.burndown import Burndown, burndown
from slo.corrections import Correction, excluded
from slo.evaluate import BUCKET_S, evaluate
from slo.model import Slo, TimeWindow
from slo.sources import Window
from slo.sources.corrected import corrected
from slo.sources.edges import EdgeCountSource
from slo.status import SloStatus, severity_key
from slo.whatif import Question, WhatIf, whatif
from slo.windows import load_tiers


@dataclass(frozen=True, slots=True)
class SloDetail:
    """One SLO with the series of its charts."""

    status: SloStatus
    series: Burndown

    def as_json(self) -> dict[str, Any]:
        """Return the status with ``series`` beside its fields, as ``/api/slos/{name}`` does."""
        return asdict(self.status) | {"series": asdict(self.series)}


@dataclass(frozen=True, slots=True)
class Backtests:
    """The answer of a what-if: one backtest for each target asked for."""

    backtests: tuple[WhatIf, ...]


def read_statuses(
    store: Store, slos: Sequence[Slo], to_s: int, corrections: Sequence[Correction] = ()
) -> list[SloStatus]:
    """Judge every SLO over the window that ends at ``to_s``, exclusive; worst first.

    Those that are corrected alike are judged together.
    """
    groups: dict[tuple[Window, ...], list[Slo]] = {}
    for slo in slos:
        groups.setdefault(excluded(corrections, slo.name), []).append(slo)
    with store.snapshot() as cursor:
        statuses = [
            status
            for spans, group in groups.items()
            for status in _evaluate(group, EdgeCountSource(cursor), to_s, spans)
        ]
    return sorted(statuses, key=severity_key)


def _evaluate(
    slos: Sequence[Slo], source: EdgeCountSource, to_s: int, spans: tuple[Window, ...]
) -> list[SloStatus]:
    statuses = evaluate(slos, corrected(source, spans), to_s - 1)
    if not spans:
        return statuses
    seconds = {slo.name: _corrected_s(slo, to_s, spans) for slo in slos}
    return [replace(status, corrected_s=seconds[status.name]) for status in statuses]


def _corrected_s(slo: Slo, to_s: int, spans: Sequence[Window]) -> int:
    from_s = to_s - slo.window.seconds
    return sum(max(min(end, to_s) - max(begin, from_s), 0) for begin, end in spans)


def read_detail(
    store: Store,
    slos: Sequence[Slo],
    name: str,
    to_s: int,
    corrections: Sequence[Correction] = (),
) -> SloDetail:
    """Judge one SLO; raises NotFound."""
    slo = find(slos, name)
    spans = excluded(corrections, name)
    with store.snapshot() as cursor:
        (status,) = _evaluate([slo], EdgeCountSource(cursor), to_s, spans)
        source = corrected(EdgeCountSource(cursor), spans)
        return SloDetail(status, burndown(_measured(slo, cursor, to_s), source, to_s - 1))


def read_whatif(
    store: Store,
    slos: Sequence[Slo],
    name: str,
    asked: Question,
    corrections: Sequence[Correction] = (),
) -> tuple[WhatIf, ...]:
    """Replay one SLO as asked; raises NotFound."""
    slo = find(slos, name)
    with store.snapshot() as cursor:
        source = corrected(EdgeCountSource(cursor), excluded(corrections, name))
        return whatif(slo, source, asked, load_tiers(asked.profile))


def find(slos: Sequence[Slo], name: str) -> Slo:
    """Return the SLO of this name; raises NotFound."""
    found = next((slo for slo in slos if slo.name == name), None)
    if found is None:
        raise NotFound(f"There is no SLO named {name}.")
    return found


def _measured(slo: Slo, cursor: duckdb.DuckDBPyConnection, to_s: int) -> Slo:
    """Shorten the charted window to the time with data: nothing happened before it, so the budget
    stays the same, and the steps get finer.
    """
    first = reader.first_bucket_s(cursor)
    if first is None or first >= to_s:
        return slo
    seconds = min(slo.window.seconds, max(to_s - first, BUCKET_S))
    return replace(slo, window=TimeWindow(seconds))
