"""Files of OpenSLO read together: first every object, then what they refer to, then the SLOs.

All complaints of all files come at once, as one OpenSloError with file, line and property path.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from slo.errors import OpenSloError
from slo.metadata import read_metadata
from slo.model import Catalog, DataSource, Service
from slo.openslo.alerting import Alerting
from slo.openslo.indicators import read_indicator
from slo.openslo.objectives import read_slo
from slo.openslo.reading import KINDS, VERSIONS, Declared, Reading, described
from slo.yamltree import Place, did_you_mean, documents

_OBJECT_FIELDS: Final = ("apiVersion", "kind", "metadata", "spec")


def load_openslo(paths: Iterable[Path], *, strict: bool = True) -> Catalog:
    """Read files together, so that one may refer to another; raise OpenSloError for all problems.

    Lenient reading takes the traps of OpenSLO's own examples, and warns of each by name.
    """
    return parse_openslo(
        [(str(path), path.read_text(encoding="utf-8")) for path in paths], strict=strict
    )


def parse_openslo(files: Iterable[tuple[str, str]], *, strict: bool = True) -> Catalog:
    """Read pairs of file name and text, as ``load_openslo`` does."""
    reading = Reading(strict=strict)
    for file, text in files:
        for place in documents(text, file, reading.problems):
            _declare(place, reading)
    catalog = _catalog(reading)
    if reading.problems:
        unique = dict.fromkeys(sorted(reading.problems, key=lambda p: (p.file, p.line)))
        raise OpenSloError(tuple(unique))
    return catalog


def _declare(place: Place, reading: Reading) -> None:
    fields = place.fields(_OBJECT_FIELDS, required=_OBJECT_FIELDS)
    if not fields.found:
        return
    told, kind, metadata, spec = (fields.get(name) for name in _OBJECT_FIELDS)
    version = next((one for one in VERSIONS if told is not None and told.text() == one), None)
    if told is not None and version is None:
        told.complain(f"must be {' or '.join(map(repr, VERSIONS))}, got {told.shown!r}")
        return
    if version is None or kind is None or metadata is None or spec is None:
        return
    if kind.text() not in KINDS:
        hint = did_you_mean(kind.shown, KINDS)
        kind.complain(f"must be one of {', '.join(KINDS)}, got {kind.shown!r}{hint}")
        return
    about = read_metadata(metadata, has_display_name=version == VERSIONS[0])
    reading.add(Declared(kind.shown, version, about, spec), metadata)


def _catalog(reading: Reading) -> Catalog:
    """Read all objects, also those that nobody refers to."""
    alerting = Alerting(reading)
    services = [_service(one) for one in reading.objects["Service"].values()]
    sources = [_data_source(one) for one in reading.objects["DataSource"].values()]
    alerting.conditions()
    targets, policies = alerting.targets(), alerting.policies()
    for one in reading.objects["SLI"].values():
        read_indicator(one, reading)
    slos = [
        slo for one in reading.objects["SLO"].values() for slo in read_slo(one, reading, alerting)
    ]
    return Catalog(
        services=tuple(services),
        slos=tuple(slos),
        data_sources=tuple(sources),
        alert_policies=tuple(policies),
        notification_targets=tuple(targets),
        warnings=tuple(dict.fromkeys(reading.warnings)),
    )


def _service(one: Declared) -> Service:
    fields = one.spec.fields(("description",))
    return Service(
        name=one.about.name,
        display_name=one.about.display_name,
        description=described(fields),
        labels=one.about.labels,
        annotations=one.about.annotations,
    )


def _data_source(one: Declared) -> DataSource:
    required = ("type", "connectionDetails")
    fields = one.spec.fields(("description", *required), required=required)
    described(fields)
    return DataSource(one.about.name, fields.text("type"))
