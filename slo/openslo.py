"""OpenSLO v1 files to objectives: the kinds Service, SLI and SLO, with indicators on the mesh.

Never guesses: unknown fields are refused by name, and all complaints of all files come at once, as
one OpenSloError with file, line and property path. Not read yet, and refused with a clear word:
other kinds and data sources, threshold metrics, calendar windows, the Timeslices methods.
Spec: https://github.com/OpenSLO/OpenSLO (v1).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final

from slo.durations import parse_duration
from slo.errors import OpenSloError, Problem
from slo.meshmetric import read_ratio_metric
from slo.metadata import Metadata, is_name, read_metadata
from slo.model import Catalog, Objective, Service, Sli, Slo, TimeWindow
from slo.yamltree import Fields, Place, did_you_mean, documents

API_VERSION: Final = "openslo/v1"
KINDS: Final = ("Service", "SLI", "SLO")
UNSUPPORTED_KINDS: Final = (
    "DataSource",
    "AlertPolicy",
    "AlertCondition",
    "AlertNotificationTarget",
)
_OBJECT_FIELDS: Final = ("apiVersion", "kind", "metadata", "spec")
_SLO_FIELDS: Final = (
    "description",
    "service",
    "indicator",
    "indicatorRef",
    "budgetingMethod",
    "timeWindow",
    "objectives",
    "alertPolicies",
)
_OBJECTIVE_FIELDS: Final = (
    "displayName",
    "op",
    "value",
    "target",
    "targetPercent",
    "timeSliceTarget",
    "timeSliceWindow",
    "indicator",
    "indicatorRef",
    "compositeWeight",
)
_UNSUPPORTED_OBJECTIVE_FIELDS: Final = _OBJECTIVE_FIELDS[5:]
_PERCENT: Final = 100


def load_openslo(paths: Iterable[Path], *, strict: bool = True) -> Catalog:
    """Read files together, so that one may refer to another; raise OpenSloError for all problems.

    Lenient reading ignores ``op`` and ``value`` on ratio indicators, which OpenSLO's own examples
    carry and its SDK forbids.
    """
    return parse_openslo(
        [(str(path), path.read_text(encoding="utf-8")) for path in paths], strict=strict
    )


def parse_openslo(files: Iterable[tuple[str, str]], *, strict: bool = True) -> Catalog:
    """Read pairs of file name and text, as ``load_openslo`` does."""
    reading = _Reading(strict=strict)
    for file, text in files:
        for place in documents(text, file, reading.problems):
            _read_object(place, reading)
    slos = [slo for pending in reading.pending if (slo := _resolve(pending, reading)) is not None]
    if reading.problems:
        raise OpenSloError(tuple(sorted(reading.problems, key=lambda p: (p.file, p.line))))
    return Catalog(tuple(reading.services.values()), tuple(slos))


@dataclass(slots=True)
class _Pending:
    """An SLO whose references wait for the end of the files."""

    metadata: Metadata
    fields: Fields
    sli: Sli | None
    objective: Objective | None
    window: TimeWindow | None


@dataclass(slots=True)
class _Reading:
    strict: bool
    problems: list[Problem] = field(default_factory=list)
    seen: dict[tuple[str, str], Place] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    slis: dict[str, Sli | None] = field(default_factory=dict)
    pending: list[_Pending] = field(default_factory=list)


def _read_object(place: Place, reading: _Reading) -> None:
    fields = place.fields(_OBJECT_FIELDS, required=_OBJECT_FIELDS)
    if not fields.found:
        return
    version = fields.get("apiVersion")
    if version is not None and version.text() != API_VERSION:
        version.complain(f"must be {API_VERSION!r}, got {version.shown!r}")
        return
    kind, metadata, spec = (fields.get(name) for name in ("kind", "metadata", "spec"))
    if kind is None or metadata is None or spec is None:
        return
    if kind.text() not in KINDS:
        kind.complain(_kind_complaint(kind.shown))
        return
    about = read_metadata(metadata)
    _refuse_double(kind, metadata, about.name, reading)
    if kind.shown == "Service":
        reading.services[about.name] = _service(about, spec)
    elif kind.shown == "SLI":
        reading.slis[about.name] = _sli(spec)
    else:
        reading.pending.append(_read_slo(about, spec, reading))


def _kind_complaint(kind: str) -> str:
    known = ", ".join(KINDS)
    if kind in UNSUPPORTED_KINDS:
        return f"{kind} is not supported yet; supported: {known}"
    return f"must be one of {known}, got {kind!r}{did_you_mean(kind, KINDS)}"


def _refuse_double(kind: Place, metadata: Place, name: str, reading: _Reading) -> None:
    first = reading.seen.setdefault((kind.shown, name), metadata)
    if first is not metadata and name:
        metadata.complain(
            f"a second {kind.shown} named {name!r}; the first is at {first.file}:{first.line}"
        )


def _service(about: Metadata, spec: Place) -> Service:
    fields = spec.fields(("description",))
    return Service(
        name=about.name,
        display_name=about.display_name,
        description=_description(fields),
        labels=about.labels,
        annotations=about.annotations,
    )


def _sli(spec: Place) -> Sli | None:
    fields = spec.fields(("description", "thresholdMetric", "ratioMetric"))
    _description(fields)
    threshold, ratio = fields.get("thresholdMetric"), fields.get("ratioMetric")
    if threshold is not None:
        threshold.complain("threshold metrics are not supported yet; write a ratioMetric")
    elif ratio is None:
        spec.complain("ratioMetric is required")
    return None if ratio is None else read_ratio_metric(ratio)


def _read_slo(about: Metadata, spec: Place, reading: _Reading) -> _Pending:
    required = ("service", "budgetingMethod", "timeWindow", "objectives")
    fields = spec.fields(_SLO_FIELDS, required=required)
    _description(fields)
    method = fields.get("budgetingMethod")
    if method is not None and method.text() != "Occurrences":
        method.complain(f"must be 'Occurrences' (the others come later), got {method.shown!r}")
    policies = fields.get("alertPolicies")
    if policies is not None and policies.items():
        policies.complain("not supported yet; alerts are generated from burn rates")
    return _Pending(
        metadata=about,
        fields=fields,
        sli=_inline_indicator(fields),
        objective=_objective(fields.get("objectives"), strict=reading.strict),
        window=_time_window(fields.get("timeWindow")),
    )


def _inline_indicator(fields: Fields) -> Sli | None:
    inline, reference = fields.get("indicator"), fields.get("indicatorRef")
    if (inline is None) == (reference is None):
        fields.place.complain("exactly one of indicator, indicatorRef is required")
    if inline is None:
        return None
    parts = inline.fields(("metadata", "spec"), required=("metadata", "spec"))
    metadata, spec = parts.get("metadata"), parts.get("spec")
    if metadata is not None:
        read_metadata(metadata)
    return None if spec is None else _sli(spec)


def _objective(place: Place | None, *, strict: bool) -> Objective | None:
    items = place.items() if place is not None else []
    if place is not None and len(items) != 1:
        place.complain(f"exactly one objective per SLO is supported, got {len(items)}")
    if not items:
        return None
    fields = items[0].fields(_OBJECTIVE_FIELDS)
    for name in _UNSUPPORTED_OBJECTIVE_FIELDS:
        if (found := fields.get(name)) is not None:
            found.complain("belongs to Timeslices and composite SLOs, which come later")
    for name in ("op", "value"):
        if strict and (found := fields.get(name)) is not None:
            found.complain("must not be given for a ratio indicator; only thresholds have it")
    target = _target(fields)
    return None if target is None else Objective(target, fields.text("displayName"))


def _target(fields: Fields) -> Decimal | None:
    given = [place for name in ("target", "targetPercent") if (place := fields.get(name))]
    if len(given) != 1:
        fields.place.complain("exactly one of target, targetPercent is required")
        return None
    place, value = given[0], given[0].number()
    limit = 1 if place.path.endswith(".target") else _PERCENT
    if value is None:
        return None
    if not 0 <= value < limit:
        why = ": a target of 100 % leaves no error budget to spend" if value == limit else ""
        place.complain(f"must be in [0, {limit}), got {place.shown}{why}")
        return None
    return value / limit


def _time_window(place: Place | None) -> TimeWindow | None:
    items = place.items() if place is not None else []
    if place is not None and len(items) != 1:
        place.complain(f"exactly one time window is required, got {len(items)}")
    if not items:
        return None
    fields = items[0].fields(("duration", "isRolling", "calendar"), required=("duration",))
    rolling = fields.get("isRolling")
    if fields.get("calendar") is not None or rolling is None or not rolling.boolean():
        items[0].complain("only rolling windows are supported yet: set isRolling: true")
    duration = fields.get("duration")
    if duration is None or not (text := duration.text()):
        return None
    try:
        return TimeWindow(parse_duration(text))
    except ValueError as error:
        duration.complain(str(error))
        return None


def _resolve(pending: _Pending, reading: _Reading) -> Slo | None:
    service = pending.fields.text("service")
    if (place := pending.fields.get("service")) is not None:
        if not is_name(service):
            place.complain(f"must be a DNS label, got {service!r}")
        elif reading.services:
            _check_reference(place, "Service", reading.services)
    sli = pending.sli
    if (place := pending.fields.get("indicatorRef")) is not None:
        _check_reference(place, "SLI", reading.slis)
        sli = reading.slis.get(place.shown)
    if sli is None or pending.objective is None or pending.window is None:
        return None
    return Slo(
        name=pending.metadata.name,
        service=service,
        sli=sli,
        objective=pending.objective,
        window=pending.window,
        display_name=pending.metadata.display_name,
        description=pending.fields.text("description"),
        labels=pending.metadata.labels,
        annotations=pending.metadata.annotations,
    )


def _check_reference(place: Place, kind: str, known: Iterable[str]) -> None:
    names = list(known)
    if place.text() not in names:
        hint = did_you_mean(place.shown, names)
        place.complain(f"no {kind} is named {place.shown!r} in these files{hint}")


def _description(fields: Fields, limit: int = 1050) -> str:
    text = fields.text("description")
    if len(text) > limit:
        fields.found["description"].complain(f"must be at most {limit} characters, got {len(text)}")
    return text
