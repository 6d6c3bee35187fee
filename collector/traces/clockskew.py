"""Clock skew between hosts, mended by cause: a request cannot arrive before it was sent.

Looks at server spans of another host than their client parent's. One that does not lie within the
parent is moved to its middle, so that both ways of the network took the same time; one that lasted
longer than the parent, for which that is impossible, only as far as the parent's start. What lies
below it on the same host moves along. The rules are those that Jaeger documents for its query
service; producers and consumers, which may be hours apart, are left alone here. Every moved span
says so. Never moves a span whose skew exceeds the limit, and says that too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from collector.traces.tree import SpanTree

_SERVER: Final = 2
_CLIENT: Final = 3
_MS_NS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The starts after the adjustment, how far each was moved, and who says so."""

    start_ns: Sequence[int]
    moved_ns: Sequence[int]
    warnings: dict[int, list[str]]


def adjust(
    tree: SpanTree,
    start_ns: Sequence[int],
    duration_ns: Sequence[int],
    kinds: Sequence[int],
    hosts: Sequence[object],
    *,
    most_ns: int,
) -> Adjusted:
    """Return adjusted starts; ``most_ns`` 0 turns it off. ``hosts`` tell clocks apart."""
    if most_ns == 0:
        return Adjusted(start_ns, [0] * len(start_ns), {})
    moved = [0] * len(start_ns)
    warnings: dict[int, list[str]] = {}
    for span in tree.order:
        above = tree.parent[span]
        if above < 0:
            continue
        if hosts[above] == hosts[span]:
            moved[span] = moved[above]
        elif kinds[above] == _CLIENT and kinds[span] == _SERVER:
            skew_ns = _skew_ns(
                start_ns[above] + moved[above],
                duration_ns[above],
                start_ns[span],
                duration_ns[span],
            )
            if abs(skew_ns) > most_ns:
                warnings[span] = [
                    f"clock skew of {_ms(skew_ns)} is more than the limit of {_ms(most_ns)}:"
                    " the span was not moved"
                ]
            else:
                moved[span] = skew_ns
        if moved[span]:
            warnings[span] = [f"clock skew: the span was moved by {_ms(moved[span])}"]
    starts = [start + by for start, by in zip(start_ns, moved, strict=True)]
    return Adjusted(starts, moved, warnings)


def _skew_ns(parent_ns: int, parent_duration_ns: int, child_ns: int, child_duration_ns: int) -> int:
    """Return by how much the child must be moved; 0 when it lies within its parent."""
    if child_duration_ns > parent_duration_ns:
        return max(parent_ns - child_ns, 0)
    is_within = (
        parent_ns <= child_ns and child_ns + child_duration_ns <= parent_ns + parent_duration_ns
    )
    if is_within:
        return 0
    return parent_ns + (parent_duration_ns - child_duration_ns) // 2 - child_ns


def _ms(duration_ns: int) -> str:
    return f"{duration_ns / _MS_NS:+.3f} ms"
