"""What is not needed is not evaluated where that was asked for, and the answer is the same."""

import pytest

from collector.promql.engine import instant
from collector.promql.memory import MemorySource
from collector.promql.options import Options
from tests.alerts.evaluation.world import MINUTE, T0, series

LAZY = Options(skips_unneeded=True)
DATA = [series(name, [1.0, 2.0, 3.0], (("job", job),)) for name in "ab" for job in "xy"]
AT_MS = T0 + 2 * MINUTE


class Counting:
    """A source that notes what it was asked for."""

    def __init__(self):
        self.asked = []

    def select(self, matchers, from_ms, to_ms):
        self.asked.append(next(one.value for one in matchers if one.name == "__name__"))
        return MemorySource(DATA).select(matchers, from_ms, to_ms)


def answered(expr, options):
    source = Counting()
    grid = instant(source, expr, AT_MS, options).value
    return dict(zip(grid.labels, grid.values[:, 0].tolist(), strict=True)), source.asked


@pytest.mark.parametrize(
    ("expr", "asked"),
    [
        ("a and b > 5", ["b"]),
        ("a and b > 1", ["b", "a"]),
        ("a and c", ["c"]),
        ("(a and b) and c", ["c"]),
        ("sum(a) and on () (b > 5)", ["b"]),
        ("a unless c", ["c", "a"]),
        ("a or c", ["c", "a"]),
        ("(a and c) or b", ["b", "c"]),
    ],
)
def test_the_left_side_of_and_is_left_out_when_the_right_side_has_nothing(expr, asked):
    eager, all_of_it = answered(expr, Options())
    assert answered(expr, LAZY) == (eager, asked)
    assert len(all_of_it) >= len(asked)
