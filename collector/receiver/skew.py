"""Times far from ours: a warning to the sender, who is told with a success that all was kept.

A batch in, a sentence out; the clock is passed in. Times count as far beyond a day: queries look
near now, so that the owner of a wrong clock would look for the data in vain.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import pyarrow.compute as pc

from collector.otlp.batch import Batch

FAR_NS: Final = 24 * 3600 * 10**9
_SECOND_NS: Final = 10**9


def skew_warning(batch: Batch, now_ns: int) -> str:
    """Return what to tell the sender; empty when all times are near."""
    found = list(_ranges(batch))
    if not found:
        return ""
    return skew_of(min(low for low, _ in found), max(high for _, high in found), now_ns)


def skew_of(low: int, high: int, now_ns: int) -> str:
    """Return what to tell the sender of times from ``low`` to ``high``, in ns."""
    if now_ns - FAR_NS <= low and high <= now_ns + FAR_NS:
        return ""
    return (
        "accepted, but some times are more than 24 h from the clock here: "
        f"{_text(low)} to {_text(high)}, received {_text(now_ns)}; check the sender's clock"
    )


def _ranges(batch: Batch) -> Iterator[tuple[int, int]]:
    """Yield the earliest and the latest time of each table that has rows."""
    points = (batch.points, batch.histograms, batch.exponentials, batch.summaries)
    for table, column in (
        (batch.spans, "start_ns"),
        *((table, "time_ns") for table in (*points, batch.logs)),
    ):
        if len(table):
            ends = pc.min_max(table.column(column)).as_py()
            if ends["min"] is not None:
                yield ends["min"], ends["max"]


def _text(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // _SECOND_NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
