"""Alert policies, conditions and notification targets, and the alert windows of an objective.

OpenSLO knows one window per condition and one condition per policy. Several tiers are several
policies; the short window is an annotation of the condition, else a twelfth of the long one. Or the
SLO itself names a table, or tiers, in annotations: see docs/slo.md.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

from slo.burnrate import Severity, Tier
from slo.durations import parse_duration
from slo.metadata import Metadata, read_metadata
from slo.model import AlertCondition, AlertPolicy, NotificationTarget
from slo.openslo.reading import Declared, Reading, described, duration_s, flag
from slo.windows import load_tiers, profiles
from slo.yamltree import Fields, Place

PROFILE: Final = "meshscope.dev/alert-profile"
TIERS: Final = "meshscope.dev/alert-tiers"
SHORT_WINDOW: Final = "meshscope.dev/short-window"
PAGES: Final = ("page", "critical", "high", "sev1", "p1")
"""Severities that wake somebody; every other word is a ticket."""

_TIER: Final = re.compile(r"(page|ticket)\s+([0-9.]+)\s*([%x])\s+(\w+)\s*/\s*(\w+)")
_SHORT_PART: Final = 12
_BUCKET_S: Final = 10


@dataclass(slots=True)
class Alerting:
    """Reads what policies refer to, each once."""

    reading: Reading

    def policies(self) -> list[AlertPolicy]:
        """Return the policies of the files."""
        declared = self.reading.objects["AlertPolicy"].values()
        return [one for one in (self.policy(item) for item in declared) if one is not None]

    def targets(self) -> list[NotificationTarget]:
        """Return the notification targets of the files."""
        declared = self.reading.objects["AlertNotificationTarget"].values()
        return [_target(item.about, item.spec) for item in declared]

    def conditions(self) -> list[AlertCondition | None]:
        """Return the conditions of the files, to have them all looked at."""
        return [self.condition(item) for item in self.reading.objects["AlertCondition"].values()]

    def policy(self, one: Declared) -> AlertPolicy | None:
        """Read a policy, of a file or inline."""
        known = (
            "description",
            "alertWhenNoData",
            "alertWhenResolved",
            "alertWhenBreaching",
            "conditions",
            "notificationTargets",
        )
        fields = one.spec.fields(known, required=("conditions", "notificationTargets"))
        described(fields)
        conditions = self._each(fields.get("conditions"), "AlertCondition", "conditionRef", one)
        targets = self._each(
            fields.get("notificationTargets"), "AlertNotificationTarget", "targetRef", one
        )
        given = fields.get("conditions")
        if given is not None and len(conditions) != 1:
            given.complain(f"exactly one condition is allowed, got {len(conditions)}")
        if (place := fields.get("notificationTargets")) is not None and not targets:
            place.complain("at least one notification target is required")
        found = [item for item in map(self.condition, conditions) if item is not None]
        return AlertPolicy(
            name=one.about.name,
            conditions=tuple(found),
            targets=tuple(_target(item.about, item.spec) for item in targets),
            when_no_data=flag(fields, "alertWhenNoData"),
            when_resolved=flag(fields, "alertWhenResolved"),
            when_breaching=flag(fields, "alertWhenBreaching", default=True),
        )

    def condition(self, one: Declared) -> AlertCondition | None:
        """Read a condition, of a file or inline; None when it cannot be used."""
        fields = one.spec.fields(
            ("description", "severity", "condition"), required=("severity", "condition")
        )
        described(fields)
        place = fields.get("condition")
        if place is None:
            return None
        required = ("kind", "threshold", "lookbackWindow", *(("alertAfter",) if one.is_v2 else ()))
        told = place.fields(
            ("kind", "op", "threshold", "lookbackWindow", "alertAfter"), required=required
        )
        if (kind := told.get("kind")) is not None and kind.text() != "burnrate":
            kind.complain(f"must be 'burnrate', got {kind.shown!r}")
        factor = _factor(told)
        lookback, after = told.get("lookbackWindow"), told.get("alertAfter")
        long_s = None if lookback is None else duration_s(lookback, is_v2=one.is_v2)
        if after is not None and duration_s(after, is_v2=one.is_v2):
            self.reading.warn(
                after, "alert-after", "is not waited for: the short window says that it goes on"
            )
        if not self._fires_when_burning(told) or factor is None or not long_s:
            return None
        short_s = self._short_s(one.about, long_s)
        if short_s is None:
            return None
        severity: Severity = "page" if fields.text("severity").lower() in PAGES else "ticket"
        return AlertCondition(one.about.name, severity, factor, long_s, short_s)

    def tiers_of(
        self, about: Metadata, policies: Iterable[AlertPolicy], period_s: int
    ) -> tuple[Tier, ...] | None:
        """Return the alerts of an objective: of its policies or annotations; None: the default."""
        given = [about.places[key] for key in (PROFILE, TIERS) if key in about.places]
        conditions = [one for policy in policies for one in policy.conditions]
        if len(given) + bool(conditions) > 1:
            place = given[-1]
            place.complain(f"give alert policies, {PROFILE} or {TIERS}, and not two of them")
            return None
        if conditions:
            tiers = {condition.tier(period_s) for condition in conditions}
            return tuple(sorted(tiers, key=lambda tier: (tier.long_s, tier.severity)))
        if not given:
            return None
        return _profile(given[0]) if PROFILE in about.places else _tiers(given[0], period_s)

    def _each(
        self, place: Place | None, kind: str, reference: str, inside: Declared
    ) -> list[Declared]:
        """Return what a list names or holds."""
        found = []
        for item in place.items() if place is not None else ():
            one = self.named_or_inline(item, kind, reference, inside)
            if one is not None:
                found.append(one)
        return found

    def named_or_inline(
        self, item: Place, kind: str, reference: str, inside: Declared
    ) -> Declared | None:
        """Return the object that an item refers to, or is."""
        fields = item.fields((reference, "apiVersion", "kind", "metadata", "spec"))
        if (named := fields.get(reference)) is not None:
            for name in ("kind", "metadata", "spec"):
                if (extra := fields.get(name)) is not None:
                    extra.complain(f"must not be given beside {reference}")
            return self.reading.find(named, kind)
        if (told := fields.get("kind")) is not None and told.text() != kind:
            told.complain(f"must be {kind!r}, got {told.shown!r}")
        metadata, spec = fields.get("metadata"), fields.get("spec")
        if metadata is None or spec is None:
            item.complain(f"{reference}, or metadata and spec, is required")
            return None
        about = read_metadata(metadata, has_display_name=not inside.is_v2)
        return Declared(kind, inside.version, about, spec)

    def _fires_when_burning(self, told: Fields) -> bool:
        place = told.get("op")
        if place is None:
            return True
        if place.text() not in {"gt", "gte", "lt", "lte"}:
            place.complain(f"must be one of gt, gte, lt, lte, got {place.shown!r}")
            return False
        if place.shown in {"gt", "gte"}:
            return True
        self.reading.trap(
            place,
            "alert-when-healthy",
            f"{place.shown} alerts while the burn rate is low; write gt",
            f"{place.shown} alerts while the burn rate is low: read as gt",
        )
        return not self.reading.strict

    def _short_s(self, about: Metadata, long_s: int) -> int | None:
        place = about.places.get(SHORT_WINDOW)
        if place is None:
            return max(long_s // _SHORT_PART // _BUCKET_S * _BUCKET_S, _BUCKET_S)
        short_s = duration_s(place)
        if short_s is not None and not 0 < short_s < long_s:
            place.complain(f"must be shorter than the lookback window, got {place.shown}")
            return None
        return short_s


def _factor(told: Fields) -> Decimal | None:
    place = told.get("threshold")
    factor = None if place is None else place.number()
    if place is not None and factor is not None and factor <= 0:
        place.complain(f"must be above 0, got {place.shown}")
        return None
    return factor


def _target(about: Metadata, spec: Place) -> NotificationTarget:
    fields = spec.fields(("target", "description"), required=("target",))
    return NotificationTarget(about.name, fields.text("target"), described(fields))


def _profile(place: Place) -> tuple[Tier, ...] | None:
    if place.text() not in profiles():
        place.complain(f"must be one of {', '.join(profiles())}, got {place.shown!r}")
        return None
    return load_tiers(place.shown)


def _tiers(place: Place, period_s: int) -> tuple[Tier, ...] | None:
    """Read ``page 2% 1h/5m; ticket 3x 1d/2h``: a part of the budget or a burn rate, two windows."""
    found = []
    for part in place.text().split(";"):
        try:
            found.append(_tier(part.strip(), period_s))
        except (ValueError, InvalidOperation) as error:
            place.complain(f"{part.strip()!r}: {error}")
            return None
    return tuple(sorted(found, key=lambda tier: (tier.long_s, tier.severity)))


def _tier(text: str, period_s: int) -> Tier:
    match = _TIER.fullmatch(text)
    if match is None:
        raise ValueError("a tier is written as 'page 2% 1h/5m' or 'page 14.4x 1h/5m'")
    severity: Severity = "page" if match[1] == "page" else "ticket"
    number, long_s, short_s = Decimal(match[2]), parse_duration(match[4]), parse_duration(match[5])
    if not 0 < short_s < long_s or number <= 0:
        raise ValueError("the short window must be shorter than the long one, and all above 0")
    spent = number / 100 if match[3] == "%" else Fraction(number) * long_s / period_s
    return Tier(severity, long_s, short_s, spent)
