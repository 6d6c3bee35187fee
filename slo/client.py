"""The statuses of a running server, over HTTP. A thin shell: asks once, never retries."""

from typing import Any

import httpx

TIMEOUT_S = 10.0


class ServerUnreachable(Exception):
    """No usable answer came from the server; the message says from where and why."""


def fetch_statuses(url: str) -> list[dict[str, Any]]:
    """Return the answer of GET /api/slos; raise ServerUnreachable for anything but a list."""
    address = f"{url.rstrip('/')}/api/slos"
    try:
        response = httpx.get(address, timeout=TIMEOUT_S)
        response.raise_for_status()
        body = response.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise ServerUnreachable(f"{address}: {error}") from error
    if not isinstance(body, list):
        raise ServerUnreachable(f"{address}: not a meshscope server, it answered no list")
    return body
