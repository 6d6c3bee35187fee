"""The declared SLOs at one moment: every status, worst first, or one with its burn-down.

Never computes a budget: ``slo`` does, so that this page, the CLI and the rules agree.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import duckdb

from collector.edges import OVERFLOW
from collector.semconv import EXTERNAL, UNKNOWN
from collector.store import reader
from collector.store.store import Store
from dashboards.web.answers import NotFound
from slo.burndown import Burndown, burndown
from slo.corrections import Correction, excluded
from slo.evaluate import BUCKET_S, evaluate
from slo.groups import AT
from slo.model import Slo, TimeWindow
from slo.sources import CountSource, Window
from slo.sources.counting import Counting
from slo.status import SloStatus, severity_key
from slo.whatif import OWN, Question, WhatIf, whatif
from slo.windows import load_tiers, tiers_of


@dataclass(frozen=True, slots=True)
class SloDetail:
    """One SLO with the series of its charts."""

    slo: Slo
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
    store: Store,
    slos: Sequence[Slo],
    to_s: int,
    corrections: Sequence[Correction] = (),
    counting: Counting | None = None,
) -> list[SloStatus]:
    """Judge every SLO over the window that ends at ``to_s``, exclusive; worst first.

    Those that are corrected alike are judged together.
    """
    counting = counting or Counting()
    groups: dict[tuple[Window, ...], list[Slo]] = {}
    with store.snapshot() as cursor:
        for slo in counting.slos(cursor, slos, to_s):
            groups.setdefault(excluded(corrections, *slo.names), []).append(slo)
        statuses = [
            status
            for spans, group in groups.items()
            for status in _evaluate(group, counting.source(cursor, to_s, spans), to_s, spans)
        ]
    return sorted(statuses, key=severity_key)


def _evaluate(
    slos: Sequence[Slo], source: CountSource, to_s: int, spans: tuple[Window, ...]
) -> list[SloStatus]:
    statuses = evaluate(slos, source, to_s - 1)
    if not spans:
        return statuses
    seconds = {slo.name: _corrected_s(slo, to_s, spans) for slo in slos}
    return [replace(status, corrected_s=seconds[status.name]) for status in statuses]


def _corrected_s(slo: Slo, to_s: int, spans: Sequence[Window]) -> int:
    from_s = slo.window.from_s(to_s)
    return sum(max(min(end, to_s) - max(begin, from_s), 0) for begin, end in spans)


def read_detail(
    store: Store,
    slos: Sequence[Slo],
    name: str,
    to_s: int,
    corrections: Sequence[Correction] = (),
    counting: Counting | None = None,
) -> SloDetail:
    """Judge one SLO; raises NotFound."""
    counting = counting or Counting()
    with store.snapshot() as cursor:
        slo = find(counting.slos(cursor, _named(slos, name), to_s), name)
        spans = excluded(corrections, *slo.names)
        source = counting.source(cursor, to_s, spans)
        (status,) = _evaluate([slo], source, to_s, spans)
        return SloDetail(slo, status, burndown(_measured(slo, cursor, to_s), source, to_s - 1))


def read_whatif(
    store: Store,
    slos: Sequence[Slo],
    name: str,
    asked: Question,
    corrections: Sequence[Correction] = (),
    counting: Counting | None = None,
) -> tuple[WhatIf, ...]:
    """Replay one SLO as asked; raises NotFound."""
    counting = counting or Counting()
    with store.snapshot() as cursor:
        slo = find(counting.slos(cursor, _named(slos, name), asked.to_s), name)
        spans = excluded(corrections, *slo.names)
        source = counting.source(cursor, asked.to_s, spans)
        tiers = tiers_of(slo) if asked.profile == OWN else load_tiers(asked.profile)
        return whatif(slo, source, asked, tiers)


def called_services(store: Store, from_s: int, to_s: int) -> list[str]:
    """Return the services that were called in [from_s, to_s), in the order of the alphabet."""
    with store.snapshot() as cursor:
        table = reader.edge_counts(cursor, from_s, to_s, by=("destination",))
    called = zip(table["destination"].to_pylist(), table["requests"].to_pylist(), strict=True)
    virtual = {EXTERNAL, UNKNOWN, OVERFLOW}
    return sorted(name for name, requests in called if requests and name not in virtual)


def find(slos: Sequence[Slo], name: str) -> Slo:
    """Return the SLO of this name; raises NotFound."""
    found = next((slo for slo in slos if slo.name == name), None)
    if found is None:
        raise NotFound(f"There is no SLO named {name}.")
    return found


def _named(slos: Sequence[Slo], name: str) -> list[Slo]:
    """Return the declared objective that is meant; a member of a group is found by its whole."""
    return [slo for slo in slos if slo.name in {name, name.partition(AT)[0]}]


def _measured(slo: Slo, cursor: duckdb.DuckDBPyConnection, to_s: int) -> Slo:
    """Shorten the charted window to the time with data: nothing happened before it, so the budget
    stays the same, and the steps get finer.
    """
    first = reader.first_bucket_s(cursor)
    if first is None or first >= to_s:
        return slo
    from_s = slo.window.from_s(to_s)
    seconds = min(to_s - from_s, max(to_s - first, BUCKET_S))
    return replace(slo, window=TimeWindow(seconds))
