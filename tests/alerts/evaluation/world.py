"""Series in memory, groups evaluated step by step over them, and what they wrote."""

import itertools

from alerts.evaluation.groups import begin, evaluate
from alerts.evaluation.overlay import Overlay
from alerts.evaluation.reading import read_rules
from alerts.evaluation.rules import World
from collector.promql.engine import instant
from collector.promql.memory import MemorySource

MINUTE = 60_000
T0 = 1_800_000_000_000


def series(name, values, labels=(), step_ms=MINUTE, start_ms=T0):
    """Return a series; None is no sample."""
    filled = [(start_ms + at * step_ms, one) for at, one in enumerate(values) if one is not None]
    times, numbers = zip(*filled, strict=True) if filled else ((), ())
    return ((("__name__", name), *labels), times, numbers)


class Steps:
    """Groups of a rule file, evaluated when asked; ``source`` has what they wrote, too."""

    def __init__(self, text, data=(), *, world=None, restores=False, written=()):
        self.source = Overlay(MemorySource(data))
        self.source.add(written)
        self.world = World() if world is None else world
        self.states = [begin(one, restores=restores) for one in read_rules(text, file="r.yaml")]
        self.written = []
        self.notices = []

    def run(self, at_ms):
        """Evaluate all groups; return the state of the first."""
        clock = itertools.count().__next__
        for at, state in enumerate(self.states):
            done = evaluate(state, self.source, at_ms, world=self.world, clock_s=clock)
            self.states[at] = done.state
            self.source.add(done.samples)
            self.written += done.samples
            self.notices += done.notices
        return self.states[0]

    def ask(self, expr, at_ms):
        """Return labels and values of an expression, sorted."""
        grid = instant(self.source, expr, at_ms).value
        return sorted(zip(grid.labels, grid.values[:, 0].tolist(), strict=True))
