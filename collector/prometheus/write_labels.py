"""Labels of a written series -> what identifies it in the store, checked once and then known.

The name of the metric is that of the stream, all other labels are its attributes, untouched, so
that they are read back as they came (ADR 9). Never looks at a sample.
Spec: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#labels
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from google.protobuf.message import DecodeError

from collector import semconv
from collector.otlp.attributes import MAX_KEY, MAX_TEXT
from collector.otlp.batch import Resource
from collector.prometheus.names import JOB, METRIC_NAME
from collector.prometheus.write_messages import Label

Pairs = list[tuple[str, str]]
_MAX_KNOWN_BYTES: Final = 64 * 2**20
_ENTRY_BYTES: Final = 1024
"""What a series costs beside its texts, and each label some of it."""
_MAX_LABELS: Final = 256
_TOLD_CHARACTERS: Final = 160


class BadLabels(ValueError):
    """These labels identify no series; ``series`` is how to find it, ``reason`` is what is wrong.

    The reason is one of few, so that refusals can be counted by it.
    """

    def __init__(self, reason: str, pairs: Iterable[tuple[str, str]]) -> None:
        self.reason, self.series = reason, told(pairs)
        super().__init__(f"{reason}: {self.series}")


@dataclass(frozen=True, slots=True)
class Written:
    """A series: its name, its other labels as JSON with sorted keys, and whose it is."""

    name: str
    labels: str
    resource: Resource


@dataclass(slots=True)
class KnownLabels:
    """Series by their labels as they come on the wire; all are forgotten beyond ``most_bytes``.

    Several threads may ask: what one of them knows another may learn again.
    """

    most_bytes: int = _MAX_KNOWN_BYTES
    _known: dict[Hashable, Written] = field(default_factory=dict)
    _bytes: int = 0

    def __len__(self) -> int:
        return len(self._known)

    def of_messages(self, labels: Sequence[bytes]) -> Written:
        """Return the series of ``Label`` messages; raise BadLabels."""
        key = tuple(labels)
        return self._known.get(key) or self._learn(key, _parsed(labels))

    def of_symbols(self, refs: Sequence[int], symbols: Sequence[str]) -> Written:
        """Return the series of references to symbols; raise BadLabels."""
        key = symbols_at(refs, symbols)
        return self._known.get(key) or self._learn(key, paired(key))

    def _learn(self, key: Hashable, pairs: Pairs) -> Written:
        found = _checked(pairs)
        size = _ENTRY_BYTES + 2 * (len(found.name) + len(found.labels))
        if self._bytes + size > self.most_bytes:
            self._known.clear()
            self._bytes = 0
        self._known[key] = found
        self._bytes += size
        return found


def symbols_at(refs: Sequence[int], symbols: Sequence[str]) -> tuple[str, ...]:
    """Return the strings that are referred to; raise BadLabels when one is not there."""
    try:
        return tuple([symbols[ref] for ref in refs])
    except IndexError:
        raise BadLabels("reference to a symbol that is not there", ()) from None


def paired(texts: Sequence[str]) -> Pairs:
    """Return names with their values; raise BadLabels when a value is missing."""
    if len(texts) % 2:
        raise BadLabels("label without a value", ())
    return list(zip(texts[::2], texts[1::2], strict=True))


def parsed_labels(labels: Iterable[bytes]) -> Pairs:
    """Return the labels of an exemplar; raise BadLabels."""
    return _parsed(labels)


def told(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a series as PromQL writes it, cut when it is long."""
    found = dict(pairs)
    name = found.pop(METRIC_NAME, "")
    inner = ",".join(f'{key}="{value}"' for key, value in sorted(found.items()))
    text = f"{name}{{{inner}}}"
    return text if len(text) <= _TOLD_CHARACTERS else f"{text[:_TOLD_CHARACTERS]}..."


def _parsed(labels: Iterable[bytes]) -> Pairs:
    try:
        messages: list[Any] = [Label.FromString(raw) for raw in labels]
    except DecodeError:
        raise BadLabels("label that is no UTF-8 or no message", ()) from None
    return [(one.name, one.value) for one in messages]


def _checked(pairs: Pairs) -> Written:
    names = [name for name, _ in pairs]
    labels = {name: value for name, value in pairs if value}
    if len(set(names)) != len(names):
        raise BadLabels("label that comes twice", pairs)
    if "" in labels:
        raise BadLabels("label without a name", pairs)
    if METRIC_NAME not in labels:
        raise BadLabels("series without __name__", pairs)
    if len(names) > _MAX_LABELS or any(
        len(name) > MAX_KEY for name in (*names, labels[METRIC_NAME])
    ):
        raise BadLabels(f"more than {_MAX_LABELS} labels, or a name of {MAX_KEY} characters", pairs)
    if any(len(value) > MAX_TEXT for value in labels.values()):
        raise BadLabels(f"label value of more than {MAX_TEXT} characters", pairs)
    name = labels.pop(METRIC_NAME)
    document = orjson.dumps(labels, option=orjson.OPT_SORT_KEYS).decode()
    return Written(name, document, _resource(labels.get(JOB, "")))


def _resource(job: str) -> Resource:
    """Return whose the series of a job are: no exporter, and so never a service of the mesh."""
    attributes = {JOB: job, semconv.ORIGIN: semconv.REMOTE_WRITE}
    document = orjson.dumps(attributes, option=orjson.OPT_SORT_KEYS).decode()
    return Resource(f"prometheus:{job}", "", "", "", document)
