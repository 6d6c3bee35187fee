"""Why an edge of the graph is believed: who saw it, by which signals, and what never arrived.

Folds counts by reporter and signal; never reads a store, never decides what counts (ADR 5 does).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from collector import semconv
from collector.edges import SIGNALS, Reporter, Signal

EVIDENCE_BY: Final = ("source", "destination", "reporter", "signal", "canonical")
"""The columns of ``reader.edge_counts`` that evidence is made of."""

_REPORTERS: Final[tuple[Reporter, ...]] = ("source", "destination")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What both ends say of one edge.

    ``signals`` are all that reported it, the best first; ``counted_by`` those whose rows make its
    numbers; ``is_estimated`` tells that spans are among these. ``spans`` are the calls of which a
    span was stored, and ``span_coverage`` their share of the requests, None where spans are all
    there is. ``sent`` are the attempts that the caller's side made, ``arrived`` what the callee's
    side saw, mirrored requests included, and ``not_arrived`` the difference, never below 0; both
    are None where the callee's side reports nothing. At the rim of a window, the ends differ by
    what is under way.
    """

    reporters: tuple[Reporter, ...]
    signals: tuple[Signal, ...]
    counted_by: tuple[Signal, ...]
    is_estimated: bool
    spans: int
    span_coverage: float | None
    sent: int
    arrived: int | None
    not_arrived: int | None

    @property
    def is_seen_only_by_callee(self) -> bool:
        """Tell whether requests arrived that no row counts: nobody at the caller's side reports."""
        return not self.counted_by and self.reporters == ("destination",) and bool(self.arrived)


@dataclass(frozen=True, slots=True)
class Attempts:
    """The actual outcome, attempt by attempt, beside the effective one that callers were given.

    Effective: the final outcomes of requests, by the rows that count them. Actual: the outcomes of
    attempts as the callee's side saw them, plus the attempts that never arrived, all failed:
    errors = errors at the callee + not_arrived, out of max(sent, arrived). Where the caller's
    signal tells no retries (Istio, Linkerd), ``arrived`` brings them in. The ratio is None where
    the callee's side reports nothing, or nothing was attempted.
    """

    count: int
    error_ratio: float | None


@dataclass(slots=True)
class _Side:
    """Sums of one reporter and signal."""

    requests: int = 0
    errors: int = 0
    attempts: int = 0
    counted: int = 0


Sides = Mapping[tuple[Reporter, Signal], _Side]


def fold(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], tuple[Evidence, Attempts]]:
    """Return evidence and attempts by (source, destination), from counts by EVIDENCE_BY."""
    edges: defaultdict[tuple[str, str], defaultdict[tuple[Reporter, Signal], _Side]]
    edges = defaultdict(lambda: defaultdict(_Side))
    for row in rows:
        side = edges[row["source"], row["destination"]][row["reporter"], row["signal"]]
        side.requests += row["requests"]
        side.errors += row["errors"]
        side.attempts += row["attempts"]
        side.counted += row["requests"] + row["attempts"] if row["canonical"] else 0
    return {pair: _judge(pair[0], sides) for pair, sides in edges.items()}


def _judge(source: str, sides: Sides) -> tuple[Evidence, Attempts]:
    callee = _best(sides, "destination")
    callers = [side for (who, _), side in sides.items() if who == "source" and side.counted]
    arrived = None if callee is None else callee.requests
    sent = sum(side.attempts for side in callers) if callers else arrived or 0
    not_arrived = None if arrived is None else max(sent - arrived, 0)
    counted = [(signal, side) for (_, signal), side in sides.items() if side.counted]
    measured = sum(side.requests for signal, side in counted if signal != "spans")
    spans = _spans(source, sides)
    evidence = Evidence(
        reporters=tuple(who for who in _REPORTERS if any(who == seen for seen, _ in sides)),
        signals=_ranked(signal for _, signal in sides),
        counted_by=_ranked(signal for signal, _ in counted),
        is_estimated=any(signal == "spans" for signal, _ in counted),
        spans=spans,
        span_coverage=spans / measured if measured else None,
        sent=sent,
        arrived=arrived,
        not_arrived=not_arrived,
    )
    return evidence, _attempts(sent, callee)


def _attempts(sent: int, callee: _Side | None) -> Attempts:
    if callee is None:
        return Attempts(sent, None)
    count = max(sent, callee.requests)
    errors = callee.errors + count - callee.requests
    return Attempts(count, errors / count if count else None)


def _best(sides: Sides, reporter: Reporter) -> _Side | None:
    """Return the sums of the best signal on one side; the others tell of the same requests."""
    found = [
        (SIGNALS.index(signal), side) for (who, signal), side in sides.items() if who == reporter
    ]
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _spans(source: str, sides: Sides) -> int:
    """Count spans at the end that counts: the caller's, but the callee's for outsiders."""
    is_outsider = source in {semconv.EXTERNAL, semconv.UNKNOWN}
    side = sides.get(("destination" if is_outsider else "source", "spans"))
    return side.requests if side else 0


def _ranked(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    return tuple(sorted(set(signals), key=SIGNALS.index))
