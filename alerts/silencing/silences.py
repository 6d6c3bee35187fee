"""Silences of an Alertmanager: to make one, end one, list them. A thin client of its API v2.

A silence is made before a planned change and ended after it. Never retries: who asks is there and
is told. https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal
from urllib.parse import quote

import httpx

from alerts.notify.payload import rfc3339
from alerts.notify.sender import without_password

State = Literal["pending", "active", "expired"]
TIMEOUT_S: Final = 10.0


class AlertmanagerFailed(Exception):
    """No usable answer came from an Alertmanager; the message says from where and why."""


class SilenceRefused(Exception):
    """An Alertmanager answered that what was asked is wrong; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """``name = value`` or ``!=``, ``=~``, ``!~``; expressions are anchored."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels match; a label that is not there is empty."""
        value = labels.get(self.name, "")
        if not self.is_regex:
            return (value == self.value) == self.is_equal
        try:
            return (re.fullmatch(self.value, value) is not None) == self.is_equal
        except re.error:
            return False

    def __str__(self) -> str:
        operator = {(False, True): "=", (False, False): "!=", (True, True): "=~"}
        return f'{self.name}{operator.get((self.is_regex, self.is_equal), "!~")}"{self.value}"'


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts that match all matchers notify nobody in [starts_ms, ends_ms)."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_ms: int
    ends_ms: int
    created_by: str
    comment: str
    state: State

    def covers(self, labels: Mapping[str, str]) -> bool:
        """Tell whether an alert with these labels is silenced while it holds."""
        return all(one.matches(labels) for one in self.matchers)


def create_silence(
    url: str, matchers: Sequence[Matcher], *, from_ms: int, to_ms: int, by: str, why: str
) -> str:
    """Silence what matches and return the id; raises SilenceRefused and AlertmanagerFailed."""
    asked = {
        "matchers": [
            {
                "name": one.name,
                "value": one.value,
                "isRegex": one.is_regex,
                "isEqual": one.is_equal,
            }
            for one in matchers
        ],
        "startsAt": rfc3339(from_ms),
        "endsAt": rfc3339(to_ms),
        "createdBy": by,
        "comment": why,
    }
    return str(_field(_ask("POST", url, "/silences", json=asked), "silenceID"))


def change_silence(url: str, name: str, *, to_ms: int) -> str:
    """Let a silence end at another time, and return its id, which may be a new one.

    Raises SilenceRefused and AlertmanagerFailed.
    """
    found = _ask("GET", url, f"/silence/{quote(name, safe='')}").json()
    fields = ("id", "matchers", "startsAt", "createdBy", "comment")
    asked = {field: found[field] for field in fields} | {"endsAt": rfc3339(to_ms)}
    return str(_field(_ask("POST", url, "/silences", json=asked), "silenceID"))


def end_silence(url: str, name: str) -> None:
    """End a silence now; raises SilenceRefused and AlertmanagerFailed."""
    _ask("DELETE", url, f"/silence/{quote(name, safe='')}")


def silences(url: str, *, timeout_s: float = TIMEOUT_S) -> tuple[Silence, ...]:
    """Return those that are or will be, then those that were; raises AlertmanagerFailed."""
    answer = _ask("GET", url, "/silences", timeout_s=timeout_s)
    try:
        found = [_silence(one) for one in answer.json()]
    except (ValueError, KeyError, TypeError) as error:
        raise AlertmanagerFailed(f"{without_password(url)}: not an Alertmanager: {error}") from None
    return tuple(sorted(found, key=lambda one: (one.state == "expired", one.starts_ms, one.id)))


def _ask(
    method: str, url: str, path: str, *, json: Any = None, timeout_s: float = TIMEOUT_S
) -> httpx.Response:
    shown = without_password(url)
    try:
        answer = httpx.request(
            method, f"{url.rstrip('/')}/api/v2{path}", json=json, timeout=timeout_s
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise AlertmanagerFailed(f"{shown}: {error}") from error
    told = answer.text.strip() or answer.reason_phrase
    if answer.is_client_error or "silence not found" in told:  # 0.25 answers that with 500
        raise SilenceRefused(f"{shown} answered {answer.status_code}: {told:.300}")
    if not answer.is_success:
        raise AlertmanagerFailed(f"{shown} answered {answer.status_code}: {told:.300}")
    return answer


def _field(answer: httpx.Response, name: str) -> Any:
    try:
        return answer.json()[name]
    except (ValueError, KeyError, TypeError):
        raise AlertmanagerFailed(f"{answer.url}: not an Alertmanager: no {name}") from None


def _silence(found: Mapping[str, Any]) -> Silence:
    return Silence(
        id=found["id"],
        matchers=tuple(
            Matcher(one["name"], one["value"], one["isRegex"], one.get("isEqual", True))
            for one in found["matchers"]
        ),
        starts_ms=_ms(found["startsAt"]),
        ends_ms=_ms(found["endsAt"]),
        created_by=found.get("createdBy", ""),
        comment=found.get("comment", ""),
        state=found["status"]["state"],
    )


def _ms(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return round(moment.astimezone(UTC).timestamp() * 1000)
