"""One HTTP/1.1 connection with deadlines: a sender that trickles bytes is cut off.

The headers must be there in time and within a size, and then the whole body. A connection that is
cut gets no answer, so that its sender may try again. What is no HTTP at all gets a Status too.
"""

import asyncio
from dataclasses import dataclass
from typing import Final, cast

from google.protobuf import json_format
from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from collector.receiver.upgrades import without_offers

MAX_HEADER_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Deadlines:
    """In seconds: until the headers are there, until the body is, and idle between requests."""

    headers_s: float = 20.0
    body_s: float = 60.0
    idle_s: float = 75.0


DEADLINES: Final = Deadlines()


def protocol(deadlines: Deadlines) -> type[asyncio.Protocol]:
    """Return what makes the connections of a uvicorn server."""
    kind = type("Connection", (Connection,), {"deadlines": deadlines})
    return cast("type[asyncio.Protocol]", kind)


class Connection(HttpToolsProtocol):
    """uvicorn's connection, watched."""

    deadlines = DEADLINES
    _timer: asyncio.TimerHandle | None = None
    _header_bytes: int | None = 0
    """None while a body is read."""
    _held: bytes = b""
    """The beginning of what may be an offer to upgrade."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first request its time."""
        super().connection_made(transport)
        self._arm(self.deadlines.headers_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Watch the headers, then read on as uvicorn does."""
        if self._header_bytes is not None:
            self._header_bytes += len(data)
            if self._timer is None:
                self._arm(self.deadlines.headers_s)
            if self._header_bytes > MAX_HEADER_BYTES + _body_bytes(data):
                self.send_400_response("the headers are too large")
                return
            data, self._held = without_offers(self._held, data)
        if data:
            super().data_received(data)

    def on_message_begin(self) -> None:
        """Give a request that came behind another its time too."""
        self._arm(self.deadlines.headers_s)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Give the body its time."""
        if self.parser.should_upgrade():  # behind another request in one piece: never a success
            self.send_400_response("an upgrade cannot be offered behind another request")
            return
        self._header_bytes = None
        self._arm(self.deadlines.body_s)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for nothing more of this request."""
        self._header_bytes = 0
        self._disarm()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, where no encoding is known, with a Status in JSON."""
        message = f"{msg.rstrip('.')}; this port speaks HTTP/1.1"
        body = json_format.MessageToJson(
            Status(code=Code.INVALID_ARGUMENT, message=message), indent=None
        ).encode()
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            b"connection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        )
        self.transport.close()

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._timer = self.loop.call_later(seconds, self._cut)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


def _body_bytes(data: bytes) -> int:
    """Return how many bytes come after the headers, if these end in ``data``."""
    end = data.find(b"\r\n\r\n")
    return len(data) - end if end >= 0 else 0
