"""Label sets: which labels stay when series are named anew, grouped or matched.

Never sees a sample. A label set is a tuple of pairs sorted by name, without empty values.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from collector.promql.annotations import quoted
from collector.promql.samples import Labels

NAME: Final = "__name__"
DOOMED: Final = "__name__\0"
"""Where a name waits for the end of the query if its removal is delayed."""


def unnamed(labels: Labels) -> Labels:
    """Drop the metric's name, which sorts before nearly all other labels."""
    if labels and labels[0][0] == NAME:
        return labels[1:]
    return tuple(pair for pair in labels if pair[0] != NAME)


def doomed(labels: Labels) -> Labels:
    """Mark the metric's name to be dropped when the query ends."""
    return tuple((DOOMED, value) if name == NAME else (name, value) for name, value in labels)


def released(labels: Labels) -> Labels:
    """Drop a name that was marked."""
    return tuple(pair for pair in labels if pair[0] != DOOMED)


def readable(labels: Labels) -> dict[str, str]:
    """Return labels by name, a marked name as the name it still is."""
    return {NAME if name == DOOMED else name: value for name, value in labels}


def metric_name(labels: Labels) -> str:
    """Return the metric's name, marked or not, or nothing."""
    return next((value for name, value in labels if name in {NAME, DOOMED}), "")


def keeper(names: Iterable[str], *, is_on: bool) -> Callable[[Labels], Labels]:
    """Make what keeps the labels named, or else drops them and the metric's name."""
    chosen = with_mark(names if is_on else (*names, NAME))
    return lambda labels: tuple(pair for pair in labels if (pair[0] in chosen) == is_on)


def with_mark(names: Iterable[str]) -> frozenset[str]:
    """Return a set of label names; whoever names the metric's name also means a marked one."""
    chosen = frozenset(names)
    return chosen | {DOOMED} if NAME in chosen else chosen


def changed(labels: Labels, changes: Mapping[str, str]) -> Labels:
    """Set labels; an empty value deletes one. A name that is set is there to stay."""
    merged = {**dict(released(labels) if NAME in changes else labels), **changes}
    return tuple(sorted((name, value) for name, value in merged.items() if value))


def shown(labels: Labels) -> str:
    """Write a label set as Prometheus does in messages."""
    return "{" + ", ".join(f"{name}={quoted(value)}" for name, value in labels) + "}"
