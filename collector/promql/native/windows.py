"""What rate, increase, delta, irate and idelta make of the native histograms of a range.

Never selects the samples. A None is no answer, and a note says why. Windows are left-open.
https://prometheus.io/docs/prometheus/latest/querying/functions/#rate
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from collector.promql.native.arithmetic import add, divide, scale, subtract
from collector.promql.native.histogram import Histogram, IncompatibleBuckets, ResetHint
from collector.promql.native.layout import at_schema
from collector.promql.native.notes import QUIET, Note, Notes
from collector.promql.native.resets import is_reset
from collector.promql.native.resets import resets as all_resets

_NEARLY = 1.1
"""A gap to the end of the range up to this many intervals is bridged by extrapolation."""


def extrapolated(
    times_ms: NDArray[np.int64],
    histograms: Sequence[Histogram],
    from_ms: int,
    to_ms: int,
    *,
    is_counter: bool,
    is_rate: bool,
    resets: NDArray[np.bool_] | None = None,
) -> tuple[Histogram | None, Notes]:
    """Return rate (is_counter, is_rate), increase (is_counter) or delta of the samples in a range.

    times_ms and histograms: the samples in (from_ms, to_ms], all histograms; fewer than two give
    (None, no notes). ``resets`` spares the search for resets where windows overlap: that of
    ``resets.resets`` over the same samples, whose first flag does not matter.
    """
    if len(histograms) < 2:
        return None, QUIET
    change, notes = increase(histograms, is_counter=is_counter, resets=resets)
    if change is None:
        return None, notes
    sampled_s = float(times_ms[-1] - times_ms[0]) / 1000
    average_s = sampled_s / (len(histograms) - 1)
    start_s = float(times_ms[0] - from_ms) / 1000
    end_s = float(to_ms - times_ms[-1]) / 1000
    if start_s >= average_s * _NEARLY:
        start_s = average_s / 2
    if end_s >= average_s * _NEARLY:
        end_s = average_s / 2
    if is_counter and change.count > 0 and histograms[0].count >= 0:
        start_s = min(start_s, sampled_s * (histograms[0].count / change.count))
    factor = (sampled_s + start_s + end_s) / sampled_s
    if is_rate:
        factor /= (to_ms - from_ms) / 1000
    return scale(change, factor), notes


def increase(
    histograms: Sequence[Histogram],
    *,
    is_counter: bool,
    resets: NDArray[np.bool_] | None = None,
) -> tuple[Histogram | None, Notes]:
    """Return how much was added between the first and the last of two or more: a gauge.

    Of a counter what was lost by resets is added again; None where buckets do not go together.
    """
    notes = _kind_notes(histograms, is_counter=is_counter)
    starts = np.zeros(len(histograms), np.bool_)
    if is_counter:
        starts = all_resets(histograms) if resets is None else resets
    first, last = histograms[0], histograms[-1]
    if starts[1:2].any():  # what lies before a reset may have any layout
        second = histograms[1]
        first = Histogram(schema=second.schema, custom_values=second.custom_values)
    relevant = (first, *histograms[1:]) if is_counter else (first, last)
    if any(one.is_custom != last.is_custom for one in relevant):
        return None, notes | {Note.MIXED_SCHEMAS}
    schema = min(one.schema for one in relevant)
    change, added = subtract(at_schema(last, schema), first)
    found = added
    for index in np.flatnonzero(starts[1:]).tolist():
        change, added = add(change, histograms[index] if index else first)
        found |= added
    return replace(change, hint=ResetHint.GAUGE), notes | (found - {Note.COLLIDING_RESETS})


def between_last(
    times_ms: Sequence[int], histograms: Sequence[Histogram], *, is_rate: bool
) -> tuple[Histogram | None, Notes]:
    """Return irate (is_rate) or idelta of the last two samples, which are both histograms."""
    (earlier, later), (early_ms, late_ms) = histograms[-2:], times_ms[-2:]
    notes = _kind_notes((earlier, later), is_counter=is_rate)
    if is_rate and is_reset(later, earlier):
        found = replace(later, hint=ResetHint.GAUGE)
    else:
        try:
            found, added = subtract(later, earlier)
        except IncompatibleBuckets:
            return None, notes | {Note.MIXED_SCHEMAS}
        notes |= added - {Note.COLLIDING_RESETS}
    return (divide(found, (late_ms - early_ms) / 1000) if is_rate else found), notes


def _kind_notes(histograms: Sequence[Histogram], *, is_counter: bool) -> Notes:
    """Note gauges where counters are meant (all samples), and counters where gauges are (ends)."""
    if is_counter:
        if any(one.hint is ResetHint.GAUGE for one in histograms):
            return frozenset({Note.NOT_A_COUNTER})
    elif any(one.hint is not ResetHint.GAUGE for one in (histograms[0], histograms[-1])):
        return frozenset({Note.NOT_A_GAUGE})
    return QUIET
