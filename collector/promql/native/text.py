"""A native histogram as one line of text, as count_values puts it into a label.

Never read back. Format: {count:4, sum:18.4, [-2,-1):1, [-0.001,0.001]:2, (1,2]:1}.
"""

import math

from collector.promql.native.buckets import rows
from collector.promql.native.histogram import Histogram

_BRACKETS = {0: "({},{}]", 1: "[{},{})", 2: "({},{})", 3: "[{},{}]"}


def text(histogram: Histogram) -> str:
    """Return count, sum and the filled buckets."""
    parts = [f"count:{number(histogram.count)}", f"sum:{number(histogram.sum)}"]
    for rule, low, high, count in rows(histogram):
        parts.append(f"{_BRACKETS[rule].format(number(low), number(high))}:{number(count)}")
    return "{" + ", ".join(parts) + "}"


def number(value: float) -> str:
    """Return a float as Go's %g does: shortest, with an exponent below 1e-4 and from 1e6 on."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'+' if value > 0 else '-'}Inf"
    shortest = repr(value)
    digits = shortest.partition("e")[0].replace(".", "").strip("-0")
    mantissa, _, exponent = f"{value:.{max(len(digits) - 1, 0)}e}".partition("e")
    if -4 <= int(exponent) < 6:
        return shortest.removesuffix(".0")
    return f"{mantissa}e{int(exponent):+03d}"
