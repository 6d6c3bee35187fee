"""W3C tracestate -> how many spans a span stands for, when its head sampler said so.

``ot=th:<threshold>`` is a rejection threshold of 56 bits, trailing zeros cut; the adjusted count is
the inverse of the sampling probability. Never guesses: where nothing is said, or nothing that can
be read, the count is 1 and its origin tells so.
Spec: https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
and .../tracestate-handling/
"""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

UNSAID: Final = 0
"""No threshold: the probability is unknown, and taken for 1."""
STATED: Final = 1
"""A threshold was given."""
MALFORMED: Final = 2
"""A threshold was given that is none; the probability is unknown, and taken for 1."""

_MAX_COUNT: Final = 2**56
_DIGITS: Final = 14
_MAX_ENTRY: Final = 256
_THRESHOLD: Final = re.compile(r"[0-9a-fA-F]{1,14}")


@dataclass(frozen=True, slots=True)
class AdjustedCount:
    """``count`` >= 1; ``origin`` is UNSAID, STATED or MALFORMED."""

    count: float
    origin: int


def adjusted_count(trace_state: str) -> AdjustedCount:
    """Return the adjusted count that a tracestate states; of several ``ot`` entries the first."""
    for member in trace_state.split(","):
        key, _, value = member.strip(" \t").partition("=")
        if key == "ot":
            return _of_entry(value)
    return AdjustedCount(1.0, UNSAID)


def with_adjusted_counts(spans: pa.Table) -> pa.Table:
    """Return the spans with adjusted_count and adjusted_origin, read from their trace_state."""
    states = spans["trace_state"]
    if not pc.max(pc.binary_length(states)).as_py():
        counts = np.ones(len(spans))
        origins = np.full(len(spans), UNSAID, dtype=np.uint8)
    else:
        encoded = states.combine_chunks().dictionary_encode()
        known = [adjusted_count(state) for state in encoded.dictionary.to_pylist()]
        indices = encoded.indices.to_numpy()
        counts = np.array([one.count for one in known])[indices]
        origins = np.array([one.origin for one in known], dtype=np.uint8)[indices]
    return spans.append_column("adjusted_count", pa.array(counts)).append_column(
        "adjusted_origin", pa.array(origins)
    )


def _of_entry(value: str) -> AdjustedCount:
    fields = [field.partition(":") for field in value.split(";")]
    thresholds = [text for key, _, text in fields if key == "th"]
    if not thresholds:
        return AdjustedCount(1.0, UNSAID)
    if len(value) > _MAX_ENTRY or len(thresholds) > 1 or not _THRESHOLD.fullmatch(thresholds[0]):
        return AdjustedCount(1.0, MALFORMED)
    threshold = int(thresholds[0].ljust(_DIGITS, "0"), 16)
    return AdjustedCount(_MAX_COUNT / (_MAX_COUNT - threshold), STATED)
