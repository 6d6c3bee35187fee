"""The gate: may this service be changed now? Go, no-go or unknown, with the reasons in sentences.

An error budget policy for machines: a pipeline asks before it rolls out. Unknown is never go: a
service without objectives, without traffic or with an unreadable policy is told as such. Judges
statuses only (``slo.status``), so that it says what the page says. Values in, values out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from slo.formats import burn, percent
from slo.model import Slo
from slo.status import BurnRate, SloStatus

Decision = Literal["go", "no_go", "unknown"]
WORST_FIRST: Final[tuple[Decision, ...]] = ("no_go", "unknown", "go")

_PREFIX: Final = "meshscope.dev/gate-"
_CHOICES: Final = {"block": False, "ignore": True, "unknown": False, "allow": True}


@dataclass(frozen=True, slots=True)
class Policy:
    """What a service must have to be changed.

    More than ``min_budget_ratio`` of the budget left, and never none; a burn rate of at most
    ``max_burn`` in one of the fastest tier's windows (None: any); no page firing, unless ignored;
    events within the fastest tier's long window, unless silence is allowed.
    """

    min_budget_ratio: Decimal = Decimal(0)
    max_burn: Decimal | None = None
    ignore_page: bool = False
    allow_silence: bool = False


@dataclass(frozen=True, slots=True)
class Overrides:
    """The same, where None leaves it to the annotation of the objective, or to the default."""

    min_budget_ratio: Decimal | None = None
    max_burn: Decimal | None = None
    ignore_page: bool | None = None
    allow_silence: bool | None = None


@dataclass(frozen=True, slots=True)
class ObjectiveVerdict:
    """What one objective says, and why; a go has no reasons."""

    slo: str
    decision: Decision
    reasons: tuple[str, ...]
    budget_remaining_ratio: float | None
    fast_burn: float | None


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """The verdict on a service: the worst of its objectives, and all their reasons."""

    service: str
    decision: Decision
    reasons: tuple[str, ...]
    objectives: tuple[ObjectiveVerdict, ...]


NO_OVERRIDES: Final = Overrides()


def gate(
    service: str,
    slos: Sequence[Slo],
    statuses: Sequence[SloStatus],
    overrides: Overrides = NO_OVERRIDES,
) -> GateVerdict:
    """Judge a service by the statuses of its objectives, given in any order."""
    by_name = {status.name: status for status in statuses}
    mine = [slo for slo in slos if slo.service == service]
    verdicts = sorted(
        (_judge(slo, by_name.get(slo.name), overrides) for slo in mine),
        key=lambda verdict: (WORST_FIRST.index(verdict.decision), verdict.slo),
    )
    if not verdicts:
        return GateVerdict(service, "unknown", (f"{service} has no objectives",), ())
    reasons = [f"{one.slo}: {reason}" for one in verdicts for reason in one.reasons]
    return GateVerdict(service, verdicts[0].decision, tuple(reasons), tuple(verdicts))


def policy(annotations: Mapping[str, str], overrides: Overrides = NO_OVERRIDES) -> Policy:
    """Return the policy of an objective: overrides, else its annotations, else the defaults.

    ``meshscope.dev/gate-min-budget`` in percent, ``gate-max-burn`` a factor, ``gate-page`` block or
    ignore, ``gate-silence`` unknown or allow. Another value is a ValueError that names the key.
    """
    written = Policy(
        min_budget_ratio=(_number(annotations, "min-budget") or Decimal(0)) / 100,
        max_burn=_number(annotations, "max-burn"),
        ignore_page=_choice(annotations, "page", ("block", "ignore")),
        allow_silence=_choice(annotations, "silence", ("unknown", "allow")),
    )
    given = {field.name: getattr(overrides, field.name) for field in fields(overrides)}
    return replace(written, **{name: value for name, value in given.items() if value is not None})


def _judge(slo: Slo, status: SloStatus | None, overrides: Overrides) -> ObjectiveVerdict:
    fast = status.burn_rates[0] if status is not None and status.burn_rates else None
    fast_burn = _least(fast) if fast is not None else None
    left = None if status is None else status.budget_remaining_ratio
    try:
        wanted = policy(slo.annotations, overrides)
    except ValueError as error:
        return ObjectiveVerdict(slo.name, "unknown", (str(error),), left, fast_burn)
    if status is None or left is None:
        return ObjectiveVerdict(slo.name, "unknown", ("no data in its window",), left, fast_burn)
    against = (
        *_budget_reasons(status, left, wanted),
        *_burn_reasons(status, fast, fast_burn, wanted),
    )
    unknown = _silence(fast, wanted)
    decision: Decision = "no_go" if against else "unknown" if unknown else "go"
    return ObjectiveVerdict(slo.name, decision, (*against, *unknown), left, fast_burn)


def _budget_reasons(status: SloStatus, left: float, wanted: Policy) -> tuple[str, ...]:
    told = f"{percent(left, places=1)} of its {status.window} budget is left"
    if status.state == "exhausted":
        return (f"the error budget is exhausted: {told}",)
    least = wanted.min_budget_ratio
    if Decimal(left) >= least:
        return ()
    return (f"{told}, less than {percent(float(least))}",)


def _burn_reasons(
    status: SloStatus, fast: BurnRate | None, fast_burn: float | None, wanted: Policy
) -> tuple[str, ...]:
    reasons = [
        f"{rate.severity} {rate.long}/{rate.short} is firing: the budget burns "
        f"{burn(_least(rate))}, above {rate.factor:.4g}x"
        for rate in status.burn_rates
        if rate.firing and rate.severity == "page" and not wanted.ignore_page
    ]
    most = wanted.max_burn
    if fast is not None and fast_burn is not None and most is not None and fast_burn > most:
        windows = f"in the last {fast.long} and {fast.short}"
        reasons.append(f"the budget burns {burn(fast_burn)} {windows}, above {most}x")
    return tuple(reasons)


def _silence(fast: BurnRate | None, wanted: Policy) -> tuple[str, ...]:
    if fast is None or fast.long_burn is not None or wanted.allow_silence:
        return ()
    return (f"no events in the last {fast.long}: nobody knows how it is now",)


def _least(rate: BurnRate) -> float | None:
    """Return the burn rate that both windows reach; None when one of them has no events."""
    if rate.long_burn is None or rate.short_burn is None:
        return None
    return min(rate.long_burn, rate.short_burn)


def _number(annotations: Mapping[str, str], key: str) -> Decimal | None:
    text = annotations.get(_PREFIX + key)
    if text is None:
        return None
    try:
        number = Decimal(text.strip().removesuffix("%").strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0:
        raise ValueError(f"{_PREFIX}{key} must be a number that is not negative, got {text!r}")
    return number


def _choice(annotations: Mapping[str, str], key: str, known: tuple[str, str]) -> bool:
    text = annotations.get(_PREFIX + key, known[0])
    if text not in known:
        raise ValueError(f"{_PREFIX}{key} must be {known[0]} or {known[1]}, got {text!r}")
    return _CHOICES[text]
