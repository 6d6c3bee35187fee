"""The nouns of a contacts file: who is told of pages and of tickets, by team and region.

Values only. Secrets are named by the files that hold them, as Alertmanager sees these, and are
never here. Integrations: https://prometheus.io/docs/alerting/latest/configuration/
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Severity = Literal["page", "ticket"]
SEVERITIES: Final[tuple[Severity, ...]] = ("page", "ticket")


@dataclass(frozen=True, slots=True)
class Webhook:
    """A URL that is posted to; ``token_file`` has a bearer token."""

    url: str
    token_file: str = ""


@dataclass(frozen=True, slots=True)
class Slack:
    """A channel, by an incoming webhook whose URL is in a file."""

    channel: str
    url_file: str


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """A service of PagerDuty, by the integration key in a file."""

    routing_key_file: str


@dataclass(frozen=True, slots=True)
class Email:
    """One address, or several with commas."""

    to: str


Way = Webhook | Slack | PagerDuty | Email


@dataclass(frozen=True, slots=True)
class Ways:
    """How somebody is told of each severity; one that is not there is told as elsewhere."""

    by_severity: Mapping[Severity, tuple[Way, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Team:
    """A team, and where it is told otherwise in some regions."""

    ways: Ways
    regions: Mapping[str, Ways] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Smtp:
    """The mail server; without a user name it is not asked for a password."""

    smarthost: str
    sender: str
    username: str = ""
    password_file: str = ""


@dataclass(frozen=True, slots=True)
class Hours:
    """When tickets are told: days and times of Alertmanager, in a time zone."""

    time_zone: str
    days: str
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Contacts:
    """Everything that a contacts file says. ``incidents``: the server that keeps all alerts."""

    default: Ways = Ways()
    teams: Mapping[str, Team] = field(default_factory=dict)
    incidents: Webhook | None = None
    smtp: Smtp | None = None
    ticket_hours: Hours | None = None
