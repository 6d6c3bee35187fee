"""Ways to people as Alertmanager writes them. Never a secret, only the files that hold one."""

from collections.abc import Sequence
from typing import Any, assert_never

from alerts.routing.contacts import Email, PagerDuty, Slack, Smtp, Way, Webhook

_MOST_ALERTS = 1000
"""Of one message to a webhook: more would be refused for its size, and then lost whole."""
_TITLE = "{{ .CommonAnnotations.summary }}"
_TEXT = (
    "{{ range .Alerts }}{{ .Annotations.description }}\n"
    "{{ .Annotations.dashboard_url }}  {{ .Annotations.runbook_url }}\n{{ end }}"
)


def receiver(name: str, ways: Sequence[Way]) -> dict[str, Any]:
    """Return one receiver; without ways its alerts stay on Alertmanager's own page."""
    found: dict[str, Any] = {"name": name}
    for way in ways:
        kind, config = _integration(way)
        found.setdefault(kind, []).append(config)
    return found


def smtp_globals(smtp: Smtp) -> dict[str, Any]:
    """Return the settings of the mail server."""
    found = {"smtp_smarthost": smtp.smarthost, "smtp_from": smtp.sender}
    if smtp.username:
        found |= {
            "smtp_auth_username": smtp.username,
            "smtp_auth_password_file": smtp.password_file,
        }
    return found


def _integration(way: Way) -> tuple[str, dict[str, Any]]:
    match way:
        case Webhook(url, token_file):
            config: dict[str, Any] = {"url": url, "send_resolved": True, "max_alerts": _MOST_ALERTS}
            if token_file:
                config["http_config"] = {"authorization": {"credentials_file": token_file}}
            return "webhook_configs", config
        case Slack(channel, url_file):
            return "slack_configs", {
                "api_url_file": url_file,
                "channel": channel,
                "send_resolved": True,
                "title": f"{{{{ .Status | toUpper }}}} {_TITLE}",
                "text": _TEXT,
            }
        case PagerDuty(routing_key_file):
            return "pagerduty_configs", {
                "routing_key_file": routing_key_file,
                "send_resolved": True,
                "description": _TITLE,
                "severity": '{{ if eq .CommonLabels.severity "page" }}critical{{ else }}warning'
                "{{ end }}",
                "links": [
                    {"href": "{{ .CommonAnnotations.runbook_url }}", "text": "Runbook"},
                    {"href": "{{ .CommonAnnotations.dashboard_url }}", "text": "Dashboard"},
                ],
            }
        case Email(to):
            return "email_configs", {"to": to, "send_resolved": True}
    assert_never(way)
