"""What the questions about a canary take: service, versions, window and thresholds.

Never answers; a value that cannot be read is a 400 that names the parameter. Hooks send the same
names as texts in their metadata.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Final

from fastapi import Depends, Query

from dashboards.web.routers.parameters import AppDeps
from dashboards.web.routers.slo_parameters import reading, refuse
from dashboards.web.timerange import parse_instant
from slo.canary.policy import MAX_WINDOW_S, Policy
from slo.canary.source import Asked
from slo.canary.trial import BUCKET_S

START: Final = "canary"
"""The value of ``from`` that means the canary's first request."""
_DEFAULTS: Final = Policy()
_NARROWED: Final = ("source", "route")
_WORDS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class CanaryQuestion:
    """Which versions, when, and how much worse one may be."""

    asked: Asked
    policy: Policy


def _policy(
    confidence: Annotated[
        float, Query(description="how sure a verdict must be")
    ] = _DEFAULTS.confidence,
    max_error_increase: Annotated[
        float, Query(description="of all requests, how many more may fail")
    ] = _DEFAULTS.max_error_increase,
    max_latency_increase: Annotated[
        float, Query(description="how much higher the quantile may be: 0.1 is a tenth")
    ] = _DEFAULTS.max_latency_increase,
    quantile: Annotated[float, Query(description="of latency")] = _DEFAULTS.quantile,
    min_requests: Annotated[
        int, Query(description="requests of the canary before the first look")
    ] = _DEFAULTS.min_requests,
    ignore_latency: Annotated[bool, Query(description="judge errors alone")] = False,  # noqa: FBT002 - a query parameter
) -> Policy:
    return reading(
        "thresholds",
        lambda: Policy(
            confidence=confidence,
            max_error_increase=max_error_increase,
            max_latency_increase=max_latency_increase,
            quantile=quantile,
            min_requests=min_requests,
            ignore_latency=ignore_latency,
        ),
    )


AskedPolicy = Annotated[Policy, Depends(_policy)]


def _question(
    deps: AppDeps,
    policy: AskedPolicy,
    service: str,
    canary: Annotated[str, Query(description="the new version")],
    baseline: Annotated[str, Query(description="the version that runs now")],
    from_: Annotated[
        str, Query(alias="from", description="canary, now-15m, unix seconds or ISO 8601")
    ] = START,
    to: Annotated[str, Query(description="now, unix seconds or ISO 8601")] = "now",
    source: Annotated[str | None, Query(description="only this caller")] = None,
    route: Annotated[str | None, Query(description="only this route")] = None,
) -> CanaryQuestion:
    if canary == baseline:
        refuse("canary", f"must be another version than the baseline, got {canary!r} twice")
    window = _window(from_, to, deps.clock_s())
    return CanaryQuestion(Asked(service, canary, baseline, *window, source, route), policy)


AskedCanary = Annotated[CanaryQuestion, Depends(_question)]


def question_of(name: str, metadata: Mapping[str, Any], now_s: float) -> CanaryQuestion:
    """Read what a hook sends: texts under the names of the API; no service means its own name."""
    known = {"service", "canary", "baseline", "from", "to", *_NARROWED}
    thresholds = {field.name for field in fields(Policy)}
    for key in metadata:
        if key not in known | thresholds:
            refuse(key, f"is no parameter; there are {', '.join(sorted(known | thresholds))}")
    for key in ("canary", "baseline"):
        if not metadata.get(key):
            refuse(key, "must be named in the metadata of the hook")
    given = {key: _threshold(key, str(metadata[key])) for key in thresholds & set(metadata)}
    policy = reading("thresholds", lambda: Policy(**given))
    window = _window(str(metadata.get("from", START)), str(metadata.get("to", "now")), now_s)
    source, route = (str(metadata[key]) if metadata.get(key) else None for key in _NARROWED)
    canary, baseline = str(metadata["canary"]), str(metadata["baseline"])
    if canary == baseline:
        refuse("canary", f"must be another version than the baseline, got {canary!r} twice")
    service = str(metadata.get("service") or name)
    return CanaryQuestion(Asked(service, canary, baseline, *window, source, route), policy)


def _threshold(key: str, text: str) -> Any:
    if key == "ignore_latency":
        if text.lower() not in _WORDS:
            refuse(key, f"must be true or false, got {text!r}")
        return _WORDS[text.lower()]
    number = int if key == "min_requests" else float
    try:
        return number(text)
    except ValueError:
        refuse(key, f"must be a number, got {text!r}")


def _window(from_text: str, to_text: str, now_s: float) -> tuple[int, int | None]:
    """Return to_s and from_s, whole buckets that are over; None: the canary's first request."""
    to_s = int(parse_instant(to_text, parameter="to", now_s=now_s)) // BUCKET_S * BUCKET_S
    if from_text == START:
        return to_s, None
    from_s = int(parse_instant(from_text, parameter="from", now_s=now_s)) // BUCKET_S * BUCKET_S
    if from_s >= to_s:
        refuse("from", f"must be at least {BUCKET_S} s earlier than to")
    if to_s - from_s > MAX_WINDOW_S:
        refuse("from", f"must be at most {MAX_WINDOW_S // 86_400} days before to")
    return to_s, from_s
