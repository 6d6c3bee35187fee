"""Incidents of a running server, over HTTP. A thin shell: asks once, never retries.

``token`` is shown as a bearer token; without one nothing is shown. Failures are those of
``slo.client``: ServerUnreachable and Refused.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import httpx

from slo.client import Refused, ServerUnreachable

TIMEOUT_S: Final = 30.0
_TOLD: Final = (400, 401, 403, 404)


def fetch_incidents(url: str, asked: Mapping[str, str], token: str = "") -> list[dict[str, Any]]:
    """Return the lines of incidents, open ones first."""
    found = _json(_ask("GET", url, "", token, params=dict(asked)))
    if not isinstance(found, list):
        raise ServerUnreachable(f"{url}: not a meshscope server, it answered no list")
    return found


def fetch_incident(url: str, name: str, token: str = "") -> dict[str, Any]:
    """Return everything about one incident."""
    return _object(_ask("GET", url, _path(name), token))


def say(
    url: str, name: str, kind: str, asked: Mapping[str, str], token: str = ""
) -> dict[str, Any]:
    """Acknowledge (``ack``) or ``note``; return the line of the incident."""
    return _object(_ask("POST", url, f"{_path(name)}/{kind}", token, json=dict(asked)))


def fetch_report(url: str, name: str, format_: str, token: str = "") -> str:
    """Return the draft of a review as the server wrote it."""
    return _ask("GET", url, f"{_path(name)}/report", token, params={"format": format_}).text


def _path(name: str) -> str:
    return f"/{quote(name, safe='')}"


def _ask(method: str, url: str, path: str, token: str, **asked: Any) -> httpx.Response:
    address = f"{url.rstrip('/')}/api/incidents{path}"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = httpx.request(method, address, headers=headers, timeout=TIMEOUT_S, **asked)
        if answer.status_code in _TOLD:
            raise Refused(_told(answer))
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServerUnreachable(f"{address}: {error}") from error
    return answer


def _told(answer: httpx.Response) -> str:
    """Return the sentence of our error answer, or the status of somebody else's."""
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.url}: {answer.status_code} {answer.reason_phrase}"


def _object(answer: httpx.Response) -> dict[str, Any]:
    found = _json(answer)
    if not isinstance(found, dict):
        raise ServerUnreachable(f"{answer.url}: not a meshscope server, it answered no incident")
    return found


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise ServerUnreachable(f"{answer.url}: {error}") from error
