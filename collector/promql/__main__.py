"""Compile the engine's loops, so that nobody waits for them later: ``python -m collector.promql``.

By queries that need each of them, over two samples.
"""

import numpy as np

from collector.promql.engine import instant
from collector.promql.memory import MemorySource

_QUERIES = (
    *(f"{name}(x[1m])" for name in (
        "rate", "changes", "resets", "deriv", "sum_over_time", "avg_over_time", "max_over_time",
        "stddev_over_time",
    )),
    "quantile_over_time(0.5, x[1m])",
    *(f"{name}(x)" for name in ("sum", "avg", "max", "stddev", "count")),
)  # fmt: skip

_TIMES = np.array([1_000, 2_000], np.int64)
_SOURCE = MemorySource([((("__name__", "x"),), _TIMES, np.array([1.0, 2.0]))])

for query in _QUERIES:
    instant(_SOURCE, query, 3_000)
