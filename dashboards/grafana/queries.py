"""PromQL of the numbers that panels share: each is written once, so that every panel agrees.

Never names a label that ``metrics.py`` does not list. A ratio divides two sums of counters and has
no value where nothing was requested; it is never a mean of ratios. Every range is Grafana's
``$__rate_interval``, at least four scrapes long.
"""

from collections.abc import Sequence
from typing import Final

from alerts.names import BUDGET_REMAINING, ERROR_CODES
from dashboards.grafana.metrics import (
    DURATION_BUCKET,
    LAST_SEEN,
    REQUESTS,
    RETRIES,
    SLO_EVENTS,
    SLO_OBJECTIVE,
    TLS_REQUESTS,
)

FAILED: Final = f'code=~"{ERROR_CODES}"'
"""The product's one definition of an error: no response at all, or a code from 500 up."""


def rate(metric: str, *, by: Sequence[str] = (), where: Sequence[str] = ()) -> str:
    """Return the per-second rate of a counter, summed over all labels but ``by``."""
    selector = f"{metric}{{{', '.join(where)}}}" if where else metric
    return f"sum{_grouping(by)} (rate({selector}[$__rate_interval]))"


def requests(*, by: Sequence[str] = (), where: Sequence[str] = ()) -> str:
    """Return requests per second."""
    return rate(REQUESTS, by=by, where=where)


def errors(*, by: Sequence[str] = (), where: Sequence[str] = ()) -> str:
    """Return failed requests per second; 0, not absent, where requests came and none failed."""
    return _or_zero(rate(REQUESTS, by=by, where=(*where, FAILED)), requests(by=by, where=where))


def error_ratio(*, by: Sequence[str] = (), where: Sequence[str] = ()) -> str:
    """Return failed / all requests; absent where nothing was requested."""
    return _ratio(errors(by=by, where=where), requests(by=by, where=where))


def success_ratio(*, by: Sequence[str] = (), where: Sequence[str] = ()) -> str:
    """Return 1 - failed / all requests; absent where nothing was requested."""
    return f"1 - {error_ratio(by=by, where=where)}"


def latency(quantile: float, *, by: Sequence[str] = (), where: Sequence[str] = ()) -> str:
    """Return a latency quantile in seconds, of requests whose end was seen."""
    buckets = rate(DURATION_BUCKET, by=("le", *by), where=where)
    return f"histogram_quantile({quantile}, {buckets})"


def latency_buckets(*, where: Sequence[str] = ()) -> str:
    """Return requests per second in each latency bucket, for a heatmap."""
    return rate(DURATION_BUCKET, by=("le",), where=where)


def retry_ratio(*, by: Sequence[str] = (), where: Sequence[str] = ()) -> str:
    """Return retries per request: 0.5 means half as much load again on the callee."""
    return _ratio(rate(RETRIES, by=by, where=where), requests(by=by, where=where))


def mtls_ratio(*, by: Sequence[str] = (), where: Sequence[str] = ()) -> str:
    """Return requests over mutual TLS / requests that reached a service."""
    encrypted = rate(TLS_REQUESTS, by=by, where=(*where, 'mtls="mtls"'))
    reached = rate(TLS_REQUESTS, by=by, where=(*where, 'mtls!="none"'))
    return _ratio(_or_zero(encrypted, reached), reached)


def flagged(flag: str, *, by: Sequence[str] = (), where: Sequence[str] = ()) -> str:
    """Return requests per second that carry an Envoy response flag, alone or in a list."""
    return requests(by=by, where=(*where, f'flags=~"(.*,)?{flag}(,.*)?"'))


def slo_bad_ratio(*, where: Sequence[str] = ()) -> str:
    """Return bad / all events of each SLO; absent where it had no events."""
    by = ("slo", "service")
    total = rate(SLO_EVENTS, by=by, where=where)
    return _ratio(_or_zero(rate(SLO_EVENTS, by=by, where=(*where, 'result="bad"')), total), total)


def burn_rate(*, where: Sequence[str] = ()) -> str:
    """Return how fast each SLO spends its error budget: 1 spends all of it in one time window."""
    return f"{slo_bad_ratio(where=where)} / (1 - {objective(where=where)})"


def objective(*, where: Sequence[str] = ()) -> str:
    """Return the target ratio of each SLO."""
    selector = f"{SLO_OBJECTIVE}{{{', '.join(where)}}}" if where else SLO_OBJECTIVE
    return f"max by (slo, service) ({selector})"


def budget_remaining(*, where: Sequence[str] = ()) -> str:
    """Return the unspent share of each SLO's error budget, below 0 when overspent."""
    selector = f"{BUDGET_REMAINING}{{{', '.join(where)}}}" if where else BUDGET_REMAINING
    return f"max by (slo, service) ({selector})"


def silence_seconds(*, where: Sequence[str] = ()) -> str:
    """Return the seconds since each exporter was last heard."""
    selector = f"{LAST_SEEN}{{{', '.join(where)}}}" if where else LAST_SEEN
    return f"time() - max by (service, instance) ({selector})"


def _or_zero(part: str, whole: str) -> str:
    return f"({part} or 0 * {whole})"


def _ratio(part: str, whole: str) -> str:
    return f"({part} / ({whole} > 0))"


def _grouping(by: Sequence[str]) -> str:
    return f" by ({', '.join(by)})" if by else ""
