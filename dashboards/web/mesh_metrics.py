"""The counters of the mesh for a Prometheus to scrape: cumulative since the first data we keep.

Canonical rows only, so that a sum over labels is the number of the topology and the SLO page.
When retention drops old hours the counters fall, which Prometheus reads as a reset.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Final

import duckdb
import pyarrow as pa

from collector.edges import (
    LATENCY_BUCKETS,
    SIGNALS,
    is_error,
    latency_bound_us,
    latency_bucket,
)
from collector.evidence import EVIDENCE_BY
from collector.semconv import LATENCY_BUCKETS_PER_DOUBLING
from collector.store import reader
from collector.store.remembered import Base
from dashboards.web.exposition import Family, Sample
from dashboards.web.self_metrics import Exporter
from slo.corrections import Correction, excluded_as_entered
from slo.latency import latency_bounds_us, le_label
from slo.model import Slo
from slo.sources import CountSource, Window

_REQUEST_LABELS: Final = ("source", "destination", "version", "route", "code", "flags")
_DURATION_LABELS: Final = ("source", "destination", "version", "route", "result")


def mesh_families(
    cursor: duckdb.DuckDBPyConnection,
    slos: Sequence[Slo],
    to_s: int,
    exporters: Sequence[Exporter] = (),
    base: Base | None = None,
) -> list[Family]:
    """Read every family of the mesh up to ``to_s``, exclusive, and add who exports.

    With a ``base`` only what came after it is read; the numbers are the same.
    """
    counts = reader.edge_counts(cursor, 0, to_s, by=(*_REQUEST_LABELS, "mtls"), base=base)
    by = (*_DURATION_LABELS[:-1], "code")
    latency = reader.edge_latency(cursor, 0, to_s, by=by, base=base)
    evidence = reader.edge_counts(cursor, 0, to_s, by=EVIDENCE_BY, canonical=False, base=base)
    return [
        Family(
            "mesh_requests_total",
            "counter",
            "Requests between services, each counted once, after retries.",
            _REQUEST_LABELS,
            _sums(counts, _REQUEST_LABELS, "requests"),
        ),
        Family(
            "mesh_retries_total",
            "counter",
            "Upstream attempts beyond the first of each request.",
            ("source", "destination"),
            _sums(counts, ("source", "destination"), "retries"),
        ),
        Family(
            "mesh_attempts_total",
            "counter",
            "Upstream attempts as the caller's side sent them, retries included.",
            ("source", "destination"),
            _sums(counts, ("source", "destination"), "attempts"),
        ),
        Family(
            "mesh_arrivals_total",
            "counter",
            "Attempts as the callee's side answered them, by result: the actual outcome.",
            ("source", "destination", "result"),
            _arrivals(evidence),
        ),
        Family(
            "mesh_tls_requests_total",
            "counter",
            "Requests by transport security; none: nothing was reached.",
            ("source", "destination", "mtls"),
            _sums(counts, ("source", "destination", "mtls"), "requests"),
        ),
        Family(
            "mesh_request_duration_seconds",
            "histogram",
            "Duration of requests that ended, first byte received to last byte sent, by result.",
            _DURATION_LABELS,
            _histograms(latency, exposed_buckets(slos)),
        ),
        Family(
            "mesh_exporter_last_seen_timestamp_seconds",
            "gauge",
            "When a proxy last exported; from before the server's start to 10 s.",
            ("service", "instance"),
            [Sample((one.service, one.instance), one.last_seen_s) for one in exporters],
        ),
        Family(
            "mesh_exporter_silent",
            "gauge",
            "1: a proxy has not exported for three of its usual intervals.",
            ("service", "instance"),
            [Sample((one.service, one.instance), float(one.is_silent)) for one in exporters],
        ),
    ]


def slo_families(
    counting: Callable[[tuple[Window, ...]], CountSource],
    slos: Sequence[Slo],
    to_s: int,
    corrections: Sequence[Correction] = (),
) -> list[Family]:
    """Count the events of every SLO up to ``to_s``, but for what corrections excluded then.

    ``counting`` gives a source without some spans.
    """
    by_spans: dict[tuple[Window, ...], list[Slo]] = defaultdict(list)
    for slo in slos:
        by_spans[excluded_as_entered(corrections, *slo.names)].append(slo)
    counted = {
        slo.name: (int(good), int(total))
        for spans, group in by_spans.items()
        for slo, ((good, total),) in zip(
            group,
            counting(spans).counts([slo.sli for slo in group], [(0, to_s)]),
            strict=True,
        )
    }
    events = [
        Sample((slo.name, slo.service, result), value)
        for slo in slos
        for good, total in (counted[slo.name],)
        for result, value in (("good", good), ("bad", total - good))
    ]
    return [
        Family(
            "meshscope_slo_objective_ratio",
            "gauge",
            "The ratio of good events that is good enough.",
            ("slo", "service"),
            [Sample((slo.name, slo.service), float(slo.objective.target)) for slo in slos],
        ),
        Family(
            "meshscope_slo_events_total",
            "counter",
            "Events of an SLO by result.",
            ("slo", "service", "result"),
            events,
        ),
    ]


def exposed_buckets(slos: Sequence[Slo]) -> list[int]:
    """Return the histogram buckets with an ``le``: one per doubling, and every SLO's threshold."""
    doublings = range(0, LATENCY_BUCKETS + 1, LATENCY_BUCKETS_PER_DOUBLING)
    return sorted({*doublings, *(latency_bucket(bound) for bound in latency_bounds_us(slos))})


