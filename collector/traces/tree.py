"""The tree of a trace's spans: parents, depths, and an order to show them in.

One pass over the spans, without recursion: a chain of 20,000 is as good as a flat trace. Every span
is in the tree once, whatever was sent: a span whose parent is missing is a root, a cycle is cut at
its earliest span, and a client and a server span that share an id, as Zipkin's do, become parent
and child. Never changes a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

ORPHAN: Final = "the parent span is missing"
CYCLE: Final = "the span is its own ancestor; it is shown as a root"
NOT_UNIQUE: Final = "another span of the trace has the same id"

_CALLERS: Final = (3, 4)
_CALLEES: Final = (2, 5)


@dataclass(frozen=True, slots=True)
class SpanTree:
    """Positions are those of the spans given. ``parent`` is -1 for a root.

    ``order`` is the pre-order: roots and siblings by start. ``warnings`` are by position.
    """

    parent: Sequence[int]
    depth: Sequence[int]
    order: Sequence[int]
    roots: Sequence[int]
    children: Sequence[Sequence[int]]
    warnings: dict[int, list[str]]


def span_tree(
    span_ids: Sequence[int], parent_ids: Sequence[int | None], kinds: Sequence[int]
) -> SpanTree:
    """Return the tree of spans that are given by start."""
    warnings: dict[int, list[str]] = {}
    parent = _parents(span_ids, parent_ids, kinds, warnings)
    children: list[list[int]] = [[] for _ in parent]
    for span, above in enumerate(parent):
        if above >= 0:
            children[above].append(span)
    for span in _cycle_heads(parent):
        children[parent[span]].remove(span)
        parent[span] = -1
        warnings.setdefault(span, []).append(CYCLE)
    roots = [span for span, above in enumerate(parent) if above < 0]
    order, depth = _walk(roots, children)
    return SpanTree(parent, depth, order, roots, children, warnings)


def self_times_ns(tree: SpanTree, start_ns: Sequence[int], duration_ns: Sequence[int]) -> list[int]:
    """Return what of each span's duration no child of it covers; 0..duration."""
    own = list(duration_ns)
    for span, children in enumerate(tree.children):
        covered_to = start_ns[span]
        end = covered_to + duration_ns[span]
        for child in sorted(children, key=start_ns.__getitem__):
            child_end = min(start_ns[child] + duration_ns[child], end)
            begin = max(start_ns[child], covered_to)
            if begin < child_end:
                own[span] -= child_end - begin
                covered_to = child_end
    return own


def _parents(
    span_ids: Sequence[int],
    parent_ids: Sequence[int | None],
    kinds: Sequence[int],
    warnings: dict[int, list[str]],
) -> list[int]:
    first: dict[int, int] = {}
    shared: dict[int, list[int]] = {}
    for span, span_id in enumerate(span_ids):
        if first.setdefault(span_id, span) != span:
            shared.setdefault(span_id, [first[span_id]]).append(span)
    callers = {}
    for span_id, spans in shared.items():
        caller = next((span for span in spans if kinds[span] in _CALLERS), None)
        callee = next((span for span in spans if kinds[span] in _CALLEES), None)
        if caller is not None and callee is not None:
            callers[callee] = caller
            first[span_id] = callee
        for span in spans if len(spans) > 2 or callee not in callers else ():
            warnings.setdefault(span, []).append(NOT_UNIQUE)
    parent = []
    for span, parent_id in enumerate(parent_ids):
        above = -1 if parent_id is None else first.get(parent_id, -1)
        if parent_id is not None and above < 0:
            warnings.setdefault(span, []).append(ORPHAN)
        parent.append(callers.get(span, above))
    return parent


def _cycle_heads(parent: Sequence[int]) -> list[int]:
    """Return the first span of each cycle; positions are by start, so it is the earliest."""
    state = [0] * len(parent)  # 0 unseen, 1 on the way up, 2 done
    heads = []
    for begin in range(len(parent)):
        way: list[int] = []
        at = begin
        while at >= 0 and not state[at]:
            state[at] = 1
            way.append(at)
            at = parent[at]
        if at >= 0 and state[at] == 1:
            heads.append(min(way[way.index(at) :]))
        for span in way:
            state[span] = 2
    return heads


def _walk(roots: Sequence[int], children: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """Return the pre-order, and depths by position."""
    depth: list[Any] = [0] * len(children)
    order = []
    waiting = list(reversed(roots))
    while waiting:
        span = waiting.pop()
        order.append(span)
        below = depth[span] + 1
        for child in reversed(children[span]):
            depth[child] = below
            waiting.append(child)
    return order, depth
