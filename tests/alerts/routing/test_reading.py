"""Contacts: what a file says, and every mistake in it with its line."""

import pytest

from alerts.routing.contacts import (
    Contacts,
    Email,
    Hours,
    PagerDuty,
    Slack,
    Smtp,
    Team,
    Ways,
    Webhook,
)
from alerts.routing.reading import BadContacts, read_contacts

WHOLE = """
default:
  page: [{pagerduty: {routingKeyFile: /s/pd}}]
  ticket: [{slack: {channel: "#mesh", urlFile: /s/slack}}]
teams:
  orders:
    page:
      - pagerduty: {routingKeyFile: /s/orders}
      - webhook: {url: "https://hooks.example/a", tokenFile: /s/hook}
    regions:
      eu: {ticket: [{email: {to: "eu@example.com, lead@example.com"}}]}
incidents: {url: "http://meshscope:8428/", tokenFile: /s/meshscope}
smtp: {smarthost: "mail:587", from: mesh@example.com, username: mesh, passwordFile: /s/mail}
ticketHours: {timeZone: Europe/Prague, days: monday:friday, from: "09:00", to: "17:00"}
"""


def test_a_whole_file_is_read():
    assert read_contacts(WHOLE, file="c.yaml") == Contacts(
        default=Ways(
            {"page": (PagerDuty("/s/pd"),), "ticket": (Slack("#mesh", "/s/slack"),)}
        ),
        teams={
            "orders": Team(
                Ways(
                    {"page": (PagerDuty("/s/orders"),
                              Webhook("https://hooks.example/a", "/s/hook"))}
                ),
                {"eu": Ways({"ticket": (Email("eu@example.com, lead@example.com"),)})},
            )
        },
        incidents=Webhook("http://meshscope:8428/api/v1/alertmanager/webhook", "/s/meshscope"),
        smtp=Smtp("mail:587", "mesh@example.com", "mesh", "/s/mail"),
        ticket_hours=Hours("Europe/Prague", "monday:friday", "09:00", "17:00"),
    )  # fmt: skip


def test_an_empty_file_tells_nobody():
    assert read_contacts("", file="c.yaml") == Contacts()


MISTAKES = [
    ("teems: {}", "c.yaml:1: teems: unknown field; did you mean 'teams'?"),
    ("default: {page: [{slack: {channel: a}}]}", "default.page[0].slack: urlFile is required"),
    ("default:\n  page: [{sms: {}}]", "c.yaml:2: default.page[0].sms: unknown field"),
    ("default: {page: [{}]}", "must name one of webhook, slack, pagerduty, email"),
    ("default: {page: {}}", "default.page: must be a list, got map"),
    ("teams: {default: {}}", "teams.default: is everybody who has no contacts"),
    ("teams: {'a b': {}}", "teams.a b: a name has letters"),
    ("default: {page: [{email: {to: a@b}}]}", "smtp is required, because somebody"),
    ("smtp: {smarthost: mail, from: a@b}", "smtp.smarthost: must be host:port, got 'mail'"),
    (
        "smtp: {smarthost: 'm:25', from: a@b, username: u}",
        "username and passwordFile come together",
    ),
    ("default: {page: [{email: {to: nobody}}]}", "must be an address, or several"),
    ("default: {page: [{webhook: {url: 'ftp://x'}}]}", "must be an http or https URL"),
    ("default: {page: [{webhook: {url: 'http://u:p@x/'}}]}", "must hold no password"),
    ("default: {page: [{pagerduty: {routingKeyFile: key}}]}", "must be an absolute path"),
    ("incidents: {url: 'http://x'}", "incidents: tokenFile is required"),
    (
        "ticketHours: {timeZone: Mars, days: monday, from: '09:00', to: '17:00'}",
        "no such time zone",
    ),
    (
        "ticketHours: {timeZone: UTC, days: weekdays, from: '09:00', to: '17:00'}",
        "as monday:friday",
    ),
    ("ticketHours: {timeZone: UTC, days: monday, from: '9', to: '17:00'}", 'must be as "09:00"'),
    ("ticketHours: {timeZone: UTC, days: monday, from: '18:00', to: '17:00'}", "later than from"),
    ("a: [", "c.yaml:1: not YAML"),
    ("{}\n---\n{}", "c.yaml:3: there must be one document"),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_a_mistake_is_told_with_its_place(text, message):
    with pytest.raises(BadContacts) as told:
        read_contacts(text, file="c.yaml")
    assert message in str(told.value)
    assert str(told.value).startswith("c.yaml:")


def test_all_mistakes_are_told_at_once():
    text = "default: {page: [{slack: {channel: a}}]}\nteems: {}\n"
    with pytest.raises(BadContacts) as told:
        read_contacts(text, file="c.yaml")
    assert len(told.value.problems) == 2
