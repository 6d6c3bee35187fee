"""A trace as people look at it: its tree, times mended by ``clockskew``, and what it waited for.

All that ``Trace`` leaves to be computed, computed once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from collector.traces.clockskew import adjust
from collector.traces.critical_path import Segment, critical_path
from collector.traces.trace import Trace
from collector.traces.tree import SpanTree, self_times_ns, span_tree

MAX_SKEW_NS: Final = 3600 * 10**9
"""Larger differences of clocks are not mended."""

_CLIENT: Final = 3
_CONSUMER: Final = 5
_MIRROR: Final = "mirror"
"""Envoy's name for the span of a copy, whose answer it throws away."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """By position of the trace's spans. ``path`` is of the first root.

    ``start_ns`` are the adjusted starts, ``moved_ns`` by how much they differ from what was sent.
    """

    trace: Trace
    tree: SpanTree
    start_ns: Sequence[int]
    moved_ns: Sequence[int]
    self_ns: Sequence[int]
    path: Sequence[Segment]
    warnings: Mapping[int, Sequence[str]]

    @property
    def root(self) -> int:
        """The first root."""
        return self.tree.roots[0]


def analyse(trace: Trace, *, max_skew_ns: int = MAX_SKEW_NS) -> Analysis:
    """Return the analysis; ``max_skew_ns`` 0 leaves all times as they were sent."""
    tree = span_tree(trace["span_id"], trace["parent_id"], trace["kind"])
    durations = trace["duration_ns"]
    hosts = [trace.resources[resource].host for resource in trace.resource]
    adjusted = adjust(tree, trace["start_ns"], durations, trace["kind"], hosts, most_ns=max_skew_ns)
    warnings = {span: list(said) for span, said in tree.warnings.items()}
    for span, said in adjusted.warnings.items():
        warnings.setdefault(span, []).extend(said)
    return Analysis(
        trace=trace,
        tree=tree,
        start_ns=adjusted.start_ns,
        moved_ns=adjusted.moved_ns,
        self_ns=self_times_ns(tree, adjusted.start_ns, durations),
        path=critical_path(
            tree, tree.roots[0], adjusted.start_ns, durations, unawaited=_unawaited(trace)
        ),
        warnings=warnings,
    )


def _unawaited(trace: Trace) -> frozenset[int]:
    """Return the consumers of messages, and the copies of requests that Envoy sends to a mirror."""
    kinds, names = trace["kind"], trace["name"]
    return frozenset(
        span
        for span in range(len(trace))
        if kinds[span] == _CONSUMER
        or (
            names[span] == _MIRROR
            and kinds[span] == _CLIENT
            and trace.attributes(span).get("component") == "proxy"
        )
    )
