"""Canaries of the store: the verdict of ``slo.canary`` on what is stored, and what there is to ask.

Never judges: the page, the API, the hooks and the command all give the verdict of ``read_canary``.
"""

from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from collector.store.store import Store
from dashboards.web.timerange import TimeRange
from slo.canary.policy import Policy
from slo.canary.source import Asked, read_trial, read_versions
from slo.canary.verdict import CanaryVerdict, judge


@dataclass(frozen=True, slots=True)
class Pair:
    """Two versions to compare; a page that names none takes the most used as the baseline."""

    canary: str
    baseline: str


def read_canary(store: Store, asked: Asked, policy: Policy) -> CanaryVerdict:
    """Judge what the store knows of two versions."""
    with store.snapshot() as cursor:
        return judge(read_trial(cursor, asked, policy.min_requests), policy)


def versions_of(store: Store, service: str, from_s: int, to_s: int) -> dict[str, int]:
    """Return the versions of a service that were asked, with their requests, the most first."""
    with store.snapshot() as cursor:
        return read_versions(cursor, service, from_s, to_s)


def chosen(versions: dict[str, int], canary: str | None, baseline: str | None) -> Pair | None:
    """Return the versions to compare: those named, else of those seen; None when there is one."""
    names = list(versions)
    first = baseline or next((name for name in names if name != canary), None)
    other = canary or next((name for name in names if name != first), None)
    return Pair(other, first) if first and other and first != other else None


def canary_query(view: CanaryVerdict | None, policy: Policy, asked: TimeRange | None) -> str:
    """Return the query string by which the API gives the same answer; without versions, none."""
    if view is None:
        return ""
    versions = {"canary": view.canary.version, "baseline": view.baseline.version}
    window = {} if asked is None else {"from": asked.from_text, "to": asked.to_text}
    thresholds = asdict(policy) | {"ignore_latency": str(policy.ignore_latency).lower()}
    return urlencode({"service": view.service, **versions, **window, **thresholds})
