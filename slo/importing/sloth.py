"""Specs of Sloth: prometheus/v1 files and the PrometheusServiceLevel of Kubernetes.

Events become bad over total, counted exactly; a raw ratio is sampled every minute. Plugins are code
of Sloth's and are left out. https://sloth.dev/specs/default/ (prometheus/v1),
https://sloth.dev/usage/kubernetes/ (sloth.slok.dev/v1).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from slo.importing.specs import Import, name_of, texts
from slo.importing.windowed import FIXED, counted_query, fixed
from slo.openslo.alerting import TIERS
from slo.openslo.writing import metric_source, percent, slo_object
from slo.yamltree import Fields, Place

VERSION: Final = "prometheus/v1"
CRD: Final = "sloth.slok.dev/v1"
CRD_KIND: Final = "PrometheusServiceLevel"
_TOP: Final = ("version", "service", "labels", "slo_plugins", "sloPlugins", "slos")
_SLO: Final = ("name", "description", "objective", "labels", "sli", "plugins", "alerting",
               "slo_plugins", "sloPlugins")  # fmt: skip
_ALERTING: Final = ("name", "labels", "annotations", "page_alert", "pageAlert", "ticket_alert",
                    "ticketAlert")  # fmt: skip
_PAGES: Final = "page 2% 1h/5m; page 5% 6h/30m"
_TICKETS: Final = "ticket 10% 1d/2h; ticket 10% 3d/6h"
RUNBOOK: Final = "meshscope.dev/runbook-url"


def read_sloth(place: Place, found: Import) -> None:
    """Read a prometheus/v1 document."""
    _read(place, found)


def read_sloth_crd(place: Place, found: Import) -> None:
    """Read a PrometheusServiceLevel; its metadata is about rules, and not carried over."""
    fields = place.fields(("apiVersion", "kind", "metadata", "spec"), required=("spec",))
    if (spec := fields.get("spec")) is not None:
        _read(spec, found)


def _read(place: Place, found: Import) -> None:
    fields = place.fields(_TOP, required=("service", "slos"))
    service = name_of(fields.text("service"))
    labels = texts(fields.get("labels"))
    for name in ("slo_plugins", "sloPlugins"):
        if (plugins := fields.get(name)) is not None:
            found.note(plugins, "plugins are code of Sloth's")
    slos = fields.get("slos")
    before = len(found.objects)
    for item in slos.items() if slos is not None else ():
        _slo(item, service, labels, found)
    if len(found.objects) > before:
        found.add_service(service)
        said = "Sloth's time window is an option of its command line: read as 30d"
        found.note(slos or place, said)


def _slo(place: Place, service: str, labels: Mapping[str, str], found: Import) -> None:
    fields = place.fields(_SLO, required=("name", "objective", "sli"))
    for name in ("plugins", "slo_plugins", "sloPlugins"):
        if (plugins := fields.get(name)) is not None:
            found.note(plugins, "plugins are code of Sloth's")
    sli, told = fields.get("sli"), fields.get("objective")
    target = None if told is None else told.number()
    if sli is None or told is None or target is None:
        return
    if not 0 < target < 100:
        why = ": it leaves no error budget" if target == 100 else ""
        told.complain(f"must be a percent above 0 and below 100, got {told.shown}{why}")
        return
    metric = _indicator(sli, found)
    if metric is None:
        return
    one = slo_object(
        name_of(f"{service}-{fields.text('name')}"),
        service,
        metric,
        percent(Decimal(target) / 100),
        display_name=fields.text("name")[:63],
        description=fields.text("description"),
        labels={**labels, **texts(fields.get("labels"))},
        annotations=_alerting(fields.get("alerting"), found),
    )
    found.objects.append(one)


def _indicator(place: Place, found: Import) -> Mapping[str, Any] | None:
    fields = place.fields(("events", "raw", "plugin"))
    if (plugin := fields.get("plugin")) is not None:
        found.note(plugin, "an SLI plugin is code of Sloth's: the SLO is left out")
        return None
    if (events := fields.get("events")) is not None:
        return _events(events, found)
    if (raw := fields.get("raw")) is None:
        place.complain("one of events, raw, plugin is required")
        return None
    query = _either(raw, ("error_ratio_query", "errorRatioQuery"))
    if query is None:
        return None
    found.note(query, f"a ratio over {FIXED} is sampled every minute; events would be exact")
    metric = metric_source("prometheus", {"query": fixed(query.text())})
    return {"ratioMetric": {"rawType": "failure", "raw": metric}}


def _events(place: Place, found: Import) -> Mapping[str, Any] | None:
    known = ("error_query", "errorQuery", "total_query", "totalQuery")
    fields = place.fields(known)
    read = []
    for names in (known[:2], known[2:]):
        query = _one_of(fields, names)
        if query is None:
            return None
        counted = counted_query(query.text())
        if counted is None:
            found.note(
                query, "the window is used for more than rate or increase: the SLO is left out"
            )
            return None
        read.append((query, counted))
    is_counter = all(counted.is_counter for _, counted in read)
    if not is_counter:
        found.note(read[0][0], "a sum over time is sampled every minute")
    bad, total = (metric_source("prometheus", {"query": one.query}) for _, one in read)
    return {"ratioMetric": {"counter": is_counter, "bad": bad, "total": total}}


def _either(place: Place, names: tuple[str, ...]) -> Place | None:
    return _one_of(place.fields(names), names)


def _one_of(fields: Fields, names: tuple[str, ...]) -> Place | None:
    given = [place for name in names if (place := fields.get(name)) is not None]
    if len(given) != 1:
        fields.place.complain(f"exactly one of {', '.join(names)} is required")
        return None
    return given[0]


def _alerting(place: Place | None, found: Import) -> dict[str, str]:
    """Carry over which alerts are off, and the runbook; labels and names are ours."""
    if place is None:
        return {}
    fields = place.fields(_ALERTING)
    annotations = texts(fields.get("annotations"))
    runbook = annotations.pop("runbook_url", annotations.pop("runbook", ""))
    if annotations and (told := fields.get("annotations")) is not None:
        found.note(told, f"annotations of alerts: {', '.join(annotations)}")
    for name in ("name", "labels"):
        if (told := fields.get(name)) is not None:
            found.note(
                told, f"the {name} of alerts: ours are fixed; route by slo, service and team"
            )
    kept = [
        tiers
        for tiers, names in ((_PAGES, _ALERTING[3:5]), (_TICKETS, _ALERTING[5:]))
        if not _is_off(fields, names, found)
    ]
    carried = {RUNBOOK: runbook} if runbook else {}
    if not kept:
        found.note(place, "all alerts are disabled: they are generated; do not load them")
    elif len(kept) == 1:
        carried[TIERS] = kept[0]
    return carried


def _is_off(fields: Fields, names: tuple[str, ...], found: Import) -> bool:
    place = next((one for name in names if (one := fields.get(name)) is not None), None)
    if place is None:
        return False
    told = place.fields(("disable", "labels", "annotations", "for"))
    for name in ("labels", "annotations", "for"):
        if (extra := told.get(name)) is not None:
            found.note(extra, f"{name} of an alert")
    return (off := told.get("disable")) is not None and off.boolean()
