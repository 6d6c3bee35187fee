"""Windows cut into disjoint spans, so that rows in several windows are read once.

Never reads data. All windows of a status end now: the spans between their starts add up to each.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from slo.sources import Window


def disjoint_spans(windows: Sequence[Window]) -> tuple[Window, ...]:
    """Return the spans between all window ends that some window holds, in order of time."""
    marks = sorted({mark for window in windows for mark in window})
    spans = pairwise(marks)
    return tuple(span for span in spans if any(_holds(window, span) for window in windows))


def membership(windows: Sequence[Window], spans: Sequence[Window]) -> NDArray[np.int64]:
    """Return 1 where a span (row) lies in a window (column): a matrix that sums spans."""
    cells = [[int(_holds(window, span)) for window in windows] for span in spans]
    return np.array(cells, dtype=np.int64).reshape(len(spans), len(windows))


def overlap_s(windows: Sequence[Window], measured: Window | None) -> NDArray[np.int64]:
    """Return the seconds that each window shares with the measured span; None measured nothing."""
    first, last = measured or (0, 0)
    seconds = [max(min(to_s, last) - max(from_s, first), 0) for from_s, to_s in windows]
    return np.array(seconds, dtype=np.int64)


def _holds(window: Window, span: Window) -> bool:
    return window[0] <= span[0] and span[1] <= window[1]
