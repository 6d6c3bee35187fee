"""Metric sources of type ``meshscope``: which requests of the mesh, and which of them are good.

A ratio selects requests by ``destination`` and perhaps ``source``, ``consumers`` (several sources
as one), ``route`` and ``version``. ``total`` is all of them, or those with some ``codes``. The good
are those that did not fail; with ``latency.thresholdMs`` they also ended in time; with ``codes``
they are those with such a code. ``bad`` is the opposite of the same, but names the bad codes.
A threshold is the ``freshness`` of a service's telemetry, or of a metric that holds a time.
"""

from dataclasses import dataclass
from typing import Final

from collector.promql.errors import BadQuery
from collector.promql.parser import parse
from slo.codes import ERRORS, EVERY, Codes
from slo.model import AvailabilitySli, CodeSli, EdgeSelector, LatencySli, LeafSli
from slo.yamltree import Place

_SELECTORS: Final = ("destination", "source", "route", "version")
_SPEC_FIELDS: Final = (*_SELECTORS, "consumers", "latency", "codes")
_LAST_SEEN: Final = "mesh_exporter_last_seen_timestamp_seconds"


@dataclass(frozen=True, slots=True)
class MeshThreshold:
    """What is compared: an age in seconds."""

    query: str
    is_freshness: bool


@dataclass(frozen=True, slots=True)
class _Chosen:
    edges: EdgeSelector
    threshold_ms: float | None
    codes: Codes | None


def mesh_ratio(
    part: Place, wanted: Place, total: Place, all_: Place, *, is_bad: bool
) -> LeafSli | None:
    """Read the two specs of a ratio; None when a complaint was noted."""
    some, whole = _chosen(wanted), _chosen(all_)
    if some is None or whole is None:
        return None
    if whole.threshold_ms is not None:
        total.complain("must not have a latency: the total is every request")
        return None
    if some.edges != whole.edges:
        part.complain("must select the same requests as total: same destination, source, route...")
        return None
    if some.threshold_ms is not None:
        if some.codes or whole.codes:
            part.complain("must have either a latency or codes; with a latency failures are bad")
            return None
        return LatencySli(some.edges, some.threshold_ms)
    if some.codes is None and whole.codes is None:
        return AvailabilitySli(some.edges)
    told = some.codes or (ERRORS if is_bad else ERRORS.rest())
    return CodeSli(some.edges, told if is_bad else told.rest(), whole.codes or EVERY)


def mesh_threshold(spec: Place) -> MeshThreshold | None:
    """Read a threshold; None when a complaint was noted."""
    place = spec.fields(("freshness",), required=("freshness",)).get("freshness")
    if place is None:
        return None
    fields = place.fields(("service", "metric"))
    given = [one for name in ("service", "metric") if (one := fields.get(name)) is not None]
    if len(given) != 1:
        place.complain("exactly one of service, metric is required")
        return None
    text = given[0].text()
    if not text:
        given[0].complain("must not be empty")
        return None
    if given[0].path.endswith(".service"):
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return MeshThreshold(f'time() - max({_LAST_SEEN}{{service="{escaped}"}})', True)
    try:
        parse(query := f"time() - max({text})")
    except BadQuery as error:
        given[0].complain(f"is no PromQL: {error}")
        return None
    return MeshThreshold(query, True)


def _chosen(spec: Place) -> _Chosen | None:
    before = len(spec.problems)
    fields = spec.fields(_SPEC_FIELDS, required=("destination",))
    chosen = {name: _label(fields.get(name)) for name in _SELECTORS}
    threshold_ms = _threshold_ms(fields.get("latency"))
    consumers, codes = fields.get("consumers"), fields.get("codes")
    several = () if consumers is None else _several(consumers)
    if several and chosen["source"] is not None and consumers is not None:
        consumers.complain("must not be given beside source")
    found = None if codes is None else _codes(codes)
    if len(spec.problems) > before or chosen["destination"] is None:
        return None
    destination = chosen.pop("destination") or ""
    return _Chosen(EdgeSelector(destination, **chosen, consumers=several), threshold_ms, found)


def _label(place: Place | None) -> str | None:
    if place is None:
        return None
    text = place.text()
    if not text:
        place.complain("must not be empty; leave it out to take every one")
    return text


def _several(place: Place) -> tuple[str, ...]:
    names = sorted({_label(item) or "" for item in place.items()})
    if not names:
        place.complain("must name at least one source")
    return tuple(names)


def _codes(place: Place) -> Codes | None:
    words = [str(item.shown) for item in place.items()]
    try:
        return Codes.of(words)
    except ValueError as error:
        place.complain(f"each {error}" if words else str(error))
        return None


def _threshold_ms(place: Place | None) -> float | None:
    if place is None:
        return None
    threshold = place.fields(("thresholdMs",), required=("thresholdMs",)).get("thresholdMs")
    value = threshold.number() if threshold is not None else None
    if threshold is None or value is None:
        return None
    if value <= 0:
        threshold.complain(f"must be above 0, got {threshold.shown}")
        return None
    return float(value)
