"""One call to another service: through the sidecar, trace context carried on, outcome recorded.

A request is sent once. The HTTP client's silent second try on a connection that was found closed is
turned off: the proxy may have counted the first, and a ledger must know of every send.
Headers: W3C Trace Context (https://www.w3.org/TR/trace-context/) and Envoy's ``x-request-id``.
"""

import contextlib
from collections.abc import Mapping
from typing import Final

from aiohttp import (
    ClientError,
    ClientHandlerType,
    ClientOSError,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    ServerDisconnectedError,
    TCPConnector,
)
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.shop.ledger import Exchange
from proxy.shop.operation import Operation
from proxy.shop.plan import NO_RESPONSE
from proxy.shop.tally import Tally

PROPAGATED: Final = ("traceparent", "tracestate", "x-request-id")

KEEPALIVE_S: Final = 4.0
"""An idle connection is dropped before Envoy's drain time (5 s) ends: never used while closing."""

TIMEOUT_S: Final = 30.0
"""Longer than any timeout in the mesh: the proxy gives up first and its answer is what we count."""


class NotAnsweredError(ClientError):
    """The connection ended without a response."""


class Outbound:
    """Calls services by name at one proxy address, in the name of one source."""

    def __init__(self, session: ClientSession, *, source: str, address: str, tally: Tally) -> None:
        self._session = session
        self._source = source
        self._address = address.rstrip("/")
        self._tally = tally

    async def call(
        self,
        destination: str,
        operation: Operation,
        *,
        item: str,
        context: Mapping[str, str] | None = None,
    ) -> int:
        """Send one request and return its status, NO_RESPONSE when there is none.

        Recorded exactly once, also when cancelled. A response that breaks off has its status.
        """
        status = NO_RESPONSE
        try:
            with contextlib.suppress(ClientError, TimeoutError):
                async with self._session.request(
                    operation.method,
                    self._address + operation.url_path(item),
                    headers={**(context or {}), "Host": destination},
                    json={"id": item} if operation.method == "POST" else None,
                    allow_redirects=False,
                ) as response:
                    status = response.status
                    await response.read()
        finally:
            self._tally.record(Exchange(self._source, destination, operation.name, status))
        return status


def open_session(*, user_agent: str, timeout_s: float = TIMEOUT_S) -> ClientSession:
    """Return a client for one proxy: as many connections as needed, no cookies, one send each."""
    return ClientSession(
        connector=TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_S),
        timeout=ClientTimeout(total=timeout_s),
        cookie_jar=DummyCookieJar(),
        headers={"User-Agent": user_agent},
        middlewares=(_send_once,),
    )


def trace_context(headers: CIMultiDict[str] | CIMultiDictProxy[str]) -> dict[str, str]:
    """Return the headers that tie an outgoing request to the incoming one."""
    return {name: ",".join(headers.getall(name)) for name in PROPAGATED if name in headers}


async def _send_once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    try:
        return await handler(request)
    except (ClientOSError, ServerDisconnectedError) as error:
        raise NotAnsweredError(str(error)) from error
