"""Durations of rule files: Prometheus's ``1h30m``, units from large to small, each once.

Never reads a plain number, but 0. https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

import re
from typing import Final

_UNITS_MS: Final = {
    "y": 31_536_000_000,
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
}
_DURATION: Final = re.compile("".join(rf"(?:(\d{{1,12}}){unit})?" for unit in _UNITS_MS))
_MAX_MS: Final = 2**63 // 10**6


def duration_ms(text: str) -> int | None:
    """Return milliseconds; None when the text is no duration, or one beyond 292 years."""
    if text == "0":
        return 0
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        return None
    total = sum(
        int(count) * unit for count, unit in zip(match.groups("0"), _UNITS_MS.values(), strict=True)
    )
    return total if total < _MAX_MS else None
