"""Times as people write them on a command line -> unix milliseconds. Pure.

A duration is one of PromQL (30d, 1h30m) and means so long ago; a time is one of ISO 8601, in UTC
unless it says otherwise.
"""

from datetime import UTC, datetime, timedelta

import promql_parser

from collector.importing.errors import UsedWrongly

_MILLISECOND = timedelta(milliseconds=1)


def duration_ms(text: str) -> int:
    """Return a duration; raise UsedWrongly when it is none or zero."""
    try:
        found = promql_parser.parse_duration(text) // _MILLISECOND
    except (ValueError, OverflowError) as error:
        raise UsedWrongly(f"{text!r} is no duration: give one such as 15s, 1h or 30d") from error
    if found <= 0:
        raise UsedWrongly(f"{text!r} is no length of time: give one such as 15s, 1h or 30d")
    return int(found)


def instant_ms(text: str, now_ms: int) -> int:
    """Return a whole second; raise UsedWrongly when the text is no time."""
    if text == "now":
        return now_ms // 1000 * 1000
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return (now_ms - duration_ms(text)) // 1000 * 1000
    zoned = at if at.tzinfo else at.replace(tzinfo=UTC)
    return int(zoned.timestamp()) * 1000


def iso(at_ms: int) -> str:
    """Return a time as text."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
