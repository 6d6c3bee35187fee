"""Objectives in groups: one per consumer, route or version that is seen, beside that of all.

Who is a member follows from the requests of the time window: a new consumer has an objective with
its first request, one that went away has none after a window. A member is called NAME@VALUE, with
other signs as ~2F, so that the name is the same in an address. Never counts; whoever knows the
requests passes in who was seen.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from slo.model import (
    AvailabilitySli,
    CodeSli,
    Composite,
    EdgeSelector,
    LatencySli,
    LeafSli,
    Member,
    Sli,
    Slices,
    Slo,
    edges_of,
)

AT: Final = "@"
MAX_MEMBERS: Final = 100
"""The members with most requests; so many budgets of one objective are more than people read."""

Seen = Callable[[Slo], Sequence[tuple[tuple[str, ...], int]]]
"""Who was seen in the time window of an objective: values of its columns, and requests."""


def expanded(slos: Iterable[Slo], seen: Seen) -> list[Slo]:
    """Return the objectives, and after each grouped one its members in the order of their names."""
    return [one for slo in slos for one in (slo, *members_of(slo, seen))]


def members_of(slo: Slo, seen: Seen) -> list[Slo]:
    """Return an objective for each member that was seen, those with most requests."""
    if not slo.group_by:
        return []
    most = sorted(seen(slo), key=lambda one: (-one[1], one[0]))[:MAX_MEMBERS]
    return [_member(slo, values) for values, requests in sorted(most) if requests]


def narrowed(sli: Sli, values: dict[str, str]) -> Sli:
    """Return an indicator of the mesh for some of its requests only."""
    match sli:
        case Composite(members=members):
            parts = (Member(_narrow(one.sli, values), one.weight) for one in members)
            return Composite(tuple(parts))
        case _:
            return _narrow(sli, values)


def edges_in(sli: Sli) -> list[EdgeSelector]:
    """Return what an indicator selects; of a composite, what each member does."""
    if isinstance(sli, Composite):
        return [edges for one in sli.members if (edges := edges_of(one.sli)) is not None]
    edges = edges_of(sli)
    return [] if edges is None else [edges]


def _member(slo: Slo, values: tuple[str, ...]) -> Slo:
    group = dict(zip(slo.group_by, values, strict=True))
    told = ", ".join(f"{column} {value or 'none'}" for column, value in group.items())
    return replace(
        slo,
        name=slo.name + AT + ",".join(map(_word, values)),
        display_name=f"{slo.display_name or slo.name}: {told}",
        sli=narrowed(slo.sli, group),
        belongs_to=slo.name,
        group=group,
        group_by=(),
    )


def _word(value: str) -> str:
    """Return a value as a part of a name; two values never become the same."""
    return quote(value, safe="").replace("~", "%7E").replace("%", "~")


def _narrow(sli: LeafSli | Slices, values: dict[str, str]) -> LeafSli | Slices:
    match sli:
        case Slices(of=of):
            inner = _narrow(of, values)
            return sli if isinstance(inner, Slices) else replace(sli, of=inner)
        case AvailabilitySli(edges) | LatencySli(edges) | CodeSli(edges):
            consumers = () if "source" in values else edges.consumers
            return replace(sli, edges=replace(edges, consumers=consumers, **values))
        case _:
            return sli
