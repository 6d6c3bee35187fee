"""The critical path: which span the trace was waiting for, at each moment of its root.

Goes back from the end of a span to the child that finished last, then to the child that finished
last before that one began, and so on; what is between is the span's own. Children are cut to their
parent's interval first, so that work after the answer is nobody's wait. This is the way back
through last finishers of Zhang et al., CRISP: Critical Path Analysis of Large-Scale Microservice
Architectures (https://www.usenix.org/conference/atc22/presentation/zhang-zhizhou). No recursion.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from collector.traces.tree import SpanTree


@dataclass(frozen=True, slots=True)
class Segment:
    """The trace waited for the span's own work in [from_ns, to_ns), which is not empty."""

    span: int
    from_ns: int
    to_ns: int


def critical_path(
    tree: SpanTree,
    root: int,
    start_ns: Sequence[int],
    duration_ns: Sequence[int],
    *,
    unawaited: Container[int] = (),
) -> list[Segment]:
    """Return the segments by time: they do not overlap, and cover the root's interval.

    Nobody waits for spans that are ``unawaited``, nor for what is below them.
    """
    ends = [start + length for start, length in zip(start_ns, duration_ns, strict=True)]
    path: list[Segment] = []
    waiting: list[tuple[int, int, int, bool]] = [(root, start_ns[root], ends[root], False)]
    while waiting:
        span, from_ns, to_ns, is_own = waiting.pop()
        if is_own or not tree.children[span]:
            if from_ns < to_ns:
                path.append(Segment(span, from_ns, to_ns))
            continue
        children = [child for child in tree.children[span] if child not in unawaited]
        waiting += reversed(_backwards(children, span, from_ns, to_ns, start_ns, ends))
    path.reverse()
    return path


def own_ns(path: Sequence[Segment], spans: int) -> list[int]:
    """Return each span's time on the path; they sum to the root's duration."""
    own = [0] * spans
    for segment in path:
        own[segment.span] += segment.to_ns - segment.from_ns
    return own


def _backwards(
    children: Sequence[int],
    span: int,
    from_ns: int,
    to_ns: int,
    start_ns: Sequence[int],
    ends: Sequence[int],
) -> list[tuple[int, int, int, bool]]:
    """Divide [from, to) between a span and its children: the last piece first."""
    cut = [
        (min(ends[child], to_ns), max(start_ns[child], from_ns), child)
        for child in children
        if start_ns[child] < to_ns and ends[child] > from_ns
    ]
    pieces, at_ns = [], to_ns
    for end_ns, begin_ns, child in sorted(cut, reverse=True):
        if end_ns <= at_ns and begin_ns < end_ns:
            pieces.append((span, end_ns, at_ns, True))
            pieces.append((child, begin_ns, end_ns, False))
            at_ns = begin_ns
    pieces.append((span, from_ns, at_ns, True))
    return pieces
