"""Exponential histograms as rows of a batch or a table, and back.

Never a gap: a row without a count has no value.
"""

from collections.abc import Mapping
from typing import Any

from collector.otlp.exponential import Buckets, Exponential


def value_of(row: Mapping[str, Any]) -> Exponential:
    """Return the value in a row of exponential histograms."""
    return Exponential(
        count=row["count"],
        scale=row["scale"],
        zero_count=row["zero_count"],
        zero_threshold=row["zero_threshold"],
        positive=Buckets(row["positive_offset"], tuple(row["positive_counts"])),
        negative=Buckets(row["negative_offset"], tuple(row["negative_counts"])),
        sum=row["sum"],
        min=row["min"],
        max=row["max"],
    )


def row_of(value: Exponential) -> dict[str, Any]:
    """Return the columns of a value."""
    return {
        "count": value.count,
        "sum": value.sum,
        "min": value.min,
        "max": value.max,
        "scale": value.scale,
        "zero_count": value.zero_count,
        "zero_threshold": value.zero_threshold,
        "positive_offset": value.positive.offset,
        "positive_counts": list(value.positive.counts),
        "negative_offset": value.negative.offset,
        "negative_counts": list(value.negative.counts),
    }
