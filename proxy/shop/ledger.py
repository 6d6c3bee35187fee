"""The ledger: what callers saw come back, counted. The truth that measurements are checked against.

An exchange is one request that a caller sent and the status it got; 0 means no response. Values and
their JSON, format 1; counting while requests run is ``proxy.shop.tally``. Never rounds, never
samples, and knows no time: compare it with a measurement of the same whole run.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

FORMAT: Final = "meshscope.shop.ledger"
VERSION: Final = 1


class InvalidLedger(ValueError):
    """A file that is not a ledger of a version we read; names the file and the reason."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}")
        self.file = file
        self.reason = reason


class Exchange(NamedTuple):
    """The key of a count. A plain tuple of the same four values is equal to it."""

    source: str
    destination: str
    route: str
    status: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """Counts of finished exchanges; every count is at least 1."""

    counts: Mapping[Exchange, int] = field(default_factory=dict)
    not_sent: int = 0
    """Requests that were due and not sent, because too many were in flight: in no count."""
    is_final: bool = True
    """False in the file of a process that still runs, or that was killed."""

    def __post_init__(self) -> None:
        wrong = [exchange for exchange, count in self.counts.items() if count < 1]
        if wrong:
            raise ValueError(f"counts must be at least 1, not so for {wrong[0]}")

    @property
    def total(self) -> int:
        """The number of exchanges."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A count on which ledger and measurement disagree."""

    exchange: Exchange
    recorded: int
    measured: int


def merge(ledgers: Iterable[Ledger]) -> Ledger:
    """Add ledgers of different callers; the sum is final when all are."""
    parts = list(ledgers)
    counts: Counter[Exchange] = Counter()
    for ledger in parts:
        counts.update(ledger.counts)
    return Ledger(
        counts=dict(counts),
        not_sent=sum(ledger.not_sent for ledger in parts),
        is_final=all(ledger.is_final for ledger in parts),
    )


def difference(ledger: Ledger, measured: Mapping[tuple[str, str, str, int], int]) -> list[Mismatch]:
    """Return every count that differs, sorted; empty means that the measurement is exact.

    What one side does not mention it counts as 0.
    """
    exchanges = {Exchange(*key) for key in (*ledger.counts, *measured)}
    pairs = ((e, ledger.counts.get(e, 0), measured.get(e, 0)) for e in sorted(exchanges))
    return [Mismatch(e, recorded, found) for e, recorded, found in pairs if recorded != found]


def to_json(ledger: Ledger) -> str:
    """Return the text of a ledger, sorted: equal ledgers have equal texts."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "is_final": ledger.is_final,
        "not_sent": ledger.not_sent,
        "columns": [*Exchange._fields, "requests"],
        "counts": [[*exchange, count] for exchange, count in sorted(ledger.counts.items())],
    }
    return json.dumps(document, separators=(",", ":"))


def from_json(text: str | bytes, *, file: str) -> Ledger:
    """Read the text of a ledger; ``file`` is for the error only."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InvalidLedger(file, f"not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InvalidLedger(file, f"not a ledger: its format is not {FORMAT!r}")
    if document.get("version") != VERSION:
        found = document.get("version")
        raise InvalidLedger(file, f"version {found!r}, but this program reads version {VERSION}")
    try:
        return _ledger(document)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidLedger(file, f"damaged: {error!r}") from error


def load(path: Path) -> Ledger:
    """Read a ledger file; FileNotFoundError when its writer has not started."""
    return from_json(path.read_bytes(), file=str(path))


def save(ledger: Ledger, path: Path) -> None:
    """Write a ledger so that a reader sees the old file or the new one, never a part."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(to_json(ledger), encoding="utf-8")
    draft.replace(path)


def _ledger(document: dict[str, Any]) -> Ledger:
    rows = document["counts"]
    counts = {
        Exchange(str(source), str(destination), str(route), int(status)): int(requests)
        for source, destination, route, status, requests in rows
    }
    if len(counts) != len(rows):
        raise ValueError("an exchange is listed twice")
    return Ledger(counts, int(document["not_sent"]), bool(document["is_final"]))
