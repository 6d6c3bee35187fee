"""The metadata block of every OpenSLO object: name, display name, labels, annotations.

Never knows what the object is about. Rules: OpenSLO v1, "General Schema".
"""

import re
from dataclasses import dataclass, field
from typing import Final

from slo.yamltree import Place

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_KEY: Final = re.compile(r"[a-zA-Z0-9]([-._a-zA-Z0-9]{0,61}[a-zA-Z0-9])?")
_PREFIX: Final = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")
_FIELDS: Final = ("name", "displayName", "labels", "annotations")
_DISPLAY_NAME_MAX: Final = 63


@dataclass(frozen=True, slots=True)
class Metadata:
    """Who the object is. Labels with several values are joined with commas."""

    name: str
    display_name: str
    labels: dict[str, str]
    annotations: dict[str, str]
    line: int = 1
    places: dict[str, Place] = field(default_factory=dict)
    """Where each annotation stands, for those who read one."""


def read_metadata(place: Place, *, has_display_name: bool = True) -> Metadata:
    """Read the block; complaints are noted at their place. v2alpha has no display name."""
    known = (
        _FIELDS if has_display_name else tuple(name for name in _FIELDS if name != "displayName")
    )
    fields = place.fields(known, required=("name",))
    name = fields.get("name")
    if name is not None and not is_name(name.text()):
        name.complain(
            "must be a DNS label (lower case, digits and -, at most 63 characters), "
            f"got {name.shown!r}"
        )
    display = fields.text("displayName")
    if len(display) > _DISPLAY_NAME_MAX:
        fields.found["displayName"].complain(
            f"must be at most {_DISPLAY_NAME_MAX} characters, got {len(display)}"
        )
    annotations = _annotations(fields.get("annotations"))
    return Metadata(
        name=fields.text("name"),
        display_name=display,
        labels=_labels(fields.get("labels")),
        annotations={key: value.text() for key, value in annotations.items()},
        line=place.line,
        places=annotations,
    )


def is_name(text: str) -> bool:
    """Tell whether a text is a DNS label of RFC 1123, as every name and reference must be."""
    return _NAME.fullmatch(text) is not None


def _labels(place: Place | None) -> dict[str, str]:
    labels = {}
    for key, value in place.pairs() if place is not None else ():
        if _KEY.fullmatch(key) is None:
            value.complain("a label key must be letters, digits and . _ - inside, at most 63")
        several = value.kind == "seq"
        labels[key] = ",".join(i.text() for i in value.items()) if several else value.text()
    return labels


def _annotations(place: Place | None) -> dict[str, Place]:
    annotations = {}
    for key, value in place.pairs() if place is not None else ():
        prefix, slash, name = key.rpartition("/")
        if _KEY.fullmatch(name) is None or (slash and _PREFIX.fullmatch(prefix) is None):
            value.complain("an annotation key must be [dns.prefix/]name, the name at most 63")
        annotations[key] = value
    return annotations
