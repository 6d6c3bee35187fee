"""One trace as columns: its spans by start, each once, with their resources and attributes.

Never asks the store: it is made of the rows that ``collector.store.traces`` returns. A span
that was exported twice with the same content is kept once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import pyarrow as pa

_COPIED: Final = (
    *("span_id", "parent_id", "service", "name", "kind", "start_ns", "duration_ns"),
    *("status", "is_error", "attributes", "resource_attributes"),
)
_HOSTS: Final = ("host.id", "host.name", "k8s.node.name")
_IDENTITY: Final = ("service", "namespace", "version", "instance", "resource_attributes")


@dataclass(frozen=True, slots=True)
class Resource:
    """Who exported. ``host`` is where its clock is: a machine, or the resource itself."""

    service: str
    namespace: str
    version: str
    instance: str
    attributes: Mapping[str, Any]
    host: str


@dataclass(frozen=True, slots=True)
class Trace:
    """Spans by (start_ns, span_id); ``columns`` are those of ``store.traces.trace``, as lists.

    ``resource`` is the position in ``resources``. ``copies`` counts the spans that came twice.
    """

    trace_hi: int
    trace_lo: int
    columns: Mapping[str, Sequence[Any]]
    resource: Sequence[int]
    resources: Sequence[Resource]
    copies: int
    _parsed: dict[int, Mapping[str, Any]] = field(default_factory=dict, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.columns["span_id"])

    def __getitem__(self, column: str) -> Sequence[Any]:
        return self.columns[column]

    @property
    def trace_id(self) -> str:
        """The id as 32 hexadecimal digits."""
        return f"{self.trace_hi:016x}{self.trace_lo:016x}"

    @property
    def start_ns(self) -> int:
        """The first start."""
        return int(self["start_ns"][0])

    @property
    def duration_ns(self) -> int:
        """From the first start to the last end."""
        return (
            max(map(sum, zip(self["start_ns"], self["duration_ns"], strict=True))) - self.start_ns
        )

    def attributes(self, span: int) -> Mapping[str, Any]:
        """Return the attributes of a span."""
        found = self._parsed.get(span)
        if found is None:
            found = self._parsed[span] = _object(self["attributes"][span])
        return found


def split(rows: pa.Table) -> Iterator[Trace]:
    """Give the traces in rows that are sorted by trace."""
    ids = list(zip(rows["trace_hi"].to_pylist(), rows["trace_lo"].to_pylist(), strict=True))
    known: dict[tuple[Any, ...], Resource] = {}
    begin = 0
    for end in range(1, len(ids) + 1):
        if end == len(ids) or ids[end] != ids[begin]:
            yield trace_of(rows.slice(begin, end - begin), known)
            begin = end


def trace_of(rows: pa.Table, known: dict[tuple[Any, ...], Resource] | None = None) -> Trace:
    """Return the trace of these rows, one or more, sorted by start.

    ``known`` remembers resources between traces.
    """
    known = {} if known is None else known
    columns: dict[str, list[Any]] = {name: rows[name].to_pylist() for name in rows.column_names}
    kept = _kept(columns)
    if len(kept) < rows.num_rows:
        columns = {name: [values[row] for row in kept] for name, values in columns.items()}
    places: dict[tuple[Any, ...], int] = {}
    identities = zip(*(columns[name] for name in _IDENTITY), strict=True)
    resource = [places.setdefault(identity, len(places)) for identity in identities]
    return Trace(
        trace_hi=columns["trace_hi"][0],
        trace_lo=columns["trace_lo"][0],
        columns=columns,
        resource=resource,
        resources=[
            known.get(identity) or known.setdefault(identity, _resource(identity))
            for identity in places
        ],
        copies=rows.num_rows - len(kept),
    )


def _kept(columns: Mapping[str, Sequence[Any]]) -> list[int]:
    if len(set(columns["span_id"])) == len(columns["span_id"]):
        return list(range(len(columns["span_id"])))
    first: dict[tuple[Any, ...], int] = {}
    for row, content in enumerate(zip(*(columns[name] for name in _COPIED), strict=True)):
        first.setdefault(content, row)
    return list(first.values())


def _resource(identity: tuple[Any, ...]) -> Resource:
    service, namespace, version, instance, text = identity
    attributes = _object(text)
    named = next((f"{key}={attributes[key]}" for key in _HOSTS if attributes.get(key)), None)
    return Resource(
        service=service or "",
        namespace=namespace or "",
        version=version or "",
        instance=instance or "",
        attributes=attributes,
        host=named or f"{namespace}/{service}/{version}/{instance} {text}",
    )


def _object(text: str | None) -> Mapping[str, Any]:
    found = orjson.loads(text) if text else {}
    return found if isinstance(found, dict) else {}
