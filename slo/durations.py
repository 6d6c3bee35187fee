"""The duration shorthand of OpenSLO: an integer and one unit, such as ``30d`` or ``5m``.

Never reads Go or ISO 8601 durations: a second spelling for one thing makes files hard to compare.
In this grammar ``m`` is minutes and ``M`` is months; months, quarters and years have the nominal
length that the OpenSLO SDK gives them. Spec: https://github.com/OpenSLO/OpenSLO#duration-shorthand
"""

import re
from typing import Final

UNIT_SECONDS: Final = {
    "m": 60,
    "h": 3_600,
    "d": 86_400,
    "w": 7 * 86_400,
    "M": 30 * 86_400,
    "Q": 90 * 86_400,
    "Y": 365 * 86_400,
}
_SHORTHAND: Final = re.compile(r"(\d{1,9})([mhdwMQY])")


def parse_duration(text: str) -> int:
    """Return the seconds of a shorthand; anything else is a ValueError that says the grammar."""
    match = _SHORTHAND.fullmatch(text)
    if match is None:
        raise ValueError(f"must be a whole number and one of m h d w M Q Y, got {text!r}")
    return int(match[1]) * UNIT_SECONDS[match[2]]


def format_duration(seconds: int) -> str:
    """Return the shortest shorthand of whole minutes in days, hours or minutes: 2592000 -> 30d."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % UNIT_SECONDS[unit] == 0:
            return f"{seconds // UNIT_SECONDS[unit]}{unit}"
    return f"{seconds}s"
