"""Contacts read from YAML: every mistake at once, with file, line and property.

Never opens a file, and never looks whether a secret's file is there: it is Alertmanager's machine
that has it.
"""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alerts.routing.contacts import (
    SEVERITIES,
    Contacts,
    Email,
    Hours,
    PagerDuty,
    Severity,
    Slack,
    Smtp,
    Team,
    Way,
    Ways,
    Webhook,
)
from slo.errors import Problem
from slo.yamltree import Fields, Place, documents

WEBHOOK_PATH: Final = "/api/v1/alertmanager/webhook"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_DAYS: Final = "(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_RANGE: Final = re.compile(rf"{_DAYS}(?::{_DAYS})?")
_TIME: Final = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d|24:00")


class BadContacts(ValueError):
    """The contacts cannot be used; ``problems`` has all mistakes."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def read_contacts(text: str, *, file: str) -> Contacts:
    """Return what one document says; raise BadContacts with all mistakes."""
    problems: list[Problem] = []
    found = documents(text, file, problems)
    contacts = Contacts()
    if len(found) > 1:
        found[1].complain("there must be one document")
    elif found:
        contacts = _contacts(found[0])
    if problems:
        raise BadContacts(tuple(problems))
    return contacts


def _contacts(place: Place) -> Contacts:
    fields = place.fields(("default", "teams", "incidents", "smtp", "ticketHours"))
    teams = fields.get("teams")
    default, incidents = fields.get("default"), fields.get("incidents")
    smtp, hours = fields.get("smtp"), fields.get("ticketHours")
    contacts = Contacts(
        default=Ways() if default is None else _ways(default.fields(SEVERITIES)),
        teams={} if teams is None else {_name(one): _team(one) for _, one in teams.pairs()},
        incidents=None if incidents is None else _incidents(incidents),
        smtp=None if smtp is None else _smtp(smtp),
        ticket_hours=None if hours is None else _hours(hours),
    )
    if contacts.smtp is None and _uses_mail(contacts):
        place.complain("smtp is required, because somebody is told by email")
    return contacts


def _team(place: Place) -> Team:
    fields = place.fields((*SEVERITIES, "regions"))
    regions = fields.get("regions")
    by_region = {} if regions is None else {
        _name(one): _ways(one.fields(SEVERITIES)) for _, one in regions.pairs()
    }  # fmt: skip
    return Team(_ways(fields), by_region)


def _ways(fields: Fields) -> Ways:
    found: dict[Severity, tuple[Way, ...]] = {}
    for severity in SEVERITIES:
        place = fields.get(severity)
        if place is not None:
            found[severity] = tuple(
                way for item in place.items() for way in _way(item) if way is not None
            )
    return Ways(found)


def _way(place: Place) -> list[Way | None]:
    """Read an item with one field, which names the integration."""
    fields = place.fields(tuple(_INTEGRATIONS))
    if len(fields.found) != 1 and all(name in _INTEGRATIONS for name in fields.found):
        place.complain(f"must name one of {', '.join(_INTEGRATIONS)}")
    return [_INTEGRATIONS[name](one) for name, one in fields.found.items() if name in _INTEGRATIONS]


def _webhook(place: Place) -> Webhook:
    fields = place.fields(("url", "tokenFile"), required=("url",))
    return Webhook(_url(fields), _path(fields, "tokenFile"))


def _incidents(place: Place) -> Webhook:
    fields = place.fields(("url", "tokenFile"), required=("url", "tokenFile"))
    url = _url(fields)
    return Webhook(f"{url.rstrip('/')}{WEBHOOK_PATH}", _path(fields, "tokenFile"))


def _slack(place: Place) -> Slack:
    fields = place.fields(("channel", "urlFile"), required=("channel", "urlFile"))
    return Slack(fields.text("channel"), _path(fields, "urlFile"))


def _pagerduty(place: Place) -> PagerDuty:
    fields = place.fields(("routingKeyFile",), required=("routingKeyFile",))
    return PagerDuty(_path(fields, "routingKeyFile"))


def _email(place: Place) -> Email:
    fields = place.fields(("to",), required=("to",))
    to = fields.text("to")
    if to and not all(re.fullmatch(r"[^@\s]+@[^@\s]+", one.strip()) for one in to.split(",")):
        fields.found["to"].complain(f"must be an address, or several with commas, got {to!r}")
    return Email(to)


_INTEGRATIONS: Final[dict[str, Callable[[Place], Way]]] = {
    "webhook": _webhook,
    "slack": _slack,
    "pagerduty": _pagerduty,
    "email": _email,
}


def _smtp(place: Place) -> Smtp:
    known = ("smarthost", "from", "username", "passwordFile")
    fields = place.fields(known, required=("smarthost", "from"))
    smarthost = fields.text("smarthost")
    if smarthost and not re.fullmatch(r"[^\s:]+:\d{1,5}", smarthost):
        fields.found["smarthost"].complain(f"must be host:port, got {smarthost!r}")
    if (fields.get("username") is None) != (fields.get("passwordFile") is None):
        place.complain("username and passwordFile come together")
    password_file = _path(fields, "passwordFile")
    return Smtp(smarthost, fields.text("from"), fields.text("username"), password_file)


def _hours(place: Place) -> Hours:
    known = ("timeZone", "days", "from", "to")
    fields = place.fields(known, required=known)
    zone, days = fields.text("timeZone"), fields.text("days")
    start, end = fields.text("from"), fields.text("to")
    if zone:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            fields.found["timeZone"].complain(f"no such time zone: {zone!r}")
    if days and not _RANGE.fullmatch(days):
        fields.found["days"].complain(f"must be as monday:friday, got {days!r}")
    for name, time in (("from", start), ("to", end)):
        if time and not _TIME.fullmatch(time):
            fields.found[name].complain(f'must be as "09:00", got {time!r}')
    if _TIME.fullmatch(start) and _TIME.fullmatch(end) and start >= end:
        fields.found["to"].complain("must be later than from")
    return Hours(zone, days, start, end)


def _name(place: Place) -> str:
    name = place.path.rpartition(".")[2]
    if not _NAME.fullmatch(name):
        place.complain("a name has letters, digits, '-', '_' and '.'")
    if name == "default":
        place.complain("is everybody who has no contacts: write it beside teams")
    return name


def _url(fields: Fields) -> str:
    url = fields.text("url")
    parts = urlsplit(url)
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
        fields.found["url"].complain(f"must be an http or https URL, got {url!r}")
    elif parts.password is not None:
        fields.found["url"].complain("must hold no password: name a tokenFile")
    return url


def _path(fields: Fields, name: str) -> str:
    path = fields.text(name)
    if path and not path.startswith("/"):
        fields.found[name].complain(
            f"must be an absolute path where Alertmanager runs, got {path!r}"
        )
    return path


def _uses_mail(contacts: Contacts) -> bool:
    ways = [contacts.default]
    for team in contacts.teams.values():
        ways += [team.ways, *team.regions.values()]
    return any(
        isinstance(way, Email)
        for one in ways
        for found in one.by_severity.values()
        for way in found
    )
