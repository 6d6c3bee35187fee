"""What an incident cost: the events that each objective of its services lost, from exact counts.

The span is that of the incident in whole minutes, outwards, because minutes are known for two
months: so an old incident costs what it cost. Corrections hold here as everywhere. Pure but for
the source of counts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from slo.budget import Counts, budget
from slo.corrections import Correction, excluded
from slo.model import Slo, sli_kind
from slo.sources import CountSource, Window

WHOLE_S: Final = 60


@dataclass(frozen=True, slots=True)
class Impact:
    """One objective during an incident.

    Counts are in whole events or slices; to a thousandth where a ratio is one. ``budget_events`` is
    what its time window allows, as of the end; ``budget_burnt_ratio`` the part of that which went
    in the incident. None without events.
    """

    slo: str
    display_name: str
    service: str
    sli: str
    target: float
    window: str
    from_s: int
    to_s: int
    good: int | float
    total: int | float
    bad: int | float
    sli_ratio: float | None
    budget_events: float
    budget_burnt_ratio: float | None
    budget_remaining_ratio: float | None


def whole_minutes(from_s: float, to_s: float) -> Window:
    """Return the smallest span of whole minutes around a span."""
    first = int(from_s // WHOLE_S) * WHOLE_S
    return first, max(-int(-to_s // WHOLE_S) * WHOLE_S, first + WHOLE_S)


def impacts(
    slos: Sequence[Slo],
    counting: Callable[[Sequence[Window]], CountSource],
    span: Window,
    corrections: Sequence[Correction] = (),
) -> tuple[Impact, ...]:
    """Return the cost for each objective, the dearest first.

    ``counting`` gives a source without some spans of time.
    """
    found = [_impact(slo, counting(excluded(corrections, *slo.names)), span) for slo in slos]
    return tuple(sorted(found, key=lambda one: (-(one.budget_burnt_ratio or 0.0), one.slo)))


def concerned(slos: Sequence[Slo], services: Sequence[str], names: Sequence[str]) -> list[Slo]:
    """Return the objectives of some services, and those that are named."""
    return [slo for slo in slos if slo.service in services or not set(names).isdisjoint(slo.names)]


def _impact(slo: Slo, source: CountSource, span: Window) -> Impact:
    windows = [span, (slo.window.from_s(span[1]), span[1])]
    during, whole = (Counts(*pair) for pair in source.counts([slo.sli], windows)[0].tolist())
    left = budget(whole, slo.objective.target)
    burnt = during.bad / left.allowed if left.allowed else None
    return Impact(
        slo=slo.name,
        display_name=slo.display_name or slo.name,
        service=slo.service,
        sli=sli_kind(slo.sli),
        target=float(slo.objective.target),
        window=slo.window.duration,
        from_s=span[0],
        to_s=span[1],
        good=_events(during.good, slo),
        total=_events(during.total, slo),
        bad=_events(during.bad, slo),
        sli_ratio=_float(during.sli_ratio),
        budget_events=float(left.allowed / slo.parts_per_event),
        budget_burnt_ratio=_float(burnt),
        budget_remaining_ratio=_float(left.remaining_ratio),
    )


def _events(parts: int, slo: Slo) -> int | float:
    """Return whole events; of ratios that are events, to a thousandth."""
    return parts if slo.parts_per_event == 1 else round(parts / slo.parts_per_event, 3)


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
