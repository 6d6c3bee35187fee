"""What a search of the Jaeger API asks: times in microseconds, durations, tags.

Tags are a JSON object (Grafana, Jaeger's own UI), logfmt (what people type), or ``key:value``
parameters. Never asks the store.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from collector.traces.search import Search
from dashboards.web.trace_parameters import (
    BadParameter,
    form_of,
    read_duration,
    read_tags,
    read_whole,
)

MOST: Final = 1500
"""More traces than this are not given at once, whatever ``limit`` says."""

_DEFAULT_LIMIT: Final = 100
_US_NS: Final = 1000
_LATEST_US: Final = 2**63 // _US_NS - 1


@dataclass(frozen=True, slots=True)
class Asked:
    """A search: what, when ([from_ns, to_ns)), how many."""

    form: Search
    from_ns: int | None
    to_ns: int | None
    limit: int


def read_search(given: Mapping[str, str], pairs: Sequence[str] = ()) -> Asked:
    """Return the search of a query string; ``pairs`` are its repeated ``tag`` parameters."""
    service = given.get("service", "")
    if not service:
        raise BadParameter("parameter 'service' is required")
    start_us = read_whole(given, "start", 0, most=_LATEST_US)
    end_us = read_whole(given, "end", _LATEST_US - 1, most=_LATEST_US - 1)
    return Asked(
        form=form_of(
            read_tags(given.get("tags", "")) | _pairs(pairs),
            service=service,
            name=given.get("operation") or None,
            min_duration_ns=read_duration(given, "minDuration"),
            max_duration_ns=read_duration(given, "maxDuration"),
        ),
        from_ns=start_us * _US_NS,
        to_ns=(end_us + 1) * _US_NS,
        limit=min(read_whole(given, "limit", _DEFAULT_LIMIT, least=1), MOST),
    )


def _pairs(pairs: Sequence[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        key, colon, value = pair.partition(":")
        if not colon:
            raise BadParameter(f"parameter 'tag' is key:value, got {pair!r:.80}")
        found[key] = value
    return found
