"""The nouns: how many events must be good, over what time, of whom, and who is told.

``indicators`` says which events; its names are given here too. Words are OpenSLO's
(https://github.com/OpenSLO/OpenSLO). Values are validated where they enter (``slo.openslo``) and
only their invariants are repeated here. Never does I/O, never counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from slo.burnrate import Severity, Tier
from slo.calendars import Calendar
from slo.durations import format_duration
from slo.errors import Problem
from slo.indicators import (
    MINUTE_S,
    PARTS,
    AvailabilitySli,
    CodeSli,
    Composite,
    EdgeSelector,
    EdgeSli,
    LatencySli,
    LeafSli,
    Member,
    Op,
    QuerySli,
    RawSli,
    Sli,
    Slices,
    SliKind,
    ThresholdSli,
    Unit,
    edges_of,
    leaf,
    least_bad,
    parts_per_event,
    sli_kind,
    unit,
    weight_parts,
)

__all__ = [
    "MINUTE_S",
    "PARTS",
    "AlertCondition",
    "AlertPolicy",
    "AvailabilitySli",
    "Catalog",
    "CodeSli",
    "Composite",
    "DataSource",
    "EdgeSelector",
    "EdgeSli",
    "LatencySli",
    "LeafSli",
    "Member",
    "Method",
    "NotificationTarget",
    "Objective",
    "Op",
    "QuerySli",
    "RawSli",
    "Service",
    "Sli",
    "SliKind",
    "Slices",
    "Slo",
    "ThresholdSli",
    "TimeWindow",
    "Unit",
    "edges_of",
    "leaf",
    "least_bad",
    "parts_per_event",
    "sli_kind",
    "unit",
    "weight_parts",
]

Method = Literal["Occurrences", "Timeslices", "RatioTimeslices"]


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """The period that a budget is for: rolling, or aligned to a calendar.

    ``seconds`` of a calendar's is nominal: a month has 30 days. Factors of alerts follow from it.
    """

    seconds: int
    calendar: Calendar | None = None

    def __post_init__(self) -> None:
        if self.seconds <= 0:
            raise ValueError(f"a time window must be longer than 0 s, got {self.seconds}")

    @property
    def is_rolling(self) -> bool:
        """True when the window ends now, False when it ends with its period."""
        return self.calendar is None

    @property
    def duration(self) -> str:
        """The window in OpenSLO's shorthand, e.g. ``30d`` or, of a calendar, ``1M``."""
        if self.calendar is not None:
            return f"{self.calendar.count}{self.calendar.unit}"
        return format_duration(self.seconds)

    def from_s(self, to_s: int) -> int:
        """Return where the window begins that ends at a moment, exclusive."""
        if self.calendar is None:
            return to_s - self.seconds
        return self.calendar.period(to_s - 1)[0]

    def end_s(self, to_s: int) -> int:
        """Return where the period ends that the window is a part of; of a rolling one, now."""
        return to_s if self.calendar is None else self.calendar.period(to_s - 1)[1]


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
class DataSource:
    """Where a metric is asked. How to connect is not ours: we ask our own store."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class AlertCondition:
    """A burn rate that somebody must hear of, over two windows."""

    name: str
    severity: Severity
    factor: Decimal
    long_s: int
    short_s: int

    def tier(self, period_s: int) -> Tier:
        """Return the same as a part of the budget of a period."""
        spent = Fraction(self.factor) * self.long_s / period_s
        return Tier(self.severity, self.long_s, self.short_s, spent)


@dataclass(frozen=True, slots=True)
class NotificationTarget:
    """Whom an alert goes to, in the words of its author."""

    name: str
    target: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """Under which conditions whom to tell."""

    name: str
    conditions: tuple[AlertCondition, ...]
    targets: tuple[NotificationTarget, ...]
    when_no_data: bool = False
    when_resolved: bool = False
    when_breaching: bool = True


@dataclass(frozen=True, slots=True)
class Slo:
    """One objective of one service over one time window.

    ``tiers`` are its own alerts; None: the default table. ``group_by`` names columns of edges: each
    set of values that is seen has a budget of its own, besides that of all. ``belongs_to`` is the
    name it was declared by, where a declaration makes several.
    """

    name: str
    service: str
    sli: Sli
    objective: Objective
    window: TimeWindow
    display_name: str = ""
    description: str = ""
    budgeting_method: Method = "Occurrences"
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    tiers: tuple[Tier, ...] | None = None
    group_by: tuple[str, ...] = ()
    belongs_to: str = ""
    group: Mapping[str, str] = field(default_factory=dict)
    notification_targets: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be called: by its own name, as a group's whole, and as it was declared.

        A member is NAME@VALUE, one of several objectives is NAME.WHICH; names have no @ and dot.
        """
        whole = self.name.partition("@")[0]
        return tuple(dict.fromkeys((self.name, whole, whole.partition(".")[0])))

    @property
    def parts_per_event(self) -> int:
        """In how many parts an event is counted: 1, but billionths where a ratio is an event."""
        return parts_per_event(self.sli)


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything that a set of files declares, in the order of the files.

    ``warnings`` are what is odd and was read nevertheless, each by name.
    """

    services: tuple[Service, ...] = ()
    slos: tuple[Slo, ...] = ()
    data_sources: tuple[DataSource, ...] = ()
    alert_policies: tuple[AlertPolicy, ...] = ()
    notification_targets: tuple[NotificationTarget, ...] = ()
    warnings: tuple[Problem, ...] = ()
