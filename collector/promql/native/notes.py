"""What a function has to say about the histograms it was given, besides its answer.

Only kinds: the engine puts them into words, for it knows the metric's name and the place in the
query. https://prometheus.io/docs/specs/native_histograms/#promql
"""

from enum import Enum, unique


@unique
class Note(Enum):
    """The value is the text of Prometheus's annotation, without the metric's name."""

    NOT_A_COUNTER = "this native histogram metric is not a counter"
    NOT_A_GAUGE = "this native histogram metric is not a gauge"
    MIXED_SCHEMAS = (
        "vector contains a mix of histograms with exponential and custom buckets schemas"
    )
    COLLIDING_RESETS = "conflicting counter resets during histogram"
    RECONCILED_BOUNDS = "mismatched custom buckets were reconciled during"
    NAN_RESULT = "input to histogram_quantile has NaN observations, result is NaN"
    NAN_SKEW = "input to histogram_quantile has NaN observations, result is skewed higher"
    NAN_LEFT_OUT = (
        "input to histogram_fraction has NaN observations, which are excluded from all fractions"
    )

    @property
    def is_warning(self) -> bool:
        """Warnings say that something was left out or is doubtful; infos only explain."""
        return self in _WARNINGS


_WARNINGS = frozenset(
    {Note.NOT_A_COUNTER, Note.NOT_A_GAUGE, Note.MIXED_SCHEMAS, Note.COLLIDING_RESETS}
)

Notes = frozenset[Note]
QUIET: Notes = frozenset()
