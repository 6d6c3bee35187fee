"""The report of a period: how each objective did, where its budget went, and how it was before.

The budget of a report is that of the period itself: what the target allows for the events in it. In
minutes it is the time of a full outage under even traffic: (1 - target) x the time that is over.
Incidents are the stretches in which a page fires, by the same replay as what-if. Values in, values
out; floats and strings, ready to print. None means "no data".
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from slo.budget import Counts, budget, error_budget
from slo.burnrate import Tier
from slo.corrections import Correction, excluded
from slo.model import Slo, Unit, unit
from slo.periods import Comparison, Period
from slo.replay import Replay, replay
from slo.sources import CountSource, Window
from slo.tape import Ints, Tape, read_tape
from slo.whatif import EVERY_S, bucket_s, instants, window_lengths
from slo.windows import tiers_of

WORST_DAYS: Final = 3
_HOUR_S: Final = 3_600


@dataclass(frozen=True, slots=True)
class Attainment:
    """Counts of a period and what they mean for a target."""

    good: int
    total: int
    bad: int
    sli_ratio: float | None
    is_met: bool | None
    budget_events: float
    budget_minutes: float
    spent_minutes: float | None
    budget_spent_ratio: float | None


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the period, and the part of the period's budget that it spent."""

    date: str
    good: int
    total: int
    bad: int
    sli_ratio: float | None
    budget_spent_ratio: float | None


@dataclass(frozen=True, slots=True)
class Incident:
    """A stretch in which some page fired: which, the events that failed in it, their budget."""

    from_s: int
    to_s: int
    seconds: int
    is_open: bool
    tiers: tuple[str, ...]
    bad: int
    budget_spent_ratio: float | None


@dataclass(frozen=True, slots=True)
class ObjectiveReport:
    """One objective in the period. ``no_data_ratio`` is the share of its hours without events.

    Counts are of ``unit``, each in ``parts_per_event`` parts.
    """

    name: str
    service: str
    display_name: str
    target: float
    attainment: Attainment
    before: Attainment
    no_data_ratio: float
    days: tuple[Day, ...]
    worst_days: tuple[Day, ...]
    incidents: tuple[Incident, ...]
    notes: tuple[str, ...]
    unit: Unit
    parts_per_event: int


@dataclass(frozen=True, slots=True)
class Report:
    """A period, the one before, and all objectives: those that missed first, then by name."""

    period: str
    before: str
    zone: str
    from_s: int
    to_s: int
    is_over: bool
    objectives: tuple[ObjectiveReport, ...]


def report(
    slos: Iterable[Slo],
    counting: Callable[[Sequence[Window]], CountSource],
    asked: Comparison,
    now_s: int,
    tiers: Sequence[Tier] | None = None,
    corrections: Sequence[Correction] = (),
) -> Report:
    """Report on objectives; of a period in progress, the part until ``now_s``, exclusive.

    ``counting`` gives a source without some spans. Without ``tiers`` each has its own alerts.
    """
    period = asked.period.until(now_s)
    found = [
        _objective(
            slo,
            counting(spans),
            period,
            asked.before,
            tiers_of(slo) if tiers is None else tiers,
            spans,
        )
        for slo in slos
        for spans in [excluded(corrections, *slo.names)]
    ]
    return Report(
        period=period.name,
        before=asked.before.name,
        zone=period.zone,
        from_s=period.from_s,
        to_s=period.to_s,
        is_over=asked.period.to_s <= now_s,
        objectives=tuple(sorted(found, key=_missed_first)),
    )


def _missed_first(one: ObjectiveReport) -> tuple[int, str]:
    met = one.attainment.is_met
    return (1 if met is None else 2 if met else 0), one.name


def _objective(
    slo: Slo,
    source: CountSource,
    period: Period,
    before: Period,
    tiers: Sequence[Tier],
    spans: Sequence[Window],
) -> ObjectiveReport:
    lengths = window_lengths(slo.window.seconds, tiers)
    first_s = min(slo.window.from_s(period.from_s), period.from_s - max(lengths))
    span = (min(before.from_s, first_s), max(period.to_s, before.to_s))
    tape = read_tape(source, slo.sli, span, bucket_s(EVERY_S, lengths))
    counts = _counts(tape, period)
    days = _days(slo, tape, period, counts)
    return ObjectiveReport(
        name=slo.name,
        service=slo.service,
        display_name=slo.display_name or slo.name,
        target=float(slo.objective.target),
        attainment=_attainment(slo, counts, period),
        before=_attainment(slo, _counts(tape, before), before),
        no_data_ratio=_no_data_ratio(tape, period),
        days=days,
        worst_days=_worst(days),
        incidents=_incidents(slo, tape, period, counts, tiers),
        notes=(*_notes(tape, period), *_corrected(period, spans)),
        unit=unit(slo.sli),
        parts_per_event=slo.parts_per_event,
    )


