"""Floats as Prometheus writes them: the fewest digits, an exponent below 1e-6 and from 1e21 on.

Many at once go through orjson, which is fast and writes the same digits; what it writes otherwise
is mended. Never rounds.
"""

from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray

from collector.prometheus.numbers import positional

_SMALLEST: Final = 1e-6
_LARGEST: Final = 1e21
_PLAIN_FROM: Final = 1e-5
_PLAIN_TO: Final = 1e16
"""Between these orjson writes no exponent."""
_TWO_DIGITS: Final = {b"e-%d," % digit: b"e-0%d," % digit for digit in range(7, 10)}


def number_text(number: float) -> str:
    """Return a value as the API has it: ``1``, ``0.25``, ``1e-07``, ``NaN``, ``+Inf``."""
    size = abs(number)
    if (size < _SMALLEST and number) or _LARGEST <= size < np.inf:
        mantissa, _, exponent = repr(float(number)).partition("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent):+03d}"
    return positional(float(number))


def number_texts(values: NDArray[np.float64]) -> list[bytes]:
    """Return ``number_text`` of each, as bytes."""
    if not len(values):
        return []
    dumped = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
    joined = (dumped[1:-1] + b",").replace(b".0,", b",").replace(b"null,", b"NaN,")
    for short, long in _TWO_DIGITS.items():
        joined = joined.replace(short, long)
    texts = joined[:-1].split(b",")
    sizes = np.abs(values)
    for place in np.flatnonzero((sizes >= _SMALLEST) & (sizes < _PLAIN_FROM)).tolist():
        texts[place] = _without_exponent(texts[place])
    is_long = (sizes >= _PLAIN_TO) & ((sizes < _LARGEST) | np.isinf(sizes))
    for place in np.flatnonzero(is_long).tolist():
        texts[place] = number_text(float(values[place])).encode()
    return texts


def _without_exponent(text: bytes) -> bytes:
    """Write 1.5e-6 as 0.0000015."""
    digits = text[:-3].replace(b".", b"")
    return b"-0.00000" + digits[1:] if digits[:1] == b"-" else b"0.00000" + digits


def time_text(at_ms: int) -> str:
    """Return unix seconds, with milliseconds only when there are some."""
    seconds, rest = divmod(abs(at_ms), 1000)
    sign = "-" if at_ms < 0 else ""
    return f"{sign}{seconds}.{rest:03d}" if rest else f"{sign}{seconds}"
