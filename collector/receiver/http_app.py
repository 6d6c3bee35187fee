"""OTLP over HTTP as an ASGI application: which request is taken, and how each is answered.

Never answers 200 before the commit, and holds no thread while it waits for it. Every error has a
google.rpc.Status as body, in the encoding of the request, and only 429 and 503 may be retried.
Spec: https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import asyncio
import gzip
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from google.protobuf import json_format
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from collector.receiver import export
from collector.receiver.access import Access
from collector.receiver.admission import Admission
from collector.receiver.cors import Cors
from collector.receiver.errors import (
    NoSuchPath,
    UnsupportedMedia,
)
from collector.receiver.export import SIGNALS, Encoding, SignalName, Sink
from collector.receiver.faults import fault_of
from collector.receiver.posted import check, committed, read_body, refusal_headers
from collector.receiver.unpacking import check_encoding, is_packed, unpack
from collector.store.acks import Ack
from collector.store.errors import StoreClosed

PATHS: Final[Mapping[str, SignalName]] = {f"/v1/{name}": name for name in SIGNALS}
"""Where OTLP wants each signal; a server may be told others."""
_MEDIA_TYPES: Final[dict[str, Encoding]] = {
    "application/x-protobuf": "protobuf",
    "application/json": "json",
}
_AT_ONCE_BYTES: Final = 16 * 1024
"""A plain body as small as this is decoded in less time than a thread needs to take it over."""
_MIN_GZIP_BYTES: Final = 256
_PACKINGS: Final = "gzip, deflate, zstd"


@dataclass(frozen=True, slots=True)
class OtlpApp:
    """The application. ``pool`` decodes what is too large to decode between two reads."""

    sink: Sink
    pool: Executor
    max_body_bytes: int
    access: Access
    cors: Cors
    admission: Admission
    clock_ns: Callable[[], int]
    paths: Mapping[str, SignalName] = field(default_factory=lambda: PATHS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except ClientDisconnect:
            return  # nobody is there to be told
        response.headers.update(self.cors.reply(request.headers.get("origin")))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        try:
            name = self._signal(request)
            if _is_preflight(request) and self.cors.origins:
                return _preflight(self.cors, request.headers["origin"])
            check(request, self.access)
            message = await self._export(request, name)
        except ClientDisconnect:
            raise
        except asyncio.CancelledError:
            return _refuse(StoreClosed("stopped before the commit; send again"), request.headers)
        except Exception as error:  # noqa: BLE001 - told to the sender
            export.note_refused(self.sink, self.paths.get(request.url.path, "unknown"), error)
            return _refuse(error, request.headers)
        return _reply(message, HTTPStatus.OK, request.headers)

    def _signal(self, request: Request) -> SignalName:
        try:
            return self.paths[request.url.path]
        except KeyError:
            raise NoSuchPath(request.url.path, tuple(self.paths)) from None

    async def _export(self, request: Request, name: SignalName) -> Any:
        media_type = _media_type(request.headers)
        if media_type not in _MEDIA_TYPES:
            raise UnsupportedMedia("Content-Type", media_type, tuple(_MEDIA_TYPES))
        packing = request.headers.get("content-encoding", "").strip().lower()
        check_encoding(packing)
        with self.admission.enter() as ticket:
            body = await read_body(request, ticket, self.max_body_bytes)

            def work() -> tuple[export.Prepared, Future[Ack] | None]:
                plain = unpack(body, packing, self.max_body_bytes)
                if is_packed(packing):
                    ticket.hold(len(plain))
                prepared = export.prepare(name, plain, encoding=_MEDIA_TYPES[media_type])
                return prepared, export.submit(self.sink, prepared)

            if len(body) <= _AT_ONCE_BYTES and not is_packed(packing):
                prepared, waiting = work()
            else:
                loop = asyncio.get_running_loop()
                prepared, waiting = await loop.run_in_executor(self.pool, work)
            ack = await committed(waiting)
            return export.answer(prepared, ack, self.clock_ns())


def _is_preflight(request: Request) -> bool:
    asked = "origin" in request.headers and "access-control-request-method" in request.headers
    return request.method == "OPTIONS" and asked


def _preflight(cors: Cors, origin: str) -> Response:
    return Response(None, HTTPStatus.NO_CONTENT, cors.preflight(origin))


def _refuse(error: Exception, asked: Headers) -> Response:
    fault = fault_of(error)
    response = _reply(fault.status, fault.http_status, asked)
    response.headers.update(refusal_headers(fault, _PACKINGS))
    return response


def _reply(message: Any, status: int, asked: Headers) -> Response:
    media_type = _media_type(asked)
    if _MEDIA_TYPES.get(media_type) == "protobuf":
        body = message.SerializeToString()
    else:
        media_type = "application/json"
        body = json_format.MessageToJson(message, indent=None).encode()
    headers = {}
    if len(body) >= _MIN_GZIP_BYTES:
        headers["Vary"] = "Accept-Encoding"
        if _takes_gzip(asked.get("accept-encoding", "")):
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body, compresslevel=1, mtime=0)
    return Response(body, status, headers, media_type)


def _takes_gzip(accept_encoding: str) -> bool:
    """Tell whether gzip is named without a quality of zero."""
    for part in accept_encoding.lower().split(","):
        name, _, quality = part.partition(";")
        if name.strip() in {"gzip", "x-gzip", "*"}:
            return quality.replace(" ", "").removeprefix("q=").strip("0.") != "" or not quality
    return False


def _media_type(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()
