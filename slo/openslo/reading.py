"""What is known while files are read: the objects by name, complaints, warnings, the version.

Never decides what an object means; ``files`` and the modules beside it do.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from slo.durations import parse_duration
from slo.errors import Problem
from slo.metadata import Metadata
from slo.yamltree import Fields, Place, did_you_mean

Version = Literal["openslo/v1", "openslo.com/v2alpha"]
V1: Final = "openslo/v1"
V2: Final = "openslo.com/v2alpha"
VERSIONS: Final[tuple[Version, ...]] = (V1, V2)
KINDS: Final = (
    "Service",
    "DataSource",
    "SLI",
    "SLO",
    "AlertPolicy",
    "AlertCondition",
    "AlertNotificationTarget",
)
_V2_UNITS: Final = "mhdw"
_DESCRIPTION_MAX: Final = 1050


@dataclass(frozen=True, slots=True)
class Declared:
    """An object of a file: who it is, and what is to be read of it."""

    kind: str
    version: Version
    about: Metadata
    spec: Place

    @property
    def is_v2(self) -> bool:
        """True when the newer words are used."""
        return self.version == V2


@dataclass(slots=True)
class Reading:
    """All files together."""

    strict: bool
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    objects: dict[str, dict[str, Declared]] = field(
        default_factory=lambda: {kind: {} for kind in KINDS}
    )

    def add(self, one: Declared, place: Place) -> None:
        """Take an object in; a second one of its kind and name is a mistake."""
        known = self.objects[one.kind]
        first = known.setdefault(one.about.name, one)
        if first is not one and one.about.name:
            at = first.spec
            place.complain(
                f"a second {one.kind} named {one.about.name!r}; the first is at "
                f"{at.file}:{first.about.line}"
            )

    def find(self, place: Place, kind: str) -> Declared | None:
        """Return the object that is referred to; one that is not there is a mistake.

        Leniently, it may be in files that were not given: what needs it goes without it.
        """
        known = self.objects[kind]
        if place.text() not in known:
            hint = did_you_mean(place.shown, known)
            told = f"no {kind} is named {place.shown!r} in these files{hint}"
            self.trap(place, "not-in-these-files", told, f"{told}: done without it")
        return known.get(place.shown)

    def trap(self, place: Place, lint: str, refused: str, read_as: str) -> None:
        """Refuse what is a trap when strict, else warn of how it is read."""
        if self.strict:
            place.complain(refused)
        else:
            self.warn(place, lint, read_as)

    def warn(self, place: Place, lint: str, message: str) -> None:
        """Tell of something odd that is read nevertheless."""
        self.warnings.append(Problem(place.file, place.line, place.path, message, lint))


def described(fields: Fields) -> str:
    """Read a description."""
    text = fields.text("description")
    if len(text) > _DESCRIPTION_MAX:
        fields.found["description"].complain(
            f"must be at most {_DESCRIPTION_MAX} characters, got {len(text)}"
        )
    return text


def flag(fields: Fields, name: str, *, default: bool = False) -> bool:
    """Read true or false."""
    place = fields.get(name)
    return default if place is None else place.boolean()


def either(fields: Fields, names: Iterable[str], *, needed: bool = True) -> Place | None:
    """Return the one of several fields that is given; several or none of them are a mistake."""
    told = list(names)
    given = [place for name in told if (place := fields.get(name)) is not None]
    if len(given) > 1 or (needed and not given):
        fields.place.complain(f"exactly one of {', '.join(told)} is required")
        return None
    return given[0] if given else None


def duration_s(place: Place, *, is_v2: bool = False) -> int | None:
    """Read a duration in seconds; above 0."""
    if not (text := place.text()):
        return None
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        place.complain(str(error))
        return None
    if is_v2 and text[-1] not in _V2_UNITS:
        place.complain(f"must be in one of {' '.join(_V2_UNITS)} in v2alpha, got {text!r}")
        return None
    return seconds


def ratio(place: Place, *, is_percent: bool = False, may_be_one: bool = False) -> Decimal | None:
    """Read a target in [0, 1), or in percent; 1 only where it leaves a budget somewhere else."""
    value, limit = place.number(), 100 if is_percent else 1
    if value is None:
        return None
    if may_be_one and 0 < value <= limit:
        return value / limit
    if may_be_one or not 0 <= value < limit:
        why = ": a target of 100 % leaves no error budget to spend" if value == limit else ""
        shown = f"(0, {limit}]" if may_be_one else f"[0, {limit})"
        place.complain(f"must be in {shown}, got {place.shown}{why}")
        return None
    return value / limit
