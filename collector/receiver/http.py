"""OTLP over HTTP: POST /v1/traces, /v1/metrics, /v1/logs; protobuf or JSON, plain, gzip or deflate.

Never answers 200 before the commit. Every error has a google.rpc.Status as body, in the encoding of
the request, and only 429 and 503 may be retried.
Spec: https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import errno
import math
import socket
import threading
import time
import zlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from google.protobuf import json_format
from google.rpc.code_pb2 import Code
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from collector.otlp.errors import MalformedPayload
from collector.receiver.errors import PortInUse
from collector.receiver.export import SIGNALS, Encoding, SignalName, Sink, export
from collector.receiver.faults import Fault, fault_of

DEFAULT_PORT: Final = 4318
MAX_BODY_BYTES: Final = 64 * 2**20

_MEDIA_TYPES: Final[dict[str, Encoding]] = {
    "application/x-protobuf": "protobuf",
    "application/json": "json",
}
_WINDOW_BITS: Final = {"gzip": 31, "deflate": 15}
_CODES: Final = {
    HTTPStatus.NOT_FOUND: Code.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: Code.UNIMPLEMENTED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Code.INVALID_ARGUMENT,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: Code.INVALID_ARGUMENT,
}


@dataclass(frozen=True, slots=True)
class HttpReceiver:
    """A listening server; ``port`` is the real one when 0 was asked for."""

    host: str
    port: int
    server: uvicorn.Server
    thread: threading.Thread

    def stop(self) -> None:
        """Refuse new requests, let those in flight end. Close the writer after this."""
        self.server.should_exit = True
        self.thread.join()


def start_http(
    sink: Sink,
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    max_body_bytes: int = MAX_BODY_BYTES,
    setting: str = "otlp_http_port",
) -> HttpReceiver:
    """Listen in a thread of its own; raise PortInUse, which names ``setting``."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortInUse(host, port, setting) from error
    server = uvicorn.Server(
        uvicorn.Config(
            http_app(sink, max_body_bytes=max_body_bytes),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_keep_alive=75,
            timeout_graceful_shutdown=5,
        )
    )
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="otlp-http", daemon=True
    )
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.005)
    return HttpReceiver(host, listener.getsockname()[1], server, thread)


def http_app(sink: Sink, *, max_body_bytes: int = MAX_BODY_BYTES) -> FastAPI:
    """Return the ASGI application of the three routes."""
    app = FastAPI(title="meshscope OTLP", openapi_url=None)

    async def handle(request: Request) -> Response:
        signal = request.url.path.rpartition("/")[2]
        return await _export(request, sink, signal, max_body_bytes)  # type: ignore[arg-type]

    for name in SIGNALS:
        app.add_route(f"/v1/{name}", handle, methods=["POST"])
    app.add_exception_handler(HTTPException, _refuse)
    return app


async def _export(
    request: Request, sink: Sink, signal: SignalName, max_body_bytes: int
) -> Response:
    media_type = _media_type(request)
    encoding = _MEDIA_TYPES.get(media_type)
    if encoding is None:
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Type must be {' or '.join(_MEDIA_TYPES)}, not {media_type or 'missing'}",
        )
    content_encoding = request.headers.get("content-encoding", "").strip().lower()
    if content_encoding not in {"", "identity", *_WINDOW_BITS}:
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Encoding must be gzip, deflate or none, not {content_encoding}",
        )
    packed = await _body(request, max_body_bytes)

    def work() -> Any:
        return export(
            sink, signal, _unpack(packed, content_encoding, max_body_bytes), encoding=encoding
        )

    try:
        return _reply(await run_in_threadpool(work), HTTPStatus.OK, media_type)
    except HTTPException:
        raise
    except Exception as error:  # noqa: BLE001 - told to the sender
        return _fault(fault_of(error), media_type)


async def _body(request: Request, max_body_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > max_body_bytes:
                raise _too_large(max_body_bytes)
            chunks.append(chunk)
    except ClientDisconnect as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the sender left before the end") from error
    return b"".join(chunks)


def _unpack(packed: bytes, content_encoding: str, max_body_bytes: int) -> bytes:
    """Decompress, and stop where the limit is: a small body may hold a huge one."""
    if content_encoding not in _WINDOW_BITS:
        return packed
    parts: list[bytes] = []
    size = 0
    rest = packed
    while rest or not parts:
        stream = zlib.decompressobj(_WINDOW_BITS[content_encoding])
        try:
            part = stream.decompress(rest, max_body_bytes - size + 1)
        except zlib.error as error:
            raise MalformedPayload(f"not {content_encoding}: {error}") from error
        size += len(part)
        if size > max_body_bytes:
            raise _too_large(max_body_bytes)
        if not stream.eof:
            raise MalformedPayload(f"the {content_encoding} stream ends too early")
        parts.append(part)
        rest = stream.unused_data
    return b"".join(parts)


def _too_large(max_body_bytes: int) -> HTTPException:
    return HTTPException(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the body is larger than {max_body_bytes} bytes; send smaller batches",
    )


async def _refuse(request: Request, error: Exception) -> Response:
    """Answer what Starlette refuses (404, 405) and what ``_export`` raises."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    status = HTTPStatus(error.status_code)
    code = _CODES.get(status, Code.INVALID_ARGUMENT)
    response = _fault(Fault(code, status, str(error.detail)), _media_type(request))
    response.headers.update(error.headers or {})
    return response


def _fault(fault: Fault, media_type: str) -> Response:
    response = _reply(fault.status, fault.http_status, media_type)
    if fault.retry_after_s is not None:
        response.headers["Retry-After"] = str(math.ceil(fault.retry_after_s))
    return response


def _reply(message: Any, status: int, media_type: str) -> Response:
    if _MEDIA_TYPES.get(media_type) == "protobuf":
        return Response(message.SerializeToString(), status, media_type=media_type)
    return Response(json_format.MessageToJson(message, indent=None), status,
                    media_type="application/json")  # fmt: skip


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