def _sums(table: pa.Table, labels: Sequence[str], column: str) -> list[Sample]:
    summed = table.group_by(list(labels)).aggregate([(column, "sum")])
    columns = [summed[name].to_pylist() for name in (*labels, f"{column}_sum")]
    rows = sorted(zip(*columns, strict=True))
    return [Sample(tuple(str(key) for key in row[:-1]), row[-1]) for row in rows]


def _arrivals(evidence: pa.Table) -> list[Sample]:
    """Count what arrived, by the best signal of the callee's side; the others tell it again."""
    best: dict[tuple[str, str], tuple[int, int, int]] = {}
    for row in evidence.to_pylist():
        if row["reporter"] == "destination":
            pair = row["source"], row["destination"]
            rank = SIGNALS.index(row["signal"])
            known, requests, errors = best.get(pair, (rank, 0, 0))
            if rank < known:
                known, requests, errors = rank, 0, 0
            if rank == known:
                best[pair] = known, requests + row["requests"], errors + row["errors"]
    return [
        Sample((*pair, result), value)
        for pair, (_, requests, errors) in sorted(best.items())
        for result, value in (("ok", requests - errors), ("error", errors))
    ]


def _histograms(latency: pa.Table, buckets: Sequence[int]) -> list[Sample]:
    counts: dict[tuple[str, ...], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for row in latency.to_pylist():
        row["result"] = "error" if is_error(row["code"]) else "ok"
        counts[tuple(row[name] for name in _DURATION_LABELS)][row["latency_bucket"]] += row["count"]
    bounds = [(bucket, le_label(latency_bound_us(bucket))) for bucket in buckets]
    return [
        sample
        for labels, filled in sorted(counts.items())
        for sample in _histogram(labels, filled, bounds)
    ]


def _histogram(
    labels: tuple[str, ...], filled: dict[int, int], bounds: Sequence[tuple[int, str]]
) -> list[Sample]:
    buckets = sorted(filled)
    sums = [0, *accumulate(filled[bucket] for bucket in buckets)]
    total = sums[-1]
    below = [
        Sample(labels, sums[bisect_right(buckets, last)], "_bucket", le) for last, le in bounds
    ]
    return [*below, Sample(labels, total, "_bucket", "+Inf"), Sample(labels, total, "_count")]
