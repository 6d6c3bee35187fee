"""Series as they are read from a source and written to a target, and a selector that finds them.

Never asks anybody. A request is one of remote write 2.0: it says what the metrics mean beside.
Spec: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import cramjam
import numpy as np
from numpy.typing import NDArray

from collector.prometheus.names import METRIC_NAME
from collector.prometheus.remote_write import TYPES
from collector.prometheus.write_messages import Request
from collector.promql.samples import Labels, Matcher

_PLAIN: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_PARTS: Final = re.compile(r"_(bucket|count|sum|total)$")


@dataclass(frozen=True, slots=True)
class Raw:
    """One series in a piece of time. times_ms: int64, ascending. values: float64, as many."""

    labels: Labels
    times_ms: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a Prometheus knows of a metric family."""

    type: str = "unknown"
    unit: str = ""
    help: str = ""


_UNKNOWN: Final = Meaning()


def selector(matchers: Iterable[Matcher]) -> str:
    """Return the text of a vector selector; the matchers stay in their order."""
    return (
        "{" + ",".join(f"{_name(one.name)}{one.op}{_quoted(one.value)}" for one in matchers) + "}"
    )


def size(series: Iterable[Raw]) -> int:
    """Return the number of samples."""
    return sum(len(one.times_ms) for one in series)


def without(series: Iterable[Raw], present: Iterable[Raw]) -> list[Raw]:
    """Return what is not present yet: a sample is there when its series has one at that time."""
    known = {one.labels: one.times_ms for one in present}
    found = []
    for one in series:
        times_ms = known.get(one.labels)
        new = one if times_ms is None else _at(one, ~np.isin(one.times_ms, times_ms))
        if len(new.times_ms):
            found.append(new)
    return found


def bodies(
    series: Iterable[Raw], meanings: Mapping[str, Meaning], most: int
) -> Iterator[tuple[bytes, int]]:
    """Give snappy bodies of ``most`` samples at most, and how many each has."""
    batch: list[Raw] = []
    room = most
    for one in series:
        for place in _cuts(len(one.times_ms), room, most):
            piece = _at(one, place)
            batch.append(piece)
            room -= len(piece.times_ms)
            if room <= 0:
                yield _body(batch, meanings), size(batch)
                batch, room = [], most
    if batch:
        yield _body(batch, meanings), size(batch)


def meaning_of(name: str, meanings: Mapping[str, Meaning]) -> Meaning:
    """Return what is known of a series' family: by its name, or that without a part's suffix."""
    return meanings.get(name) or meanings.get(_PARTS.sub("", name)) or _UNKNOWN


def _at(one: Raw, places: NDArray[np.bool_] | slice) -> Raw:
    return replace(one, times_ms=one.times_ms[places], values=one.values[places])


def _cuts(length: int, room: int, most: int) -> Iterator[slice]:
    """Cut a series so that its first piece fills the request that was begun."""
    start = 0
    while start < length:
        end = min(start + room, length)
        yield slice(start, end)
        start, room = end, most


def _body(series: Sequence[Raw], meanings: Mapping[str, Meaning]) -> bytes:
    symbols: dict[str, int] = {"": 0}
    request = Request()
    for one in series:
        message = request.timeseries.add()
        message.labels_refs.extend(
            symbols.setdefault(text, len(symbols)) for pair in one.labels for text in pair
        )
        known = meaning_of(dict(one.labels).get(METRIC_NAME, ""), meanings)
        message.metadata.type = TYPES.index(known.type) if known.type in TYPES else 0
        message.metadata.unit_ref = symbols.setdefault(known.unit, len(symbols))
        message.metadata.help_ref = symbols.setdefault(known.help, len(symbols))
        for time_ms, value in zip(one.times_ms.tolist(), one.values.tolist(), strict=True):
            message.samples.add(timestamp=time_ms, value=value)
    request.symbols.extend(symbols)
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))


def _name(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
