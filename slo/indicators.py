"""Indicators: which events count and which of them are good, of every kind that we can count.

Words are OpenSLO's (https://github.com/OpenSLO/OpenSLO). Values are validated where they enter
(``slo.openslo``) and only their invariants are repeated here. Never does I/O, never counts.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import Final, Literal, assert_never

from slo.codes import EVERY, Codes

SliKind = Literal[
    "availability", "latency", "errors", "ratio", "threshold", "freshness", "composite"
]
Unit = Literal["events", "slices", "samples"]
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
