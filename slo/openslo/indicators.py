"""Indicators: ratio and threshold metrics of a metric source, to what we can count.

Two types of source are counted: ``meshscope`` (``slo.meshmetric``) and ``prometheus``
(``slo.querymetric``), whose PromQL our own engine answers. Of the words of v1 and v2alpha only the
way to the source differs.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, get_args

from slo.meshmetric import mesh_ratio, mesh_threshold
from slo.model import LeafSli, Op, QuerySli, RawSli, ThresholdSli
from slo.openslo.reading import Declared, Reading, described, either
from slo.querymetric import counter_query, query_of
from slo.yamltree import Fields, Place

MESH: Final = "meshscope"
PROMETHEUS: Final = "prometheus"
_RATIO_FIELDS: Final = ("counter", "good", "bad", "total", "raw", "rawType")


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric source: its type, and the spec that the type understands."""

    type: str
    spec: Place
    place: Place


@dataclass(frozen=True, slots=True)
class Threshold:
    """An indicator that an objective's op and value complete."""

    query: str
    is_freshness: bool = False

    def completed(self, op: Op, value: Decimal) -> ThresholdSli:
        """Return the indicator of one objective."""
        return ThresholdSli(self.query, op, value, self.is_freshness)


Indicator = LeafSli | Threshold


def read_indicator(one: Declared, reading: Reading) -> Indicator | None:
    """Read the spec of an SLI; None when it cannot be counted, which was told."""
    fields = one.spec.fields(("description", "thresholdMetric", "ratioMetric"))
    described(fields)
    place = either(fields, ("thresholdMetric", "ratioMetric"))
    if place is None:
        return None
    if place.path.endswith(".thresholdMetric"):
        return _threshold(place, one, reading)
    return _ratio(place, one, reading)


def _threshold(place: Place, one: Declared, reading: Reading) -> Indicator | None:
    metric = _metric(place, one, reading)
    if metric is None:
        return None
    if metric.type == MESH:
        found = mesh_threshold(metric.spec)
        return None if found is None else Threshold(found.query, found.is_freshness)
    query = query_of(metric.spec)
    return None if query is None else Threshold(query)


def _ratio(place: Place, one: Declared, reading: Reading) -> Indicator | None:
    fields = place.fields(_RATIO_FIELDS)
    counter = fields.get("counter")
    is_counter = counter is None or counter.boolean()
    if fields.get("raw") is not None or fields.get("rawType") is not None:
        return _raw(fields, one, reading)
    part, total = either(fields, ("good", "bad")), fields.get("total")
    if total is None:
        place.complain("total is required")
    wanted = None if part is None else _metric(part, one, reading)
    all_ = None if total is None else _metric(total, one, reading)
    if part is None or total is None or wanted is None or all_ is None:
        return None
    if wanted.type != all_.type:
        part.complain(f"must be of the type of total, {all_.type!r}, got {wanted.type!r}")
        return None
    is_bad = part.path.endswith(".bad")
    if wanted.type == MESH:
        return mesh_ratio(part, wanted.spec, total, all_.spec, is_bad=is_bad)
    read = counter_query if is_counter else query_of
    queries = [read(metric.spec) for metric in (wanted, all_)]
    if queries[0] is None or queries[1] is None:
        return None
    return QuerySli(queries[0], queries[1], is_bad=is_bad, is_counter=is_counter)


def _raw(fields: Fields, one: Declared, reading: Reading) -> Indicator | None:
    raw, told = fields.get("raw"), fields.get("rawType")
    for name in ("good", "bad", "total"):
        if (extra := fields.get(name)) is not None:
            extra.complain("must not be given beside raw")
    if raw is None or told is None:
        fields.place.complain("raw and rawType are required together")
        return None
    if told.text() not in {"success", "failure"}:
        told.complain(f"must be success or failure, got {told.shown!r}")
    metric = _metric(raw, one, reading)
    if metric is None:
        return None
    if metric.type == MESH:
        raw.complain("the mesh is counted: write good or bad, and total")
        return None
    query = query_of(metric.spec)
    return None if query is None else RawSli(query, is_failure=told.shown == "failure")


def _metric(place: Place, one: Declared, reading: Reading) -> Metric | None:
    """Find the type and the spec of a metric; None when it cannot be counted."""
    if one.is_v2:
        return _metric_v2(place, reading)
    outer = place.fields(("metricSource",), required=("metricSource",)).get("metricSource")
    if outer is None:
        return None
    fields = outer.fields(("metricSourceRef", "type", "spec"), required=("spec",))
    reference, told = fields.get("metricSourceRef"), fields.get("type")
    if reference is None and told is None:
        outer.complain("metricSourceRef or type is required")
        return None
    source = None if reference is None else reading.find(reference, "DataSource")
    if reference is not None and source is None and (reading.strict or told is None):
        return None
    named = told.text() if told is not None else _type(source)
    return _counted(named, told or reference or outer, fields.get("spec"), reading)


def _metric_v2(place: Place, reading: Reading) -> Metric | None:
    fields = place.fields(("dataSourceRef", "dataSourceSpec", "spec"), required=("spec",))
    given = either(fields, ("dataSourceRef", "dataSourceSpec"))
    if given is None:
        return None
    if given.path.endswith("Ref"):
        source = reading.find(given, "DataSource")
        return (
            None if source is None else _counted(_type(source), given, fields.get("spec"), reading)
        )
    told = given.fields(("description", "type", "connectionDetails"), required=("type",))
    return _counted(told.text("type"), given, fields.get("spec"), reading)


def _type(source: Declared | None) -> str:
    if source is None:
        return ""
    fields = source.spec.fields(("description", "type", "connectionDetails"))
    return fields.text("type")


def _counted(named: str, place: Place, spec: Place | None, reading: Reading) -> Metric | None:
    type_ = named.lower()
    if spec is None:
        return None
    if type_ not in {MESH, PROMETHEUS}:
        reading.trap(
            place,
            "source-not-counted",
            f"a source of type {named!r} cannot be counted here; {MESH} and {PROMETHEUS} can",
            f"a source of type {named!r} cannot be counted here: the SLO is left out",
        )
        return None
    return Metric(type_, spec, place)


def compared(fields: Fields) -> tuple[Op, Decimal] | None:
    """Read how an objective compares a threshold metric."""
    op, value = fields.get("op"), fields.get("value")
    if op is None or value is None:
        fields.place.complain("op and value are required for a threshold metric")
        return None
    number, told = value.number(), op.text()
    known = next((one for one in get_args(Op) if one == told), None)
    if known is None:
        op.complain(f"must be one of {', '.join(get_args(Op))}, got {op.shown!r}")
        return None
    return None if number is None else (known, number)
