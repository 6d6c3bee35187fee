"""A file of another tool: which tool it is, its objectives, and notes on what is missing."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from slo.errors import OpenSloError, Problem
from slo.metadata import is_name
from slo.openslo.writing import Object, dump, service_object
from slo.yamltree import Place, documents

_NO_NAME: Final = re.compile(r"[^a-z0-9-]+")


class UnknownSpec(ValueError):
    """The file is of no tool that we know; the message says which those are."""


@dataclass(slots=True)
class Import:
    """What is made of a file: OpenSLO objects, and what could not be carried over."""

    objects: list[Object] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    def note(self, place: Place, message: str) -> None:
        """Tell what is missing, and where it stands in the file."""
        self.notes.append(Problem(place.file, place.line, place.path, message, "not-carried-over"))

    def add_service(self, name: str) -> None:
        """Declare a service, once."""
        one = service_object(name)
        if one not in self.objects:
            self.objects.append(one)

    def text(self, source: str) -> str:
        """Return the file of objectives; services first."""
        ordered = sorted(self.objects, key=lambda one: one["kind"] != "Service")
        return dump(ordered, header=f"Imported from {source}.")


Reader = Callable[[Place, Import], None]


def import_specs(text: str, file: str, readers: dict[str, tuple[str, Reader]]) -> Import:
    """Read all documents; raises OpenSloError for what is wrong, UnknownSpec for what is nobody's.

    ``readers`` are the readers of versions: by the value of apiVersion or version, the kind that
    it must be, and who reads it.
    """
    problems: list[Problem] = []
    found = Import()
    for place in documents(text, file, problems):
        version, kind = _version(place), _field(place, "kind")
        if version not in readers:
            known = ", ".join(readers)
            told = f"{file}:{place.line}: {version or 'no version'} is none of {known}"
            raise UnknownSpec(told)
        wanted, read = readers[version]
        if wanted and kind != wanted:
            raise UnknownSpec(f"{file}:{place.line}: kind must be {wanted}, got {kind or 'none'}")
        read(place, found)
    if problems:
        raise OpenSloError(tuple(problems))
    return found


def name_of(text: str) -> str:
    """Return a DNS label like a text."""
    if is_name(text):
        return text
    return _NO_NAME.sub("-", text.lower()).strip("-")[:63].rstrip("-") or "unnamed"


def texts(place: Place | None) -> dict[str, str]:
    """Read free keys with any values as texts; numbers as they are written."""
    return {key: value.shown for key, value in place.pairs()} if place is not None else {}


def _version(place: Place) -> str:
    return _field(place, "apiVersion") or _field(place, "version")


def _field(place: Place, name: str) -> str:
    if place.kind != "map":
        return ""
    return next((value.shown for key, value in place.pairs() if key == name), "")
