"""Exemplars of a metric point -> rows of their own: a value, and the trace it was seen in.

Never drops an exemplar without a trace, and never a point because of its exemplars.
Spec: https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exemplars
"""

from collections.abc import Iterable
from typing import Any, Final

from collector.otlp import attributes as attrs
from collector.otlp.batch import MAX_TIME_NS, BatchBuilder
from collector.otlp.traces import id_numbers

_KNOWN: Final = attrs.KnownAttributes()


def add_exemplars(
    builder: BatchBuilder, series: int, exemplars: Iterable[Any], point_ns: int
) -> None:
    """Append the exemplars of one point; one without a time has that of its point."""
    for exemplar in exemplars:
        time_ns = exemplar.time_unix_nano or point_ns
        kind = exemplar.WhichOneof("value")
        if time_ns > MAX_TIME_NS or kind is None:
            builder.warn("exemplar left out: without a value, or after the year 2262")
            continue
        builder.exemplars.rows.append(
            (
                series,
                time_ns,
                exemplar.as_int if kind == "as_int" else None,
                exemplar.as_double if kind == "as_double" else None,
                *(id_numbers(exemplar.trace_id, exemplar.span_id) or (None, None, None)),
                _KNOWN.document(exemplar.filtered_attributes, builder.warn),
            )
        )
