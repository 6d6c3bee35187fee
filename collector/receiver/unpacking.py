"""Content-Encoding -> the bytes that were meant, and never more of them than allowed.

A body of some kilobytes may hold gigabytes, so that every decompressor is asked for no more than
the limit and one byte. Several gzip members or zstd frames in a row are one body (RFC 1952, 8878).
"""

import sys
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from collector.otlp.errors import MalformedPayload
from collector.receiver.errors import TooLarge, UnsupportedMedia

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_MAX_ZSTD_WINDOW_LOG: Final = 23
"""8 MiB: what RFC 9659 allows in HTTP. A frame that declares more would make us allocate it."""

_DECOMPRESSORS: Final[Mapping[str, Callable[[], Any]]] = {
    "gzip": lambda: zlib.decompressobj(31),
    "x-gzip": lambda: zlib.decompressobj(31),
    "deflate": lambda: zlib.decompressobj(15),
    "zstd": lambda: zstd.ZstdDecompressor(
        options={zstd.DecompressionParameter.window_log_max: _MAX_ZSTD_WINDOW_LOG}
    ),
}
_PLAIN: Final = frozenset({"", "identity"})
ENCODINGS: Final = ("gzip", "deflate", "zstd", "identity")


def check_encoding(encoding: str) -> None:
    """Raise UnsupportedMedia unless ``unpack`` knows it."""
    if encoding not in _PLAIN and encoding not in _DECOMPRESSORS:
        raise UnsupportedMedia("Content-Encoding", encoding, ENCODINGS)


def is_packed(encoding: str) -> bool:
    """Tell whether a body with this Content-Encoding is compressed."""
    return encoding not in _PLAIN


def unpack(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Return the unpacked body; raise MalformedPayload or TooLarge."""
    check_encoding(encoding)
    if not is_packed(encoding):
        return body
    parts: list[bytes] = []
    size = 0
    rest = body
    while rest or not parts:
        stream = _DECOMPRESSORS[encoding]()
        try:
            part = stream.decompress(rest, max_bytes - size + 1)
        except (zlib.error, zstd.ZstdError) as error:
            raise MalformedPayload(f"the body is not {encoding}: {error}") from error
        size += len(part)
        if size > max_bytes:
            raise TooLarge(max_bytes)
        if not stream.eof:
            raise MalformedPayload(f"the {encoding} stream ends too early")
        parts.append(part)
        rest = stream.unused_data
    return b"".join(parts)
