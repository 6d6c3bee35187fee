"""The answers of a running server, over HTTP. A thin shell: asks once, never retries.

``token`` is shown as a bearer token; without one nothing is shown.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import httpx

TIMEOUT_S = 10.0
LONG_TIMEOUT_S = 60.0
"""A replay of years over many targets takes a while."""

_LOGINS: Final = {
    401: "the server asks who you are; give a token by --token or MESHSCOPE_TOKEN",
    403: "this token may only look; give an admin's by --token or MESHSCOPE_TOKEN",
    429: "too many wrong tokens came from here; wait a minute",
}

Parameters = Mapping[str, str | list[str]]


class ServerUnreachable(Exception):
    """No usable answer came from the server; the message says from where and why."""


class Refused(Exception):
    """The server answered that the question is wrong; the message is what it said."""


def fetch_statuses(url: str, token: str = "") -> list[dict[str, Any]]:
    """Return the answer of GET /api/slos; raise ServerUnreachable for anything but a list."""
    address = f"{url.rstrip('/')}/api/slos"
    body = _json(_get(address, {}, TIMEOUT_S, token), address)
    if not isinstance(body, list):
        raise ServerUnreachable(f"{address}: not a meshscope server, it answered no list")
    return body


def fetch_whatif(url: str, name: str, asked: Parameters, token: str = "") -> list[dict[str, Any]]:
    """Return the backtests of one objective; raises ServerUnreachable and Refused."""
    address = f"{url.rstrip('/')}/api/slos/{quote(name, safe='')}/whatif"
    body = _json(_get(address, asked, LONG_TIMEOUT_S, token), address)
    if not isinstance(body, dict) or not isinstance(body.get("backtests"), list):
        raise ServerUnreachable(f"{address}: not a meshscope server, it answered no backtests")
    found: list[dict[str, Any]] = body["backtests"]
    return found


def fetch_gate(url: str, asked: Parameters, token: str = "") -> dict[str, Any]:
    """Return the verdict on a service; raises ServerUnreachable and Refused."""
    address = f"{url.rstrip('/')}/api/slos/gate"
    body = _json(_get(address, asked, TIMEOUT_S, token), address)
    if not isinstance(body, dict) or "decision" not in body:
        raise ServerUnreachable(f"{address}: not a meshscope server, it answered no decision")
    return body


def fetch_canary(url: str, asked: Parameters, token: str = "") -> dict[str, Any]:
    """Return the verdict on a canary; raises ServerUnreachable and Refused."""
    address = f"{url.rstrip('/')}/api/canary"
    body = _json(_get(address, asked, LONG_TIMEOUT_S, token), address)
    if not isinstance(body, dict) or "verdict" not in body:
        raise ServerUnreachable(f"{address}: not a meshscope server, it answered no verdict")
    return body


def fetch_report(url: str, asked: Parameters, token: str = "") -> str:
    """Return a report as the server wrote it; raises ServerUnreachable and Refused."""
    address = f"{url.rstrip('/')}/api/slos/report"
    return _get(address, asked, LONG_TIMEOUT_S, token).text


def fetch_starter(url: str, asked: Parameters, token: str = "") -> str:
    """Return objectives to start with, as OpenSLO; raises ServerUnreachable and Refused."""
    address = f"{url.rstrip('/')}/api/slos/starter"
    return _get(address, asked, TIMEOUT_S, token).text


def fetch_corrections(url: str, token: str = "") -> list[dict[str, Any]]:
    """Return every correction; raises ServerUnreachable and Refused."""
    address = f"{url.rstrip('/')}/api/slos/corrections"
    body = _json(_get(address, {}, TIMEOUT_S, token), address)
    if not isinstance(body, list):
        raise ServerUnreachable(f"{address}: not a meshscope server, it answered no list")
    return body


def change_corrections(
    url: str, path: str, asked: Mapping[str, Any], token: str = ""
) -> dict[str, Any]:
    """Add a correction, or withdraw one by ``/{id}/withdraw``; return it as it is now."""
    address = f"{url.rstrip('/')}/api/slos/corrections{path}"
    try:
        response = httpx.post(address, json=dict(asked), headers=shown(token), timeout=TIMEOUT_S)
        _check(response)
        response.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServerUnreachable(f"{address}: {error}") from error
    found: dict[str, Any] = _json(response, address)
    return found


def _get(address: str, asked: Parameters, timeout_s: float, token: str) -> httpx.Response:
    try:
        response = httpx.get(address, params=dict(asked), headers=shown(token), timeout=timeout_s)
        _check(response)
        response.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServerUnreachable(f"{address}: {error}") from error
    return response


def shown(token: str) -> dict[str, str]:
    """Return the header that shows a token."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def login_needed(status: int) -> str | None:
    """Return what to tell whoever was refused; None when it was not for want of a token."""
    return _LOGINS.get(status)


def _check(response: httpx.Response) -> None:
    wanted = login_needed(response.status_code)
    if wanted is not None:
        raise Refused(f"{response.url}: {wanted}")
    if response.status_code in {400, 404}:
        raise Refused(_told(response))


def _told(response: httpx.Response) -> str:
    """Return the sentence of our error answer, or the status of somebody else's."""
    try:
        return str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"{response.url}: {response.status_code} {response.reason_phrase}"


def _json(response: httpx.Response, address: str) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise ServerUnreachable(f"{address}: {error}") from error
