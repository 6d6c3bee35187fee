"""An SLO: its objectives over one time window, each an ``Slo`` of ours.

One objective bears the name of the SLO; several are called name.what-they-say or name.1, name.2. A
composite, whose objectives have indicators of their own, is an ``Slo`` as a whole, and so is each
of its objectives. Never resolves a metric source; ``indicators`` does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Final, get_args

from slo.burnrate import Tier
from slo.metadata import is_name, read_metadata
from slo.model import (
    MINUTE_S,
    AlertPolicy,
    Composite,
    LeafSli,
    Member,
    Method,
    Objective,
    Sli,
    Slices,
    Slo,
    TimeWindow,
    edges_of,
    parts_per_event,
)
from slo.openslo.alerting import Alerting
from slo.openslo.indicators import Indicator, Threshold, compared, read_indicator
from slo.openslo.reading import Declared, Reading, described, duration_s, either, ratio
from slo.openslo.timewindows import read_time_window
from slo.yamltree import Fields, Place

GROUP_BY: Final = "meshscope.dev/group-by"
GROUPS: Final = ("source", "route", "version")
_COMMON: Final = (
    "description",
    "service",
    "budgetingMethod",
    "timeWindow",
    "objectives",
    "alertPolicies",
)
_OBJECTIVE: Final = (
    "displayName",
    "op",
    "value",
    "target",
    "targetPercent",
    "timeSliceTarget",
    "timeSliceWindow",
    "compositeWeight",
)
_NO_SLUG: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class _Part:
    """One objective as it was read."""

    fields: Fields
    objective: Objective
    sli: LeafSli | Slices
    weight: Fraction


def read_slo(one: Declared, reading: Reading, alerting: Alerting) -> list[Slo]:
    """Read an SLO; nothing when it cannot be used, which was told."""
    inline, reference = ("sli", "sliRef") if one.is_v2 else ("indicator", "indicatorRef")
    services = ("service", "serviceRef") if one.is_v2 else ("service",)
    known = (*_COMMON, *services, inline, reference)
    needed = ("budgetingMethod", "timeWindow") if reading.strict else ()
    needed = (*needed, *(() if one.is_v2 else ("service",)), "objectives")
    fields = one.spec.fields(known, required=needed)
    window = read_time_window(fields, reading, is_v2=one.is_v2)
    method = _method(fields, reading)
    service = _service(fields, services, reading)
    policies = _policies(fields, one, alerting)
    items = place.items() if (place := fields.get("objectives")) is not None else []
    if place is not None and not items:
        place.complain("at least one objective is required")
    is_composite = _is_composite(items, fields, (inline, reference))
    shared = None if is_composite else _indicator(fields, (inline, reference), one, reading)
    parts = []
    for item in items:
        told = item.fields((*_OBJECTIVE, inline, reference, *(("labels",) if one.is_v2 else ())))
        own = _indicator(told, (inline, reference), one, reading) if is_composite else shared
        parts.append(_part(told, own, method, reading, is_v2=one.is_v2))
    if isinstance(shared, Threshold) and len(parts) > 1 and not one.is_v2:
        reading.warn(
            items[1], "several-thresholds", "v1 allows one objective of a threshold metric"
        )
    found = [part for part in parts if part is not None]
    if window is None or service is None or method is None or not found or len(found) < len(parts):
        return []
    base = Slo(
        name=one.about.name,
        service=service,
        sli=found[0].sli,
        objective=found[0].objective,
        window=window,
        display_name=one.about.display_name,
        description=described(fields),
        budgeting_method=method,
        labels=one.about.labels,
        annotations=one.about.annotations,
        tiers=_tiers(one, policies, window, alerting),
        group_by=_group_by(one, [part.sli for part in found]),
        notification_targets=tuple(
            dict.fromkeys(target.name for policy in policies for target in policy.targets)
        ),
    )
    return _slos(base, found, items, is_composite=is_composite)


def _slos(
    base: Slo, parts: Sequence[_Part], items: Sequence[Place], *, is_composite: bool
) -> list[Slo]:
    if len(parts) == 1 and not is_composite:
        return [base]
    names = _names(base.name, parts)
    each = [
        replace(
            base,
            name=name,
            sli=part.sli,
            objective=part.objective,
            display_name=_display(base, part),
            belongs_to=base.name,
            group_by=base.group_by if edges_of(part.sli) else (),
        )
        for name, part in zip(names, parts, strict=True)
    ]
    if not is_composite:
        return each
    whole = _composite(parts, items)
    return [] if whole is None else [replace(base, sli=whole[0], objective=whole[1]), *each]


def _composite(
    parts: Sequence[_Part], items: Sequence[Place]
) -> tuple[Composite, Objective] | None:
    """Put the objectives together. The target is the lowest: a journey is as its weakest step.

    Of events, a bad one counts as many times more as its own budget is smaller than the journey's,
    so that the burn rate is that of the members, weighted by their traffic and by their weight.
    """
    target = min(part.objective.target for part in parts)
    kinds = {_kind(part.sli) for part in parts}
    if len(kinds) > 1:
        items[0].complain("the objectives of a composite must be counted alike, in the same slices")
        return None
    members = tuple(Member(part.sli, _weight(part, target)) for part in parts)
    return Composite(members), Objective(target)


def _kind(sli: LeafSli | Slices) -> tuple[int, int, bool]:
    if isinstance(sli, Slices):
        return (0, sli.seconds, sli.target is None)
    return (parts_per_event(sli), 0, False)


def _weight(part: _Part, target: Decimal) -> Fraction:
    if isinstance(part.sli, Slices):
        return part.weight
    stricter = Fraction(1 - target) / Fraction(part.objective.error_budget_ratio)
    return part.weight * stricter


def _names(name: str, parts: Sequence[_Part]) -> list[str]:
    slugs = [_NO_SLUG.sub("-", part.objective.display_name.lower()).strip("-") for part in parts]
    if all(slugs) and len(set(slugs)) == len(slugs):
        return [f"{name}.{slug}" for slug in slugs]
    return [f"{name}.{number}" for number in range(1, len(parts) + 1)]


def _display(base: Slo, part: _Part) -> str:
    said = part.objective.display_name
    whole = base.display_name or base.name
    return f"{whole}: {said}" if said else f"{whole}: {part.objective.target * 100:f} %"


def _part(
    fields: Fields,
    indicator: Indicator | None,
    method: Method | None,
    reading: Reading,
    *,
    is_v2: bool,
) -> _Part | None:
    target = _target(fields)
    slices = _slices(fields, method, reading, is_v2=is_v2)
    weight = _composite_weight(fields)
    sli: LeafSli | None
    if isinstance(indicator, Threshold):
        how = compared(fields)
        sli = None if how is None else indicator.completed(*how)
    else:
        sli = indicator
        for name in ("op", "value"):
            if indicator is not None and (extra := fields.get(name)) is not None:
                reading.trap(
                    extra,
                    "op-on-ratio",
                    "must not be given for a ratio indicator; only thresholds have it",
                    f"{name} means nothing for a ratio indicator and is ignored",
                )
    if target is None or sli is None or slices is None:
        return None
    objective = Objective(target, fields.text("displayName"))
    if method == "Occurrences":
        return _Part(fields, objective, sli, weight)
    return _Part(fields, objective, Slices(sli, slices[0], slices[1]), weight)


def _slices(
    fields: Fields, method: Method | None, reading: Reading, *, is_v2: bool
) -> tuple[int, Decimal | None] | None:
    """Read how time is sliced: (0, None) where it is not."""
    window, target = fields.get("timeSliceWindow"), fields.get("timeSliceTarget")
    if method is None:
        return None
    if method == "Occurrences":
        for extra in (window, target):
            if extra is not None:
                extra.complain("belongs to Timeslices and RatioTimeslices")
        return 0, None
    if window is None:
        fields.place.complain(f"timeSliceWindow is required for {method}")
        return None
    seconds = _slice_s(window, reading, is_v2=is_v2)
    if method == "RatioTimeslices":
        if target is not None:
            target.complain("belongs to Timeslices: here each slice counts with its ratio")
        return None if seconds is None else (seconds, None)
    if target is None:
        fields.place.complain("timeSliceTarget is required for Timeslices")
        return None
    good = ratio(target, may_be_one=True)
    return None if seconds is None or good is None else (seconds, good)


def _slice_s(place: Place, reading: Reading, *, is_v2: bool) -> int | None:
    if place.kind != "int":
        seconds = duration_s(place, is_v2=is_v2)
    else:
        reading.trap(
            place,
            "bare-number-slice",
            f"must be a duration, such as {place.shown}m",
            f"a bare number is read as minutes: {place.shown}m",
        )
        number = place.number()
        seconds = None if reading.strict or number is None else int(number) * MINUTE_S
    if seconds is not None and (seconds <= 0 or seconds % MINUTE_S):
        place.complain(f"must be whole minutes, got {place.shown}")
        return None
    return seconds


def _composite_weight(fields: Fields) -> Fraction:
    place = fields.get("compositeWeight")
    number = None if place is None else place.number()
    if place is None or number is None:
        return Fraction(1)
    if number <= 0:
        place.complain(f"must be above 0, got {place.shown}")
        return Fraction(1)
    return Fraction(number)


def _target(fields: Fields) -> Decimal | None:
    place = either(fields, ("target", "targetPercent"))
    return None if place is None else ratio(place, is_percent=place.path.endswith("Percent"))


def _method(fields: Fields, reading: Reading) -> Method | None:
    place = fields.get("budgetingMethod")
    if place is None and reading.strict:
        return None  # told as a required field
    if place is None:
        said = "no budgeting method is given: read as Occurrences"
        reading.warn(fields.place, "no-budgeting-method", said)
        return "Occurrences"
    told = place.text()
    known = next((one for one in get_args(Method) if one == told), None)
    if known is None:
        place.complain(f"must be one of {', '.join(get_args(Method))}, got {place.shown!r}")
    return known


def _service(fields: Fields, names: Sequence[str], reading: Reading) -> str | None:
    place = fields.get(names[0]) if len(names) == 1 else either(fields, names)
    if place is None:
        return None  # told as a required field
    name = place.text()
    if not is_name(name):
        place.complain(f"must be a DNS label, got {name!r}")
    elif reading.objects["Service"]:
        reading.find(place, "Service")
    return name


def _policies(fields: Fields, one: Declared, alerting: Alerting) -> list[AlertPolicy]:
    place = fields.get("alertPolicies")
    declared = [
        alerting.named_or_inline(item, "AlertPolicy", "alertPolicyRef", one)
        for item in (place.items() if place is not None else ())
    ]
    read = [alerting.policy(item) for item in declared if item is not None]
    return [policy for policy in read if policy is not None]


def _tiers(
    one: Declared, policies: Sequence[AlertPolicy], window: TimeWindow, alerting: Alerting
) -> tuple[Tier, ...] | None:
    return alerting.tiers_of(one.about, policies, window.seconds)


def _is_composite(items: Sequence[Place], fields: Fields, names: tuple[str, str]) -> bool:
    """Tell whether objectives have indicators; the SLO must not have one beside them."""
    own = [key for item in items if item.kind == "map" for key, _ in item.pairs() if key in names]
    if own and any(fields.get(name) is not None for name in names):
        fields.place.complain(
            f"{' and '.join(names)} stand on the SLO or on each objective, not both"
        )
    return bool(own)


def _indicator(
    fields: Fields, names: tuple[str, str], one: Declared, reading: Reading
) -> Indicator | None:
    place = either(fields, names)
    if place is None:
        return None
    if place.path.endswith("Ref"):
        declared = reading.find(place, "SLI")
        return None if declared is None else read_indicator(declared, reading)
    parts = place.fields(("apiVersion", "kind", "metadata", "spec"), required=("metadata", "spec"))
    metadata, spec = parts.get("metadata"), parts.get("spec")
    if metadata is None or spec is None:
        return None
    about = read_metadata(metadata, has_display_name=not one.is_v2)
    return read_indicator(Declared("SLI", one.version, about, spec), reading)


def _group_by(one: Declared, slis: Sequence[Sli]) -> tuple[str, ...]:
    place = one.about.places.get(GROUP_BY)
    if place is None:
        return ()
    names = tuple(name.strip() for name in place.text().split(","))
    unknown = [name for name in names if name not in GROUPS]
    edges = [edges_of(sli) for sli in slis]
    if unknown or len(set(names)) < len(names):
        place.complain(f"must be some of {', '.join(GROUPS)}, got {place.shown!r}")
        return ()
    if not all(edges):
        place.complain("only indicators of the mesh can be grouped")
        return ()
    taken = [name for name in names if any(getattr(edge, name) is not None for edge in edges)]
    if taken:
        place.complain(f"{taken[0]} is one already: the indicator names it")
        return ()
    return names
