"""Exemplars of the series that a query reads, in the shape of Prometheus's API.

An exemplar belongs to a stream: of a histogram's series it is told once for each that is asked for,
without ``le``. Never reads a sample. Derived counters have none.
https://prometheus.io/docs/prometheus/latest/querying/api/#querying-exemplars
"""

from collections.abc import Iterable, Sequence
from typing import Any

from collector.prometheus.names import label_values, parsed
from collector.prometheus.numbers import positional
from collector.prometheus.points import NS_PER_MS, Window
from collector.prometheus.source import StoreSource
from collector.promql.samples import Matcher


def exemplars(
    source: StoreSource, selectors: Iterable[Sequence[Matcher]], window: Window
) -> list[dict[str, Any]]:
    """Return ``seriesLabels`` and ``exemplars`` of each series that has some, sorted."""
    series = {one.labels: one for matchers in selectors for one in source.streams(matchers)}
    exported = {labels: one for labels, one in series.items() if one.part not in {"info", "seen"}}
    fed = {
        labels: [stream for kind in (one, *one.others) for stream in kind.streams]
        for labels, one in exported.items()
    }
    streams = sorted({stream for found in fed.values() for stream in found})
    rows = source.cursor.execute(
        "SELECT series_id, time_ns, coalesce(value_double, value_int::DOUBLE), trace_hi, trace_lo,"
        " span_id, attributes FROM exemplars"
        " SEMI JOIN (SELECT unnest(?::INTEGER[]) AS series_id) USING (series_id)"
        " WHERE time_ns >= ? AND time_ns < ? ORDER BY time_ns",
        [streams, *window.bounds_ns],
    ).fetchall()
    found: dict[int, list[dict[str, Any]]] = {}
    for stream, time_ns, value, *context in rows:
        found.setdefault(stream, []).append(
            {
                "labels": _labels(*context),
                "value": positional(value),
                "timestamp": time_ns // NS_PER_MS / 1000,
            }
        )
    return [
        {"seriesLabels": dict(labels), "exemplars": told}
        for labels, own in sorted(fed.items())
        if (told := [one for stream in own for one in found.get(stream, [])])
    ]


def _labels(
    trace_hi: int | None, trace_lo: int | None, span_id: int | None, attributes: str
) -> dict[str, str]:
    labels = label_values(parsed(attributes))
    if trace_hi is not None and trace_lo is not None:
        labels["trace_id"] = f"{trace_hi:016x}{trace_lo:016x}"
    if span_id is not None:
        labels["span_id"] = f"{span_id:016x}"
    return labels
