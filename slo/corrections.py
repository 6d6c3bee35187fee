"""Corrections: spans of time that do not count for some objectives, such as a planned maintenance.

A ledger, in YAML and append-only: an entry is added or withdrawn, by somebody, for a reason, at a
time; nothing is ever changed or deleted. Each status and report is computed with what holds now, so
that history is as if the span had never been. Never counts (``slo.sources.corrected`` does), never
reads a file (``slo.ledger`` does). The choice is argued in ADR 11.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from slo.errors import OpenSloError, Problem
from slo.sources import Window
from slo.yamltree import Fields, Place, documents

_ADDED: Final = ("id", "objectives", "from", "to", "by", "why", "at")
_WITHDRAWN: Final = ("withdraw", "by", "why", "at")
BUCKET_S: Final = 10
WHOLE_S: Final = 60
"""Corrections are whole minutes, so that they can be told from the buckets of two months ago."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Who took a correction back, why and when."""

    by: str
    why: str
    at_s: int


@dataclass(frozen=True, slots=True)
class Correction:
    """[from_s, to_s) does not count for these objectives, unless it was withdrawn."""

    id: str
    objectives: tuple[str, ...]
    from_s: int
    to_s: int
    by: str
    why: str
    at_s: int
    withdrawn: Withdrawal | None = None

    def __post_init__(self) -> None:
        if not self.from_s < self.to_s:
            raise ValueError("a correction must end after it begins")
        if self.from_s % WHOLE_S or self.to_s % WHOLE_S:
            raise ValueError("a correction must begin and end at whole minutes")
        if not self.objectives or not self.by.strip() or not self.why.strip():
            raise ValueError("a correction must name objectives, who made it (by) and why")
        if not all(text.isprintable() for text in (self.by, self.why, *self.objectives)):
            raise ValueError("a correction must be told in one printable line")


def excluded(corrections: Iterable[Correction], *names: str) -> tuple[Window, ...]:
    """Return the spans that do not count for an objective: disjoint, in order of time.

    An objective may have several names: its own, and that of the declaration it belongs to.
    """
    return _joined(
        (one.from_s, one.to_s)
        for one in corrections
        if one.withdrawn is None and not set(names).isdisjoint(one.objectives)
    )


def excluded_as_entered(corrections: Iterable[Correction], *names: str) -> tuple[Window, ...]:
    """Return the same of what was known at each time: from its entry until its withdrawal.

    A counter without these never falls, whatever is entered later. Whoever records it cannot take
    back what it recorded (ADR 14).
    """
    spans = []
    for one in corrections:
        end_s = one.to_s if one.withdrawn is None else min(one.to_s, _up(one.withdrawn.at_s))
        begin_s = max(one.from_s, _up(one.at_s))
        if not set(names).isdisjoint(one.objectives) and begin_s < end_s:
            spans.append((begin_s, end_s))
    return _joined(spans)


def _up(time_s: int) -> int:
    """Round up to the end of a bucket: what it has counted so far is counted."""
    return -(-time_s // BUCKET_S) * BUCKET_S


def _joined(spans: Iterable[Window]) -> tuple[Window, ...]:
    joined: list[Window] = []
    for from_s, to_s in sorted(spans):
        if joined and from_s <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(to_s, joined[-1][1]))
        else:
            joined.append((from_s, to_s))
    return tuple(joined)


def parse_ledger(text: str, file: str) -> tuple[Correction, ...]:
    """Read all entries, in their order; raise OpenSloError with all complaints."""
    problems: list[Problem] = []
    found: dict[str, Correction] = {}
    for place in documents(text, file, problems):
        _read(place, found)
    if problems:
        raise OpenSloError(tuple(problems))
    return tuple(found.values())


def added_text(one: Correction) -> str:
    """Return the entry that adds a correction."""
    return _entry(
        {
            "id": one.id,
            "objectives": list(one.objectives),
            "from": _iso(one.from_s),
            "to": _iso(one.to_s),
            "by": one.by,
            "why": one.why,
            "at": _iso(one.at_s),
        }
    )


def withdrawn_text(id_: str, taken: Withdrawal) -> str:
    """Return the entry that withdraws one."""
    fields = {"withdraw": id_, "by": taken.by, "why": taken.why, "at": _iso(taken.at_s)}
    return _entry(fields)


def next_id(corrections: Sequence[Correction], at_s: int) -> str:
    """Return an id that no entry has: the day and a number."""
    day = datetime.fromtimestamp(at_s, UTC).date().isoformat()
    known = {one.id for one in corrections}
    numbers = (f"{day}-{number}" for number in range(1, len(known) + 2))
    return next(name for name in numbers if name not in known)


def _entry(fields: Mapping[str, str | list[str]]) -> str:
    """Write strings and lists as JSON, which YAML reads."""
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]
    return "- " + "\n  ".join(lines) + "\n"


def _read(place: Place, found: dict[str, Correction]) -> None:
    before = len(place.problems)
    known = tuple(dict.fromkeys((*_ADDED, *_WITHDRAWN)))
    fields = place.fields(known)
    taken = fields.get("withdraw")
    required = _ADDED if taken is None else _WITHDRAWN
    for name in required:
        if fields.get(name) is None and fields.found:
            place.complain(f"{name} is required")
    if len(place.problems) > before:
        return
    if taken is not None:
        _withdraw(taken, fields, found)
        return
    _add(place, fields, found)


def _add(place: Place, fields: Fields, found: dict[str, Correction]) -> None:
    objectives = fields.get("objectives")
    names = tuple(item.text() for item in objectives.items()) if objectives is not None else ()
    times = [_time(fields.get(name)) for name in ("from", "to", "at")]
    id_ = fields.text("id")
    if id_ in found:
        fields.found["id"].complain(f"a second correction with the id {id_!r}")
    elif None not in times:
        from_s, to_s, at_s = (time or 0 for time in times)
        by, why = fields.text("by"), fields.text("why")
        try:
            found[id_] = Correction(id_, names, from_s, to_s, by, why, at_s)
        except ValueError as error:
            place.complain(str(error))


def _withdraw(taken: Place, fields: Fields, found: dict[str, Correction]) -> None:
    one = found.get(taken.text())
    at_s = _time(fields.get("at"))
    if one is None:
        taken.complain(f"no correction above has the id {taken.shown!r}")
    elif one.withdrawn is not None:
        taken.complain(f"{taken.shown!r} was withdrawn before")
    elif at_s is not None:
        withdrawal = Withdrawal(fields.text("by"), fields.text("why"), at_s)
        found[one.id] = replace(one, withdrawn=withdrawal)


def _time(place: Place | None) -> int | None:
    """Read ISO 8601 with a time zone; YAML may have taken it for a timestamp of its own."""
    text = place.shown if place is not None else ""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        if place is not None:
            place.complain(f"must be a time with a zone, as 2026-11-23T02:00:00Z, got {text!r}")
        return None
    return int(at.timestamp())


def _iso(time_s: int) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