def _attainment(slo: Slo, counts: Counts, period: Period) -> Attainment:
    target = slo.objective.target
    left = budget(counts, target)
    minutes = Fraction(period.to_s - period.from_s, 60)
    errors = counts.error_ratio
    return Attainment(
        good=counts.good,
        total=counts.total,
        bad=counts.bad,
        sli_ratio=_float(counts.sli_ratio),
        is_met=None if errors is None else errors <= error_budget(target),
        budget_events=float(left.allowed),
        budget_minutes=float(error_budget(target) * minutes),
        spent_minutes=None if errors is None else float(errors * minutes),
        budget_spent_ratio=_spent(counts.bad, left.allowed),
    )


def _days(slo: Slo, tape: Tape, period: Period, whole: Counts) -> tuple[Day, ...]:
    allowed = budget(whole, slo.objective.target).allowed
    days = period.days()
    good, total = tape.between(*_columns(days))
    counted = zip(days, good.tolist(), total.tolist(), strict=True)
    return tuple(
        Day(
            date=period.date(from_s),
            good=ok,
            total=all_,
            bad=all_ - ok,
            sli_ratio=_float(Counts(ok, all_).sli_ratio),
            budget_spent_ratio=_spent(all_ - ok, allowed),
        )
        for (from_s, _), ok, all_ in counted
    )


def _worst(days: Sequence[Day]) -> tuple[Day, ...]:
    failed = [day for day in days if day.bad]
    return tuple(sorted(failed, key=lambda day: (-day.bad, day.date))[:WORST_DAYS])


def _incidents(
    slo: Slo, tape: Tape, period: Period, whole: Counts, tiers: Sequence[Tier]
) -> tuple[Incident, ...]:
    allowed = budget(whole, slo.objective.target).allowed
    at_s = instants(period.from_s + 1, period.to_s, EVERY_S)
    at_s = at_s[at_s > period.from_s]
    pages = [tier for tier in tiers if tier.severity == "page"]
    found = replay(slo, tape, at_s, pages)
    paged = np.zeros(len(at_s), dtype=np.bool_)
    for column in found.firing:
        paged |= column
    return tuple(
        Incident(
            from_s=one.from_s,
            to_s=one.to_s,
            seconds=one.seconds,
            is_open=one.is_open,
            tiers=_fired(found, one.first, one.last),
            bad=(bad := _between(tape, one.from_s - EVERY_S, one.to_s).bad),
            budget_spent_ratio=_spent(bad, allowed),
        )
        for one in found.stretches(paged)
    )


def _fired(found: Replay, first: int, last: int) -> tuple[str, ...]:
    return tuple(
        tier.name
        for tier, column in zip(found.tiers, found.firing, strict=True)
        if column[first : last + 1].any()
    )


def _no_data_ratio(tape: Tape, period: Period) -> float:
    """Return the share of hours without events; a cut hour at either end counts as one."""
    if period.from_s >= period.to_s:
        return 0.0
    marks = np.arange(period.from_s, period.to_s, _HOUR_S, dtype=np.int64)
    _, total = tape.between(marks, np.minimum(marks + _HOUR_S, period.to_s))
    return float((total == 0).mean())


def _notes(tape: Tape, period: Period) -> tuple[str, ...]:
    since = tape.known_from_s(EVERY_S)
    if since is not None and since <= period.from_s:
        return ()
    return ("minutes of a part of the period are forgotten: incidents in it are not known",)


def _corrected(period: Period, spans: Sequence[Window]) -> tuple[str, ...]:
    cut = (min(end, period.to_s) - max(begin, period.from_s) for begin, end in spans)
    seconds = sum(max(one, 0) for one in cut)
    return (f"{seconds // 60:,} minutes do not count, by corrections",) if seconds else ()


def _counts(tape: Tape, period: Period) -> Counts:
    return _between(tape, period.from_s, period.to_s)


def _between(tape: Tape, from_s: int, to_s: int) -> Counts:
    good, total = tape.between(*_columns([(from_s, to_s)]))
    return Counts(int(good[0]), int(total[0]))


def _columns(windows: Sequence[tuple[int, int]]) -> tuple[Ints, Ints]:
    pairs = np.array(windows, dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _spent(bad: int, allowed: Fraction) -> float | None:
    return float(bad / allowed) if allowed else None


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
