"""Metric sources of type ``prometheus``: the PromQL of an indicator, read and refused early.

Our own engine answers it over what the store holds; a Prometheus is never asked.
"""

from typing import Final

from collector.promql.errors import BadQuery
from collector.promql.expressions import kind
from collector.promql.parser import parse
from slo.sources.increases import counted
from slo.yamltree import Place

_QUERY_FIELDS: Final = ("query", "promql")
_FIELDS: Final = (*_QUERY_FIELDS, "queryType")


def query_of(spec: Place) -> str | None:
    """Return a query that gives numbers; None when a complaint was noted."""
    place = _query(spec)
    if place is None or not (text := place.text()):
        return None
    try:
        is_number = kind(parse(text)) in {"vector", "scalar"}
    except BadQuery as error:
        place.complain(f"is no PromQL: {error}")
        return None
    if not is_number:
        place.complain("must give numbers at an instant, not a range or a text")
        return None
    return text


def counter_query(spec: Place) -> str | None:
    """Return a query that sums counters."""
    place = _query(spec)
    text = query_of(spec) if place is not None else None
    if place is None or text is None:
        return None
    try:
        counted(text)
    except ValueError as error:
        place.complain(str(error))
        return None
    return text


def _query(spec: Place) -> Place | None:
    fields = spec.fields(_FIELDS)
    given = [place for name in _QUERY_FIELDS if (place := fields.get(name)) is not None]
    if len(given) != 1:
        spec.complain("exactly one of query, promql is required")
        return None
    return given[0]
