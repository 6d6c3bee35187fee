"""Remote write requests made byte by byte, after the field numbers of the specifications."""

import struct
from dataclasses import dataclass, field

import cramjam

STALE_NAN = struct.unpack("<d", bytes.fromhex("020000000000f07f"))[0]
UNKNOWN, RESET, NOT_RESET, GAUGE = range(4)
INTEGERS, FLOATS = "integers", "floats"


@dataclass(frozen=True)
class Native:
    """A native histogram; spans are (offset, length) and counts those of the buckets in them."""

    at_ms: int
    count: float = 0
    total: float = 0.0
    schema: int = 0
    zero_threshold: float = 0.0
    zero_count: float = 0
    positive: tuple = ()
    positive_counts: tuple = ()
    negative: tuple = ()
    negative_counts: tuple = ()
    hint: int = UNKNOWN
    bounds: tuple = ()
    kind: str = INTEGERS
    start_ms: int = 0


@dataclass(frozen=True)
class Exemplar:
    labels: tuple
    value: float
    at_ms: int


@dataclass(frozen=True)
class Written:
    """One series; ``labels`` are pairs, samples are (milliseconds, value)."""

    labels: tuple
    samples: tuple = ()
    natives: tuple = ()
    exemplars: tuple = ()
    type: int = 0
    help: str = ""
    unit: str = ""
    created_ms: int = 0


@dataclass(frozen=True)
class Family:
    name: str
    type: int = 0
    help: str = ""
    unit: str = ""


@dataclass
class Symbols:
    texts: dict = field(default_factory=lambda: {"": 0})

    def of(self, text):
        return self.texts.setdefault(text, len(self.texts))


def series(name, samples=(), natives=(), **labels):
    """Return a series with sorted labels."""
    pairs = tuple(sorted({"__name__": name, **labels}.items()))
    return Written(pairs, tuple(samples), tuple(natives))


def first(*written, families=()):
    """Encode prometheus.WriteRequest."""
    told = b"".join(
        inner(3, number(1, one.type) + text(2, one.name) + text(4, one.help) + text(5, one.unit))
        for one in families
    )
    return b"".join(inner(1, _first(one)) for one in written) + told


def second(*written):
    """Encode io.prometheus.write.v2.Request."""
    symbols = Symbols()
    bodies = b"".join(inner(5, _second(one, symbols)) for one in written)
    return b"".join(text(4, one, always=True) for one in symbols.texts) + bodies


def snappy(body):
    return bytes(cramjam.snappy.compress_raw(body))


def _first(one):
    return (
        _labels(one.labels)
        + b"".join(inner(2, real(1, value) + number(2, at_ms)) for at_ms, value in one.samples)
        + b"".join(
            inner(3, _labels(ex.labels) + real(2, ex.value) + number(3, ex.at_ms))
            for ex in one.exemplars
        )
        + b"".join(inner(4, _native(native)) for native in one.natives)
    )


def _second(one, symbols):
    meta = (number(1, one.type) + number(3, symbols.of(one.help))
            + number(4, symbols.of(one.unit)))  # fmt: skip
    return (
        inner(1, _refs(one.labels, symbols))
        + b"".join(inner(2, real(1, value) + number(2, at_ms)) for at_ms, value in one.samples)
        + b"".join(inner(3, _native(native)) for native in one.natives)
        + b"".join(
            inner(4, inner(1, _refs(ex.labels, symbols)) + real(2, ex.value) + number(3, ex.at_ms))
            for ex in one.exemplars
        )
        + inner(5, meta)
        + number(6, one.created_ms)
    )


def _labels(labels):
    return b"".join(inner(1, text(1, name) + text(2, value)) for name, value in labels)


def _refs(labels, symbols):
    return b"".join(varint(symbols.of(one)) for pair in labels for one in pair)


def _native(one):
    is_integers = one.kind == INTEGERS
    count = number(1, one.count) if is_integers else real(2, one.count)
    zeros = number(6, one.zero_count) if is_integers else real(7, one.zero_count)
    return (
        count
        + real(3, one.total)
        + number(4, zigzag(one.schema))
        + real(5, one.zero_threshold)
        + zeros
        + _side(8, one.negative, one.negative_counts, is_integers=is_integers)
        + _side(11, one.positive, one.positive_counts, is_integers=is_integers)
        + number(14, one.hint)
        + number(15, one.at_ms)
        + inner(16, b"".join(struct.pack("<d", bound) for bound in one.bounds))
        + number(17, one.start_ms)
    )


def _side(at, spans, counts, *, is_integers):
    found = b"".join(
        inner(at, number(1, zigzag(offset)) + number(2, length)) for offset, length in spans
    )
    if is_integers:
        before = (0, *counts)[: len(counts)]
        deltas = (count - last for count, last in zip(counts, before, strict=True))
        return found + inner(at + 1, b"".join(varint(zigzag(delta)) for delta in deltas))
    return found + inner(at + 2, b"".join(struct.pack("<d", count) for count in counts))


def inner(at, content):
    return varint(at << 3 | 2) + varint(len(content)) + content if content else b""


def text(at, content, *, always=False):
    encoded = content.encode()
    return inner(at, encoded) or (varint(at << 3 | 2) + b"\0" if always else b"")


def number(at, value):
    return varint(at << 3) + varint(value & (1 << 64) - 1) if value else b""


def real(at, value):
    return varint(at << 3 | 1) + struct.pack("<d", value)


def zigzag(value):
    return value << 1 if value >= 0 else (-value << 1) - 1


def varint(value):
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
