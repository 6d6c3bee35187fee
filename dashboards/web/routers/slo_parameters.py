"""What the questions about objectives take: targets in percent, windows, alert tables, periods.

Never answers; a value that cannot be read is a 400 that names the parameter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final, Literal, NoReturn, TypeVar

from fastapi import Depends, Query
from fastapi.exceptions import RequestValidationError

from dashboards.web.routers.parameters import AppDeps
from dashboards.web.timerange import parse_duration, parse_instant
from slo.evaluate import BUCKET_S, window_end_s
from slo.gate import Overrides
from slo.periods import Comparison, parse_period
from slo.whatif import OWN, Question, target_of_percent
from slo.windows import profiles

MAX_INSTANTS: Final = 2_000_000
"""As many as two months every 10 s have, with some room; more would hold gigabytes."""
MAX_TARGETS: Final = 10

T = TypeVar("T")


def _whatif(
    deps: AppDeps,
    target: Annotated[list[str] | None, Query(description="percent, may be repeated")] = None,
    window: Annotated[str | None, Query(description="another time window, such as 7d")] = None,
    profile: Annotated[str, Query(description="the alert table; own: the objective's")] = OWN,
    since: Annotated[str, Query(description="how far back, such as 30d")] = "30d",
    every: Annotated[str, Query(description="how far apart alerts are judged")] = "1m",
    to: Annotated[str, Query(description="now, unix seconds or ISO 8601")] = "now",
) -> Question:
    to_s = instant(to, parameter="to", now_s=deps.clock_s())
    since_s = parse_duration(since, parameter="since")
    every_s = parse_duration(every, parameter="every")
    if every_s % BUCKET_S or every_s > since_s:
        refuse("every", f"must be a multiple of {BUCKET_S} s and at most since")
    if since_s // every_s > MAX_INSTANTS:
        refuse("every", f"asks for more than {MAX_INSTANTS} instants; take a longer step")
    if profile not in (known := (OWN, *profiles())):
        refuse("profile", f"must be one of {', '.join(known)}, got {profile!r}")
    if len(target or ()) > MAX_TARGETS:
        refuse("target", f"at most {MAX_TARGETS} targets at once")
    return Question(
        from_s=to_s - since_s,
        to_s=to_s,
        targets=tuple(_target(text) for text in target or ()),
        window_s=None if window is None else _window_s(window),
        profile=profile,
        every_s=every_s,
    )


AskedWhatIf = Annotated[Question, Depends(_whatif)]


def _overrides(
    min_budget: Annotated[Decimal | None, Query(ge=0, le=100, description="percent")] = None,
    max_burn: Annotated[Decimal | None, Query(ge=0)] = None,
    ignore_page: bool | None = None,  # noqa: FBT001 - a query parameter
    allow_silence: bool | None = None,  # noqa: FBT001 - a query parameter
) -> Overrides:
    least = None if min_budget is None else min_budget / 100
    return Overrides(least, max_burn, ignore_page, allow_silence)


AskedOverrides = Annotated[Overrides, Depends(_overrides)]


@dataclass(frozen=True, slots=True)
class ReportQuestion:
    """A period with the one before it, whose objectives, in which format."""

    periods: Comparison
    to_s: int
    format: Literal["html", "markdown", "json"]
    service: str | None


def _report(
    deps: AppDeps,
    period: Annotated[str, Query(description="2026-10, 2026-Q4, 2026, or 30d until now")] = "30d",
    format: Literal["html", "markdown", "json"] = "html",  # noqa: A002 - a query parameter
    service: str | None = None,
    zone: Annotated[str, Query(description="the time zone whose midnight counts")] = "UTC",
) -> ReportQuestion:
    to_s = window_end_s(int(deps.clock_s()))
    periods = reading("period", lambda: parse_period(period, to_s, zone=zone))
    if periods.period.from_s >= to_s:
        refuse("period", f"{periods.period.name} has not begun")
    return ReportQuestion(periods, to_s, format, service)


AskedReport = Annotated[ReportQuestion, Depends(_report)]


def instant(text: str, *, parameter: str, now_s: float) -> int:
    """Return the end of windows that end at a moment: with now, of the bucket in progress."""
    at_s = parse_instant(text, parameter=parameter, now_s=now_s)
    return window_end_s(int(at_s)) if text.strip() == "now" else -int(-at_s // BUCKET_S) * BUCKET_S


def reading(parameter: str, read: Callable[[], T]) -> T:
    """Return what was read; a ValueError becomes a 400 with its sentence."""
    try:
        return read()
    except ValueError as error:
        refuse(parameter, str(error))


def refuse(parameter: str, why: str) -> NoReturn:
    """Answer 400."""
    raise RequestValidationError([{"loc": ("query", parameter), "msg": why}])


def _target(text: str) -> Decimal:
    return reading("target", lambda: target_of_percent(text))


def _window_s(text: str) -> int:
    seconds = parse_duration(text, parameter="window")
    if seconds % 60:
        refuse("window", f"must be whole minutes, got {text!r}")
    return seconds
