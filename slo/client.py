"""The answers of a running server, over HTTP. A thin shell: asks once, never retries."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

TIMEOUT_S = 10.0
LONG_TIMEOUT_S = 60.0
"""A replay of years over many targets takes a while."""

Parameters = Mapping[str, str | list[str]]


class ServerUnreachable(Exception):
    """No usable answer came from the server; the message says from where and why."""


class Refused(Exception):
    """The server answered that the question is wrong; the message is what it said."""


def fetch_statuses(url: str) -> list[dict[str, Any]]:
    """Return the answer of GET /api/slos; raise ServerUnreachable for anything but a list."""
    address = f"{url.rstrip('/')}/api/slos"
    body = _json(_get(address, {}, TIMEOUT_S), address)
    if not isinstance(body, list):
        raise ServerUnreachable(f"{address}: not a meshscope server, it answered no list")
    return body


def fetch_whatif(url: str, name: str, asked: Parameters) -> list[dict[str, Any]]:
    """Return the backtests of one objective; raises ServerUnreachable and Refused."""
    address = f"{url.rstrip('/')}/api/slos/{quote(name, safe='')}/whatif"
    body = _json(_get(address, asked, LONG_TIMEOUT_S), address)
    if not isinstance(body, dict) or not isinstance(body.get("backtests"), list):
        raise ServerUnreachable(f"{address}: not a meshscope server, it answered no backtests")
    found: list[dict[str, Any]] = body["backtests"]
    return found


def fetch_gate(url: str, asked: Parameters) -> dict[str, Any]:
    """Return the verdict on a service; raises ServerUnreachable and Refused."""
    address = f"{url.rstrip('/')}/api/slos/gate"
    body = _json(_get(address, asked, TIMEOUT_S), address)
    if not isinstance(body, dict) or "decision" not in body:
        raise ServerUnreachable(f"{address}: not a meshscope server, it answered no decision")
    return body


def fetch_report(url: str, asked: Parameters) -> str:
    """Return a report as the server wrote it; raises ServerUnreachable and Refused."""
    address = f"{url.rstrip('/')}/api/slos/report"
    return _get(address, asked, LONG_TIMEOUT_S).text


def fetch_starter(url: str, asked: Parameters) -> str:
    """Return objectives to start with, as OpenSLO; raises ServerUnreachable and Refused."""
    address = f"{url.rstrip('/')}/api/slos/starter"
    return _get(address, asked, TIMEOUT_S).text


def fetch_corrections(url: str) -> list[dict[str, Any]]:
    """Return every correction; raises ServerUnreachable and Refused."""
    address = f"{url.rstrip('/')}/api/slos/corrections"
    body = _json(_get(address, {}, TIMEOUT_S), address)
    if not isinstance(body, list):
        raise ServerUnreachable(f"{address}: not a meshscope server, it answered no list")
    return body


def change_corrections(url: str, path: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Add a correction, or withdraw one by ``/{id}/withdraw``; return it as it is now."""
    address = f"{url.rstrip('/')}/api/slos/corrections{path}"
    try:
        response = httpx.post(address, json=dict(asked), timeout=TIMEOUT_S)
        if response.status_code in {400, 404}:
            raise Refused(_told(response))
        response.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServerUnreachable(f"{address}: {error}") from error
    found: dict[str, Any] = _json(response, address)
    return found


def _get(address: str, asked: Parameters, timeout_s: float) -> httpx.Response:
    try:
        response = httpx.get(address, params=dict(asked), timeout=timeout_s)
        if response.status_code in {400, 404}:
            raise Refused(_told(response))
        response.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServerUnreachable(f"{address}: {error}") from error
    return response


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
