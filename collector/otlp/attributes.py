"""Attributes and resources: OTLP AnyValue -> plain values -> JSON with sorted keys.

Sorted, because Envoy does not keep the order of its attributes, and JSON text is the identity of a
resource or series. Bytes become base64; NaN and infinities become null: JSON has no word for them.
What is longer than anyone can read is cut, and the cut is told. Never knows which keys are secret.
Spec: https://opentelemetry.io/docs/specs/otel/common/#anyvalue
"""

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from collector import semconv
from collector.otlp.batch import Resource
from collector.otlp.errors import MalformedPayload, why

UNKNOWN_SERVICE: Final = "unknown_service"
MAX_TEXT: Final = 65_536
"""Characters of one string, be it a value inside of an attribute or a body."""
MAX_KEY: Final = 1024
MAX_ITEMS: Final = 1024
"""Elements of one array or map."""
TRUNCATED: Final = "attribute cut: too long"
_MAX_KNOWN: Final = 32_768
_MAX_KNOWN_TEXT: Final = 4096

Warn = Callable[[str, int], None]
"""Takes a reason and a count: ``BatchBuilder.warn``."""


def any_value(value: Any) -> Any:
    """Return the plain value of an AnyValue message; None when it is empty."""
    kind = value.WhichOneof("value")
    match kind:
        case None:
            return None
        case "array_value":
            return [any_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return attributes(value.kvlist_value.values)
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode("ascii")
        case _:
            return getattr(value, kind)


def attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    """Return the plain values of KeyValue messages; of equal keys the last wins."""
    return {pair.key: any_value(pair.value) for pair in pairs}


def to_json(value: Any) -> str:
    """Return JSON with sorted keys."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode("utf-8")


def text(value: Any) -> str:
    """Return a value as text: strings as they are, None as '', the rest as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else to_json(value)


def clip(value: Any) -> tuple[Any, int]:
    """Return a plain value within the limits, and the number of places where it was cut."""
    match value:
        case str() if len(value) > MAX_TEXT:
            return value[:MAX_TEXT], 1
        case list():
            items = [clip(item) for item in value[:MAX_ITEMS]]
            cuts = sum(count for _, count in items) + (len(value) > MAX_ITEMS)
            return [item for item, _ in items], cuts
        case dict():
            pairs = [(key, clip(item)) for key, item in list(value.items())[:MAX_ITEMS]]
            cuts = sum(count + (len(key) > MAX_KEY) for key, (_, count) in pairs)
            kept = {key[:MAX_KEY]: item for key, (item, _) in pairs}
            return kept, cuts + (len(value) > MAX_ITEMS)
        case _:
            return value, 0


def document(values: Any, warn: Warn) -> str:
    """Return JSON with sorted keys, within the limits; what is cut is told to ``warn``."""
    text = to_json(values)
    if len(text) <= MAX_KEY:
        return text
    clipped, cuts = clip(values)
    if not cuts:
        return text
    warn(TRUNCATED, cuts)
    return to_json(clipped)


@dataclass(slots=True)
class KnownAttributes:
    """JSON of attributes by their bytes: a memory, bounded, of what ``document`` would return."""

    _texts: dict[tuple[bytes, ...], str] = field(default_factory=dict)

    def document(self, pairs: Iterable[bytes], warn: Warn) -> str:
        """Return JSON of serialized KeyValue messages; raise MalformedPayload if they are none."""
        key = tuple(pairs)
        known = self._texts.get(key)
        return known if known is not None else self._learn(key, warn)

    def _learn(self, pairs: tuple[bytes, ...], warn: Warn) -> str:
        try:
            values = attributes(map(KeyValue.FromString, pairs))
        except DecodeError as error:
            raise MalformedPayload(why(error)) from error
        text = document(values, warn)
        if sum(map(len, pairs)) <= _MAX_KNOWN_TEXT:
            if len(self._texts) >= _MAX_KNOWN:
                self._texts.clear()
            self._texts[pairs] = text
        return text


def _silent(_reason: str, _count: int) -> None:
    """Take a warning for which there is no one to tell."""


def resource(message: Any, warn: Warn = _silent) -> Resource:
    """Return the resource of a Resource message."""
    values, cuts = clip(attributes(message.attributes))
    if cuts:
        warn(TRUNCATED, cuts)
    return Resource(
        service=text(values.get(semconv.SERVICE_NAME)) or UNKNOWN_SERVICE,
        namespace=text(values.get(semconv.SERVICE_NAMESPACE)),
        version=text(values.get(semconv.SERVICE_VERSION)),
        instance=text(values.get(semconv.SERVICE_INSTANCE_ID)),
        attributes=to_json(values),
    )
