"""The nouns: which events count, which of them are good, how many must be, over what time.

Words are OpenSLO's (https://github.com/OpenSLO/OpenSLO). Values are validated where they enter
(``slo.openslo``) and only their invariants are repeated here. Never does I/O, never counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import Final, Literal, assert_never

from slo.burnrate import Severity, Tier
from slo.calendars import Calendar
from slo.codes import EVERY, Codes
from slo.durations import format_duration
from slo.errors import Problem

SliKind = Literal[
    "availability", "latency", "errors", "ratio", "threshold", "freshness", "composite"
]
Unit = Literal["events", "slices", "samples"]
Method = Literal["Occurrences", "Timeslices", "RatioTimeslices"]
Op = Literal["lte", "gte", "lt", "gt"]

MINUTE_S: Final = 60
"""Queries are sampled, and slices begin and end, at whole minutes."""
PARTS: Final = 10**9
"""A ratio that counts as one event is counted in billionths, rounded down: never too good."""


@dataclass(frozen=True, slots=True)
class EdgeSelector:
    """Requests arriving at a destination; None takes every source, route or version.

    ``consumers`` are several sources that are taken together; none: every source.
    """

    destination: str
    source: str | None = None
    route: str | None = None
    version: str | None = None
    consumers: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True)
class CodeSli:
    """Bad is a request with one of some codes; the total is those with a counted code."""

    edges: EdgeSelector
    bad: Codes
    counted: Codes = EVERY


@dataclass(frozen=True, slots=True)
class QuerySli:
    """Events told by PromQL: ``part`` of ``total``, which are the good or the bad ones.

    Counters are sums of cumulative counters, and every event between two minutes counts. Others
    are numbers that go up and down: the value at the end of each minute counts, in thousandths.
    """

    part: str
    total: str
    is_bad: bool = False
    is_counter: bool = True


@dataclass(frozen=True, slots=True)
class RawSli:
    """A ratio that somebody computed: each minute's value counts as one event, in billionths."""

    query: str
    is_failure: bool = False


@dataclass(frozen=True, slots=True)
class ThresholdSli:
    """Good is a value that compares so, at the end of a minute; each series is an event of it.

    ``is_freshness``: the value is an age, and a minute without one is bad, for nothing fresh came.
    """

    query: str
    op: Op
    value: Decimal
    is_freshness: bool = False


EdgeSli = AvailabilitySli | LatencySli | CodeSli
LeafSli = EdgeSli | QuerySli | RawSli | ThresholdSli


@dataclass(frozen=True, slots=True)
class Slices:
    """Time in slices, each an event at its end; a slice without events is no event.

    Good is a slice whose ratio reaches ``target``. Without one each slice counts with its ratio.
    """

    of: LeafSli
    seconds: int
    target: Decimal | None = None

    def __post_init__(self) -> None:
        if self.seconds <= 0 or self.seconds % MINUTE_S:
            raise ValueError(f"a slice must be whole minutes, got {self.seconds} s")
        if self.target is not None and not 0 < self.target <= 1:
            raise ValueError(f"a slice's target must be in (0, 1], got {self.target}")


@dataclass(frozen=True, slots=True)
class Member:
    """A part of a composite, and how many events each of its bad ones is worth."""

    sli: LeafSli | Slices
    weight: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class Composite:
    """Several indicators as one, such as the steps of a journey; the members are of one kind.

    Events: all of them, with bad ones as ``weight`` events. Slices with a target: bad where any
    member is. Slices without: 1 - the sum of weighted shortfalls, and never below 0.
    """

    members: tuple[Member, ...]

    def __post_init__(self) -> None:
        if not self.members:
            raise ValueError("a composite must have members")


Sli = LeafSli | Slices | Composite


def sli_kind(sli: Sli) -> SliKind:
    """Name the indicator for people and for labels."""
    match sli:
        case AvailabilitySli():
            return "availability"
        case LatencySli():
            return "latency"
        case CodeSli():
            return "errors"
        case QuerySli() | RawSli():
            return "ratio"
        case ThresholdSli(is_freshness=is_freshness):
            return "freshness" if is_freshness else "threshold"
        case Slices(of=of):
            return sli_kind(of)
        case Composite():
            return "composite"
        case _:
            assert_never(sli)


def leaf(sli: Sli) -> LeafSli | None:
    """Return what is sliced, or the indicator itself; a composite has none."""
    match sli:
        case Slices(of=of):
            return of
        case Composite():
            return None
        case _:
            return sli


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


def edges_of(sli: Sli) -> EdgeSelector | None:
    """Return which requests an indicator is about; None when it is not about requests."""
    counted = leaf(sli)
    return counted.edges if isinstance(counted, AvailabilitySli | LatencySli | CodeSli) else None


def unit(sli: Sli) -> Unit:
    """Name what is counted: requests and the like, slices of time, or values at minutes' ends."""
    match sli:
        case Slices():
            return "slices"
        case RawSli() | ThresholdSli() | QuerySli(is_counter=False):
            return "samples"
        case Composite(members=members):
            return unit(members[0].sli)
        case _:
            return "events"


def least_bad(sli: Sli, least: int) -> int:
    """Return how many bad events alert at least; of slices and samples, any part of one.

    A slice and a sample are judged as a whole: few of them are no sign of little traffic.
    """
    return least * parts_per_event(sli) if unit(sli) == "events" else min(least, 1)


def parts_per_event(sli: Sli) -> int:
    """Return in how many parts an indicator counts an event; a composite as its members do."""
    match sli:
        case Slices(target=None) | RawSli():
            return PARTS
        case QuerySli(is_counter=False):
            return 1000
        case Composite(members=members):
            return parts_per_event(members[0].sli) * weight_parts(sli)
        case _:
            return 1


def weight_parts(sli: Composite) -> int:
    """Return the least number that makes every weight of counted events whole."""
    if any(isinstance(member.sli, Slices) for member in sli.members):
        return 1
    return lcm(*(member.weight.denominator for member in sli.members))


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
