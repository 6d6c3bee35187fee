"""``ratioMetric`` on the mesh: metric sources of type ``meshscope`` to indicators.

A source selects requests by ``destination`` and perhaps source, route, version. ``total`` is all of
them. ``good`` is those that did not fail, and with ``latency.thresholdMs`` also ended in time;
``bad`` is the opposite of the same. Never reads another type of source yet.
"""

from typing import Final

from slo.model import AvailabilitySli, EdgeSelector, LatencySli, Sli
from slo.yamltree import Fields, Place

SOURCE_TYPE: Final = "meshscope"
_RATIO_FIELDS: Final = ("counter", "good", "bad", "total", "raw", "rawType")
_SOURCE_FIELDS: Final = ("metricSourceRef", "type", "spec")
_SPEC_FIELDS: Final = ("destination", "source", "route", "version", "latency")


def read_ratio_metric(place: Place) -> Sli | None:
    """Read a ratio metric; None when a complaint was noted."""
    fields = place.fields(_RATIO_FIELDS)
    if (counter := fields.get("counter")) is not None:
        counter.boolean()
    for name in ("raw", "rawType"):
        if (raw := fields.get(name)) is not None:
            raw.complain("raw ratios are not supported: an exact budget needs counts")
            return None
    part, total = _part(fields), fields.get("total")
    if total is None:
        place.complain("total is required")
    wanted = _selector(part) if part is not None else None
    all_ = _selector(total) if total is not None else None
    if part is None or total is None or wanted is None or all_ is None:
        return None
    if all_[1] is not None:
        total.complain("must not have a latency: the total is every request")
    elif wanted[0] != all_[0]:
        part.complain("must select the same requests as total: same destination, source, route...")
    return _sli(*wanted)


def _part(fields: Fields) -> Place | None:
    given = [place for name in ("good", "bad") if (place := fields.get(name)) is not None]
    if len(given) != 1:
        fields.place.complain("exactly one of good, bad is required")
        return None
    return given[0]


def _sli(edges: EdgeSelector, threshold_ms: float | None) -> Sli:
    return AvailabilitySli(edges) if threshold_ms is None else LatencySli(edges, threshold_ms)


def _selector(place: Place) -> tuple[EdgeSelector, float | None] | None:
    outer = place.fields(("metricSource",), required=("metricSource",)).get("metricSource")
    if outer is None:
        return None
    fields = outer.fields(_SOURCE_FIELDS)
    if (reference := fields.get("metricSourceRef")) is not None:
        reference.complain(f"data sources are not supported yet; write type: {SOURCE_TYPE}")
        return None
    kind, spec = fields.get("type"), fields.get("spec")
    if kind is None or spec is None:
        outer.complain("type and spec are required")
        return None
    if kind.text() != SOURCE_TYPE:
        kind.complain(f"must be {SOURCE_TYPE!r}, got {kind.shown!r}")
        return None
    return _edges(spec)


def _edges(spec: Place) -> tuple[EdgeSelector, float | None] | None:
    before = len(spec.problems)
    fields = spec.fields(_SPEC_FIELDS, required=("destination",))
    chosen = {name: _label(fields.get(name)) for name in _SPEC_FIELDS[:4]}
    threshold_ms = _threshold_ms(fields.get("latency"))
    if len(spec.problems) > before or chosen["destination"] is None:
        return None
    destination = chosen.pop("destination") or ""
    return EdgeSelector(destination, **chosen), threshold_ms


def _label(place: Place | None) -> str | None:
    if place is None:
        return None
    text = place.text()
    if not text:
        place.complain("must not be empty; leave it out to take every one")
    return text


def _threshold_ms(place: Place | None) -> float | None:
    if place is None:
        return None
    threshold = place.fields(("thresholdMs",), required=("thresholdMs",)).get("thresholdMs")
    value = threshold.number() if threshold is not None else None
    if threshold is None or value is None:
        return None
    if value <= 0:
        threshold.complain(f"must be above 0, got {threshold.shown}")
    return float(value)
