"""A store with a canary: payments v1 and v2 behind checkout, for ten minutes."""

from dataclasses import replace

from collector.edges import Edge, latency_bucket
from tests.collector.rollups import put
from tests.dashboards.web.seeded import NOW_S

CHARGE = Edge("source", "checkout", "payments", "v1", "charge", 201, "-", "mtls")
FROM_S = NOW_S // 10 * 10 - 600
BUCKETS = 60


def seed_canary(
    store, *, canary=20, baseline=180, canary_errors=0, baseline_errors=0, slower=1.0, to_s=None
):
    """Store so many requests per 10 s of each version, spread over a few latencies."""
    from_s = FROM_S if to_s is None else to_s - 600
    versions = (("v1", baseline, baseline_errors, 1.0), ("v2", canary, canary_errors, slower))
    for number, (version, requests, errors, pace) in enumerate(versions):
        at = [from_s + 10 * step for step in range(BUCKETS)]
        fine, failed = replace(CHARGE, version=version), replace(CHARGE, version=version, code=503)
        good = requests - errors
        if good:
            counts = [(at_s, good, good) for at_s in at]
            latencies = [
                (at_s, latency_bucket(median * pace * 1e3), count)
                for at_s in at
                for median, count in _spread(good)
            ]
            put(store, fine, 10 + number, counts, latencies)
        if errors:
            put(store, failed, 20 + number, [(at_s, errors, errors + 1) for at_s in at])


def _spread(good):
    """Return latencies with counts: a bell on the logarithmic axis, the rest in the middle."""
    parts = {12.0: 0.1, 16.0: 0.2, 22.0: 0.4, 30.0: 0.2, 45.0: 0.1}
    counts = {median: int(good * part) for median, part in parts.items()}
    counts[22.0] += good - sum(counts.values())
    return [(median, count) for median, count in counts.items() if count]
