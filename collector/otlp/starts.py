"""Times of points: which are possible, and the start times that Envoy sends in another unit.

Never reads a clock.
"""

from typing import Final

MIN_TIME_NS: Final = 946_684_800 * 10**9
"""The year 2000: who says a time before it has no clock."""
_FIRST_NANOSECONDS: Final = 10**17
"""1973 in nanoseconds, the year 5138 in microseconds: what is below is not nanoseconds."""


def mend_start_ns(start_ns: int) -> int:
    """Return the start time in ns: Envoy 1.40 sends microseconds in ``start_time_unix_nano``."""
    return start_ns * 1000 if 0 < start_ns < _FIRST_NANOSECONDS else start_ns
