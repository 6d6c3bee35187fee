"""Specs of Pyrra: its ServiceLevelObjective of Kubernetes, which its file system mode reads too.

The alerts of Pyrra, 14x, 7x, 2x and 1x over parts of the time window, are carried over.
https://github.com/pyrra-dev/pyrra (pyrra.dev/v1alpha1)
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from slo.durations import format_duration, parse_duration
from slo.importing.specs import Import, name_of, texts
from slo.importing.windowed import FIXED
from slo.openslo.alerting import TIERS
from slo.openslo.writing import metric_source, percent, slo_object
from slo.yamltree import Fields, Place

VERSION: Final = "pyrra.dev/v1alpha1"
KIND: Final = "ServiceLevelObjective"
_TIERS: Final = (
    # severity, burn rate, the parts of the time window that are its long and its short window
    ("page", 14, 672, 8_064),
    ("page", 7, 112, 1_344),
    ("ticket", 2, 28, 336),
    ("ticket", 1, 7, 112),
)
_SERVICE: Final = "pyrra.dev/service"
_PREFIX: Final = "pyrra.dev/"
_SPEC: Final = ("target", "window", "description", "indicator", "alerting", "latency",
                "performanceOverAccuracy")  # fmt: skip
_DURATION_MS: Final = {"ms": 1, "s": 1000, "m": 60_000}


def read_pyrra(place: Place, found: Import) -> None:
    """Read one objective."""
    known = ("apiVersion", "kind", "metadata", "spec", "status")
    fields = place.fields(known, required=("metadata", "spec"))
    metadata, spec = fields.get("metadata"), fields.get("spec")
    if metadata is None or spec is None:
        return
    about = dict(metadata.pairs())
    told = spec.fields(_SPEC, required=("target", "window", "indicator"))
    name = name_of(about["name"].shown) if "name" in about else ""
    if not name:
        metadata.complain("name is required")
        return
    target, window = _target(told.get("target")), _window(told.get("window"))
    indicator = told.get("indicator")
    if target is None or window is None or indicator is None:
        return
    labels = texts(about.get("labels"))
    service = name_of(labels.get(_SERVICE, name))
    metric = _indicator(indicator, found)
    if metric is None:
        return
    carried = {
        key.removeprefix(_PREFIX): text for key, text in labels.items() if key.startswith(_PREFIX)
    }
    if "namespace" in about:
        carried["namespace"] = about["namespace"].shown
    is_compared = "thresholdMetric" in metric
    one = slo_object(
        name,
        service,
        metric,
        {**({"op": "gte", "value": 1} if is_compared else {}), **percent(target)},
        description=told.text("description"),
        window=format_duration(window),
        labels=carried,
        annotations={TIERS: _tiers(window)},
    )
    found.objects.append(one)
    found.add_service(service)
    _leave(told, found)


def _indicator(place: Place, found: Import) -> Mapping[str, Any] | None:
    fields = place.fields(("ratio", "latency", "latencyNative", "latency_native", "bool_gauge",
                           "boolGauge"))  # fmt: skip
    given = [one for name in fields.found if (one := fields.get(name)) is not None]
    if len(given) != 1:
        place.complain(
            "exactly one indicator is required: ratio, latency, latencyNative, bool_gauge"
        )
        return None
    one = given[0]
    told = one.fields(("errors", "success", "total", "grouping", "latency", "metric"))
    if (grouping := told.get("grouping")) is not None and grouping.items():
        found.note(grouping, "grouping: one objective for all groups")
    match one.path.rpartition(".")[2]:
        case "ratio":
            return _ratio(one, told, "errors", "bad")
        case "latency":
            return _ratio(one, told, "success", "good")
        case "bool_gauge" | "boolGauge":
            metric = told.text("metric")
            return {"thresholdMetric": metric_source("prometheus", {"query": metric})}
        case _:
            return _native(one, told, found)


def _ratio(place: Place, told: Fields, part: str, word: str) -> Mapping[str, Any] | None:
    some, all_ = (_metric(told.get(name)) for name in (part, "total"))
    if some is None or all_ is None:
        place.complain(f"{part}.metric and total.metric are required")
        return None
    read = (metric_source("prometheus", {"query": f"sum({metric})"}) for metric in (some, all_))
    return {"ratioMetric": {"counter": True, **dict(zip((word, "total"), read, strict=True))}}


def _native(place: Place, told: Fields, found: Import) -> Mapping[str, Any] | None:
    metric, limit = _metric(told.get("total")), told.get("latency")
    seconds = None if limit is None else _seconds(limit)
    if metric is None or seconds is None:
        place.complain("latency and total.metric are required")
        return None
    found.note(place, f"a native histogram is sampled every minute, as a rate over {FIXED}")
    rate = f"sum(rate({metric}[{FIXED}]))"
    total = f"histogram_count({rate})"
    good = f"histogram_fraction(0, {seconds}, {rate}) * {total}"
    read = {name: metric_source("prometheus", {"query": query})
            for name, query in (("good", good), ("total", total))}  # fmt: skip
    return {"ratioMetric": {"counter": False, **read}}


def _metric(place: Place | None) -> str | None:
    return None if place is None else place.fields(("metric",)).text("metric") or None


def _seconds(place: Place) -> str | None:
    text = place.shown
    unit = next((one for one in _DURATION_MS if text.endswith(one)), None)
    if unit is None or not text.removesuffix(unit).isdigit():
        place.complain(f"must be a duration as 200ms, got {text!r}")
        return None
    return f"{Decimal(int(text.removesuffix(unit)) * _DURATION_MS[unit]) / 1000:f}"


def _target(place: Place | None) -> Decimal | None:
    if place is None:
        return None
    try:
        target = Decimal(place.shown)
    except InvalidOperation:
        target = Decimal(0)
    if not 0 < target < 100:
        place.complain(f"must be a percent above 0 and below 100, got {place.shown!r}")
        return None
    return target / 100


def _window(place: Place | None) -> int | None:
    if place is None:
        return None
    try:
        return parse_duration(place.shown)
    except ValueError as error:
        place.complain(str(error))
        return None


def _tiers(window_s: int) -> str:
    """Return Pyrra's alerts, whose windows are whole minutes."""
    told = []
    for severity, factor, long_part, short_part in _TIERS:
        long_s, short_s = (
            max(round(window_s / part / 60), 1) * 60 for part in (long_part, short_part)
        )
        if short_s < long_s:
            windows = f"{format_duration(long_s)}/{format_duration(short_s)}"
            told.append(f"{severity} {factor}x {windows}")
    return "; ".join(told)


def _leave(told: Fields, found: Import) -> None:
    if (place := told.get("alerting")) is not None:
        for name, value in place.pairs():
            if name != "absent":
                found.note(value, f"alerting.{name}: alerts are generated by our rules")
    if (place := told.get("latency")) is not None:
        found.note(place, "spec.latency is a field of old: the bound is that of the metric's le")
    if (place := told.get("performanceOverAccuracy")) is not None and place.boolean():
        found.note(place, "nothing is traded for accuracy")
