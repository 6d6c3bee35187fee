"""The shape of each service's traffic over a range, as the points of an SVG polyline.

A hint of the trend beside exact numbers; each line has its own scale, from zero to its peak.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

import duckdb

from collector.store import reader
from slo.evaluate import BUCKET_S

POINTS: Final = 30
WIDTH: Final = 100
HEIGHT: Final = 20
_MARGIN: Final = 2


def read_sparklines(cursor: duckdb.DuckDBPyConnection, from_s: int, to_s: int) -> dict[str, str]:
    """Return the points of every destination that had requests in the range."""
    step_s = step_for(to_s - from_s)
    table = reader.edge_counts(cursor, from_s, to_s, by=("destination",), step_s=step_s)
    counts: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for row in table.to_pylist():
        counts[row["destination"]][(row["bucket_s"] - from_s) // step_s] = row["requests"]
    # The last step is still filling, and would always look like a fall.
    steps = max((to_s - from_s) // step_s - 1, 1)
    return {service: points(filled, steps) for service, filled in counts.items()}


def step_for(span_s: int) -> int:
    """Return the step, a multiple of 10 s, that gives about 30 points."""
    return max(-(-span_s // (POINTS * BUCKET_S)), 1) * BUCKET_S


def points(filled: Mapping[int, int], steps: int) -> str:
    """Return ``x,y x,y ...`` for steps 0..steps-1; a missing step is zero."""
    peak = max(filled.values(), default=0) or 1
    rise = (HEIGHT - 2 * _MARGIN) / peak
    across = WIDTH / max(steps - 1, 1)
    return " ".join(
        f"{step * across:.1f},{HEIGHT - _MARGIN - min(filled.get(step, 0), peak) * rise:.1f}"
        for step in range(steps)
    )
