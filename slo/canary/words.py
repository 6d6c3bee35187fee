"""A verdict in sentences: what is proven, what is not, and what would help. Never decides."""

from dataclasses import dataclass
from typing import Final

from slo.canary.errors_check import ErrorCheck
from slo.canary.latency_check import LatencyCheck
from slo.canary.policy import Policy
from slo.canary.trial import BASELINE, CANARY, Trial
from slo.formats import percent, span

_PROMISE: Final = "however often this is asked"
_LEAST_P: Final = 0.0001


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that sentences are made of."""

    verdict: str
    trial: Trial
    policy: Policy
    errors: ErrorCheck
    latency: LatencyCheck | None
    more: int | None
    more_s: float | None
    next_look: int


def reasons(told: Told) -> tuple[str, ...]:
    """Return the sentences, the most important first."""
    missing = _missing(told)
    if missing:
        return missing
    checks = [(told.errors.state, _errors(told))]
    if told.latency is not None:
        checks.append((told.latency.state, _latency(told, told.latency)))
    order = ("worse", "no_data", "undecided", "fine")
    sentences = [text for _, text in sorted(checks, key=lambda one: order.index(one[0]))]
    return (*sentences, *([_wait(told)] if told.verdict == "hold" else []))


def _missing(told: Told) -> tuple[str, ...]:
    """Return what to do when a version was not asked at all, or never where the other was."""
    trial = told.trial
    if not trial.versions:
        return (f"{trial.service} was not called in this window",)
    for version, name in ((CANARY, trial.canary), (BASELINE, trial.baseline)):
        if not trial.rows.of(version).requests:
            seen = ", ".join(f"{one} ({count:,})" for one, count in trial.versions.items())
            return (
                f"{name} got no requests; {trial.service} answered as {seen}",
                f"give {name} a share of them: weights of {trial.service} in mesh.yaml",
            )
    if told.errors.state == "no_data":
        return (
            "no caller reached both versions by the same route at the same time: "
            "nothing can be compared",
        )
    return ()


def _errors(told: Told) -> str:
    found, trial = told.errors, told.trial
    canary, baseline = trial.rows.of(CANARY), trial.rows.of(BASELINE)
    counted = (
        f"{canary.errors:,} of {canary.requests:,} requests to {trial.canary} failed, "
        f"{baseline.errors:,} of {baseline.requests:,} to {trial.baseline}"
    )
    margin = percent(found.margin_ratio)
    match found.state:
        case "worse":
            return f"errors: {counted}; {_share(told)}, and the increase exceeds {margin}"
        case "fine":
            high = percent(found.high_ratio, places=3)
            also = f"; more than before is proven, but less than {margin}"
            return (
                f"errors: {counted}; the increase is at most {high}, less than {margin}"
                f"{also if found.is_proven_worse else ''}"
            )
        case _:
            return f"errors: {counted}; {_open(told, margin)}"


def _share(told: Told) -> str:
    """Say why it is no chance: what fell on the canary, and what would have by its share."""
    found = told.errors
    return (
        f"of {found.shared_errors:,} failures where both were asked, {found.canary_errors:,} were "
        f"{told.trial.canary}'s, {found.expected_errors:.1f} by its share of requests "
        f"({_p(found.p_worse)}, {_PROMISE})"
    )


def _open(told: Told, margin: str) -> str:
    found = told.errors
    difference = found.difference_ratio or 0.0
    if difference >= found.margin_ratio:
        return (
            f"an increase of {percent(difference, places=3)}, more than {margin}, "
            f"but it may be chance ({_p(found.p_worse)})"
        )
    if found.high_ratio is None:
        return f"the increase is bounded from {told.policy.min_requests:,} requests on"
    return f"the increase may be up to {percent(found.high_ratio, places=3)}, {margin} is allowed"


def _latency(told: Told, found: LatencyCheck) -> str:
    trial = told.trial
    name = f"p{found.quantile * 100:g}"
    if found.state == "no_data":
        return (
            "latency: none is measured of one of the versions where both were asked; "
            "--ignore-latency judges errors alone"
        )
    if found.canary is None or found.baseline is None or found.increase_ratio is None:
        return f"latency: {name} is judged from {told.policy.min_requests:,} requests on"
    shown = (
        f"{name} is {found.canary.ms:.4g} ms with {trial.canary} and {found.baseline.ms:.4g} ms "
        f"with {trial.baseline}, {_signed(found.increase_ratio)}"
    )
    margin = percent(found.margin_ratio)
    match found.state:
        case "worse":
            slower = percent(found.slower_ratio, places=1)
            return (
                f"latency: {shown}; requests to {trial.canary} are slower in {slower} of pairs "
                f"({_p(found.p_slower)}), and {margin} more is allowed"
            )
        case "fine":
            return f"latency: {shown}; proven within {margin}"
        case _:
            low, high = found.baseline.low_ms, found.canary.high_ms
            worst = "nothing bounds it yet" if high is None else _worst(high, low)
            return f"latency: {shown}; {worst}, {margin} is allowed"


def _worst(high_ms: float, low_ms: float) -> str:
    return f"it may be {_signed(high_ms / low_ms - 1)}" if low_ms else "nothing bounds it yet"


def _p(value: float | None) -> str:
    if value is None:
        return "p unknown"
    return f"p = {value:.2g}" if value >= _LEAST_P else f"p < {_LEAST_P:g}"


def _signed(ratio: float) -> str:
    return f"{'+' if ratio >= 0 else ''}{percent(ratio, places=1)}"


def _wait(told: Told) -> str:
    if told.more is None:
        return (
            "more requests alone will not settle this if all goes on as it is: "
            "look at the numbers, or allow a larger increase"
        )
    when = f", {span(told.more_s)} at its present rate" if told.more_s else ""
    return (
        f"about {told.more:,} more requests to {told.trial.canary} should tell{when}; "
        f"the next look is at {told.next_look:,}"
    )
