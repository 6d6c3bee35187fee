"""The parts of a span request that are not spans: resources and scopes, remembered by their bytes.

An exporter sends the same resource with each request, so that it is parsed once. What is parsed
here is wrapped as the request had it: the parser's limit of depth counts from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.otlp import attributes as attrs
from collector.otlp.batch import BatchBuilder, Resource
from collector.otlp.errors import MalformedPayload, why

_MAX_KNOWN: Final = 4096
_MAX_KNOWN_BYTES: Final = 4096
_FIRST, _SECOND = b"\x0a", b"\x12"
"""Tags of the first and the second field, when these are messages."""


@dataclass(slots=True)
class KnownParts:
    """A bounded memory. Two threads may learn the same at once; both learn the same."""

    _resources: dict[bytes, Resource] = field(default_factory=dict)
    _scopes: dict[bytes, None] = field(default_factory=dict)

    def resource(self, piece: bytes) -> Resource | None:
        """Return a resource; None when the sender must be told something about it."""
        known = self._resources.get(piece)
        if known is not None:
            return known
        builder = BatchBuilder()
        (message,) = _parsed(_wrapped(_FIRST, _wrapped(_FIRST, piece))).resource_spans
        resource = attrs.resource(message.resource, builder.warn)
        if builder.build(0).warnings:
            return None
        _remember(self._resources, piece, resource)
        return resource

    def check_scope(self, piece: bytes) -> None:
        """Raise MalformedPayload when it is none."""
        if piece not in self._scopes:
            _parsed(_wrapped(_FIRST, _wrapped(_SECOND, _wrapped(_FIRST, piece))))
            _remember(self._scopes, piece, None)


KNOWN_PARTS: Final = KnownParts()


def spans_request(pieces: Sequence[bytes]) -> bytes:
    """Return a request with these serialized spans and nothing else."""
    spans = b"".join(_wrapped(_SECOND, piece) for piece in pieces)
    return _wrapped(_FIRST, _wrapped(_SECOND, spans))


def _parsed(body: bytes) -> Any:
    try:
        return ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise MalformedPayload(why(error)) from error


def _wrapped(tag: bytes, content: bytes) -> bytes:
    length, prefix = len(content), bytearray(tag)
    while length >= 128:
        prefix.append(length & 127 | 128)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + content


def _remember(known: dict[bytes, Any], piece: bytes, part: Any) -> None:
    if len(piece) <= _MAX_KNOWN_BYTES:
        if len(known) >= _MAX_KNOWN:
            known.clear()
        known[piece] = part
