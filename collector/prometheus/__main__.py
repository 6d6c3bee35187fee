"""Compile the loops that place samples, so that nobody waits for them later:
``python -m collector.prometheus``.

By placing rows that must be merged, two of them of one moment.
"""

import pyarrow as pa

from collector.prometheus.columns import placed, seats, without_twins

_ROWS = pa.table(
    {
        "stream": pa.array([0, 0, 0], pa.int32()),
        "time_ns": pa.array([1, 0, 0], pa.int64()),
        "value": pa.array([1.0, 2.0, 3.0], pa.float64()),
    }
)

without_twins(placed(_ROWS, seats([0], [0], 1)))
