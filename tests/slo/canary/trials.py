"""Trials made in memory: rows by hand, or drawn from what is true of both versions."""

from dataclasses import dataclass

import numpy as np

from collector.edges import LATENCY_BUCKETS, latency_bucket
from slo.canary.strata import PERIODS, newest_look, period_s, strata, taken
from slo.canary.trial import BASELINE, CANARY, Histograms, Rows, Trial

FROM_S = 1_800_000_000
BUCKETS = LATENCY_BUCKETS + 2


@dataclass(frozen=True)
class Truth:
    """One caller and route: requests per bucket of 10 s, and what is true of each version."""

    rate: float = 100.0
    weight: float = 0.1
    canary_errors: float = 0.01
    baseline_errors: float = 0.01
    canary_ms: float = 20.0
    baseline_ms: float = 20.0
    sigma: float = 0.5


def rows(*given):
    """Return Rows of (bucket number, pair, version, requests, errors)."""
    columns = np.array(given, dtype=np.int64).reshape(-1, 5).T
    bucket, pair, version, requests, errors = columns
    nothing = np.zeros_like(requests)
    return Rows(FROM_S + bucket * 10, pair, version, requests, errors, nothing)


def trial(counted, latencies=(), *, buckets=None, first_look=200, canary="v2", baseline="v1"):
    """Return a trial of rows and (bucket number, pair, version, latency bucket, count)."""
    last = int(counted.bucket_s.max(initial=FROM_S))
    to_s = FROM_S + buckets * 10 if buckets is not None else last + 10
    columns = np.array(latencies, dtype=np.int64).reshape(-1, 5)
    versions = {canary: counted.of(CANARY).requests, baseline: counted.of(BASELINE).requests}
    look = None
    found = newest_look(counted, first_look)
    if found is not None:
        number, until_s = found
        histograms = _histograms(columns, FROM_S, until_s)
        look = taken(number, (FROM_S, until_s), counted, histograms)
    return Trial(
        service="payments",
        canary=canary,
        baseline=baseline,
        from_s=FROM_S,
        to_s=to_s,
        rows=counted,
        latency=_histograms(columns, FROM_S, to_s).counts.sum(axis=0),
        look=look,
        versions={name: count for name, count in versions.items() if count},
    )


def drawn(rng, truths, buckets, *, first_look=200):
    """Draw a trial of so many buckets."""
    counted, latencies = draw(rng, truths, buckets)
    return trial(counted, latencies, buckets=buckets, first_look=first_look)


def draw(rng, truths, buckets):
    """Draw rows, and latencies of what did not fail."""
    given, latencies = [], []
    for pair, truth in enumerate(truths):
        for version, share, errors, median in (
            (CANARY, truth.weight, truth.canary_errors, truth.canary_ms),
            (BASELINE, 1 - truth.weight, truth.baseline_errors, truth.baseline_ms),
        ):
            requests = rng.poisson(truth.rate * share, buckets)
            failed = rng.binomial(requests, errors)
            at = np.arange(buckets)
            given.append(
                np.column_stack(
                    [at, np.full(buckets, pair), np.full(buckets, version), requests, failed]
                )
            )
            latencies.append(_latencies(rng, at, pair, version, requests - failed, median, truth))
    table = np.concatenate(given)
    table = table[table[:, 3] > 0]
    table = table[np.lexsort((table[:, 2], table[:, 1], table[:, 0]))]
    return rows(*table), np.concatenate(latencies)


def _latencies(rng, at, pair, version, requests, median_ms, truth):
    durations_us = median_ms * 1e3 * np.exp(rng.normal(0, truth.sigma, int(requests.sum())))
    bucket = np.clip(np.ceil((np.log2(durations_us) - 6) * 8), 0, BUCKETS - 1).astype(np.int64)
    times = np.repeat(at, requests)
    both, counts = np.unique(np.column_stack([times, bucket]), axis=0, return_counts=True)
    size = len(counts)
    return np.column_stack(
        [both[:, 0], np.full(size, pair), np.full(size, version), both[:, 1], counts]
    )


def histogram(*durations_ms):
    """Return a histogram of durations."""
    made = np.zeros(BUCKETS, dtype=np.int64)
    for one in durations_ms:
        made[latency_bucket(one * 1e3)] += 1
    return made


def _histograms(columns, from_s, to_s):
    at_s = from_s + columns[:, 0] * 10
    kept = columns[at_s < to_s]
    pairs = int(columns[:, 1].max(initial=0)) + 1
    place = strata(kept[:, 1], from_s + kept[:, 0] * 10, from_s, period_s(from_s, to_s))
    counts = np.zeros((pairs * PERIODS, 2, BUCKETS), dtype=np.int64)
    np.add.at(counts, (place, kept[:, 2], kept[:, 3]), kept[:, 4])
    return Histograms(counts)
