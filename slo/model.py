"""The nouns: which requests count, which of them are good, how many must be, over what time.

Words are OpenSLO's (https://github.com/OpenSLO/OpenSLO). Values are validated where they enter
(``slo.openslo``) and only their invariants are repeated here. Never does I/O, never counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from slo.durations import format_duration

SliKind = Literal["availability", "latency"]


@dataclass(frozen=True, slots=True)
class EdgeSelector:
    """Requests arriving at a destination; None takes every source, route or version."""

    destination: str
    source: str | None = None
    route: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class AvailabilitySli:
    """Good is a request that did not fail; the total is every request."""

    edges: EdgeSelector


@dataclass(frozen=True, slots=True)
class LatencySli:
    """Good is a request that did not fail and ended within the threshold; total is every request.

    A failed request is bad however quick it was, else an outage would look like speed. The
    threshold is measured at the nearest histogram bound (``slo.latency``).
    """

    edges: EdgeSelector
    threshold_ms: float

    def __post_init__(self) -> None:
        if not 0 < self.threshold_ms < float("inf"):
            raise ValueError(f"a latency threshold must be above 0 ms, got {self.threshold_ms}")


Sli = AvailabilitySli | LatencySli


def sli_kind(sli: Sli) -> SliKind:
    """Name the indicator for people and for labels."""
    return "availability" if isinstance(sli, AvailabilitySli) else "latency"


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """The period that a budget is for. Rolling only, for now."""

    seconds: int
    is_rolling: bool = True

    def __post_init__(self) -> None:
        if self.seconds <= 0:
            raise ValueError(f"a time window must be longer than 0 s, got {self.seconds}")

    @property
    def duration(self) -> str:
        """The window in OpenSLO's shorthand, e.g. ``30d``."""
        return format_duration(self.seconds)


@dataclass(frozen=True, slots=True)
class Objective:
    """The ratio of good events that is good enough, exact as it was written."""

    target: Decimal
    display_name: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.target < 1:
            raise ValueError(f"a target must be in [0, 1), got {self.target}")

    @property
    def error_budget_ratio(self) -> Decimal:
        """The ratio of events that may be bad; never zero, because a target is below 1."""
        return 1 - self.target


@dataclass(frozen=True, slots=True)
class Service:
    """What the objectives are about, as its owner describes it."""

    name: str
    display_name: str = ""
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Slo:
    """One objective of one service over one time window."""

    name: str
    service: str
    sli: Sli
    objective: Objective
    window: TimeWindow
    display_name: str = ""
    description: str = ""
    budgeting_method: Literal["Occurrences"] = "Occurrences"
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything that a set of files declares, in the order of the files."""

    services: tuple[Service, ...] = ()
    slos: tuple[Slo, ...] = ()
