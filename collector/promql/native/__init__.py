"""Native histograms: the value type, and all that PromQL does with it.

``histogram``: Histogram, from OTLP or bucket by bucket. ``arithmetic``: add subtract scale divide
negate total mean. ``resets``: is_reset resets. ``windows``: extrapolated (rate, increase, delta)
increase between_last (irate, idelta). ``statistics``: quantile fraction average variance deviation.
``buckets``: rows (for the HTTP API). Whatever may have something to tell returns ``Note`` values
beside its answer.
"""

from collector.promql.native.arithmetic import add, divide, mean, negate, scale, subtract, total
from collector.promql.native.buckets import rows
from collector.promql.native.histogram import (
    CUSTOM_SCHEMA,
    Histogram,
    IncompatibleBuckets,
    ResetHint,
    Side,
    custom,
    from_exponential,
    side,
)
from collector.promql.native.layout import compacted
from collector.promql.native.notes import QUIET, Note, Notes
from collector.promql.native.resets import is_reset, resets
from collector.promql.native.statistics import average, deviation, fraction, quantile, variance
from collector.promql.native.text import text
from collector.promql.native.windows import between_last, extrapolated, increase

__all__ = [
    "CUSTOM_SCHEMA",
    "QUIET",
    "Histogram",
    "IncompatibleBuckets",
    "Note",
    "Notes",
    "ResetHint",
    "Side",
    "add",
    "average",
    "between_last",
    "compacted",
    "custom",
    "deviation",
    "divide",
    "extrapolated",
    "fraction",
    "from_exponential",
    "increase",
    "is_reset",
    "mean",
    "negate",
    "quantile",
    "resets",
    "rows",
    "scale",
    "side",
    "subtract",
    "text",
    "total",
    "variance",
]
