"""A POST over HTTP, the same for OTLP and remote write: who may send it, its bytes, its commit.

Never decodes a body and never words an answer; it knows which headers a refusal has.
"""

import asyncio
import math
from collections.abc import Mapping
from concurrent.futures import Future
from http import HTTPStatus
from typing import Final

from starlette.requests import Request

from collector.receiver.access import Access
from collector.receiver.admission import Ticket
from collector.receiver.errors import TooLarge, Unauthenticated, WrongMethod
from collector.receiver.export import COMMIT_TIMEOUT_S
from collector.receiver.faults import Fault
from collector.store.acks import Ack

_HEADERS: Final[Mapping[int, Mapping[str, str]]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
    HTTPStatus.METHOD_NOT_ALLOWED: {"Allow": "POST"},
}


def check(request: Request, access: Access) -> None:
    """Raise WrongMethod or Unauthenticated, before any of the body is read."""
    if request.method != "POST":
        raise WrongMethod(request.method)
    if not access.admit(request.headers.get("authorization")):
        raise Unauthenticated


def refusal_headers(fault: Fault, packings: str) -> dict[str, str]:
    """Return what tells the sender how to ask again; ``packings`` are those that are taken."""
    headers = dict(_HEADERS.get(fault.http_status, {}))
    if fault.http_status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        headers["Accept-Encoding"] = packings
    if fault.retry_after_s is not None:
        headers["Retry-After"] = str(math.ceil(fault.retry_after_s))
    return headers


async def read_body(request: Request, ticket: Ticket, max_bytes: int) -> bytes:
    """Return the body as it was sent, charged to the ticket as it comes; raise TooLarge."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared[:20]) > max_bytes:
        raise TooLarge(max_bytes)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > max_bytes:
            raise TooLarge(max_bytes)
        ticket.hold(len(chunk))
        chunks.append(chunk)
    return b"".join(chunks)


async def committed(waiting: Future[Ack] | None) -> Ack | None:
    """Wait for the commit without a thread; None when there is nothing to wait for.

    Shielded: a sender that leaves must not cancel the commit.
    """
    if waiting is None:
        return None
    commit = asyncio.shield(asyncio.wrap_future(waiting))
    return await asyncio.wait_for(commit, COMMIT_TIMEOUT_S)
