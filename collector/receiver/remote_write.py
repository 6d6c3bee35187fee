"""Prometheus remote write over HTTP: which request is taken, and how each is answered.

Never answers 204 before the commit. 400 means that some samples will never be taken (the others
are durable by then), 429 and 503 that the sender shall come again; a request that comes again is
not stored twice. Decodes in a pool, waits without a thread.
Spec: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from collector.otlp.cardinality import METRIC_FULL, SERVICE_FULL
from collector.prometheus.remote_write import Counted, Decoded, Version, decode, unsnap
from collector.receiver import export
from collector.receiver.access import OPEN, Access
from collector.receiver.admission import Admission, Ticket
from collector.receiver.errors import TooLarge, UnsupportedMedia
from collector.receiver.export import Sink, note_refused
from collector.receiver.faults import fault_of
from collector.receiver.posted import check, committed, read_body, refusal_headers
from collector.store.acks import Ack
from collector.store.errors import StoreClosed

MEDIA_TYPE: Final = "application/x-protobuf"
_PACKING: Final = "snappy"
_PROTOS: Final[Mapping[str, Version]] = {
    "": "1.0",
    "prometheus.writerequest": "1.0",
    "io.prometheus.write.v2.request": "2.0",
}
_KNOWN_TYPES: Final = tuple(
    f"{MEDIA_TYPE};proto={name}"
    for name in ("prometheus.WriteRequest", "io.prometheus.write.v2.Request")
)
GRACE_NS: Final = 3600 * 10**9
"""An import that begins at the end of the retention shall not be overtaken by it."""
_MAX_TEXT: Final = 1024


@dataclass(frozen=True, slots=True)
class RemoteWrite:
    """The receiver. ``keep_ns``: samples older than this would be forgotten at once."""

    sink: Sink
    pool: Executor
    max_body_bytes: int
    keep_ns: int
    clock_ns: Callable[[], int]
    admission: Admission
    access: Access = OPEN

    async def respond(self, request: Request) -> Response:
        """Answer one request; raise ClientDisconnect when nobody is left to be told."""
        try:
            check(request, self.access)
            version = negotiate(request.headers)
            with self.admission.enter() as ticket:
                return await self._write(request, version, ticket)
        except ClientDisconnect:
            raise
        except asyncio.CancelledError:
            return _refuse(StoreClosed("stopped before the commit; send again"))
        except Exception as error:  # noqa: BLE001 - told to the sender
            note_refused(self.sink, "metrics", error)
            return _refuse(error)

    async def _write(self, request: Request, version: Version, ticket: Ticket) -> Response:
        body = await read_body(request, ticket, self.max_body_bytes)

        def work() -> tuple[Decoded, Future[Ack] | None]:
            plain = unsnap(body, self.max_body_bytes)
            if plain is None:
                raise TooLarge(self.max_body_bytes)
            ticket.hold(len(plain))
            since_ns = self.clock_ns() - self.keep_ns - GRACE_NS
            decoded = decode(plain, version, since_ns=since_ns)
            return decoded, self._submit(decoded, digest(version, plain))

        loop = asyncio.get_running_loop()
        decoded, waiting = await loop.run_in_executor(self.pool, work)
        return answer(decoded, await committed(waiting), version)

    def _submit(self, decoded: Decoded, digest_: bytes) -> Future[Ack] | None:
        batch = decoded.batch
        if not batch.resources and not batch.descriptions:
            return None
        return self.sink.submit(batch, digest_)


def negotiate(headers: Headers) -> Version:
    """Return the version that the sender speaks; raise UnsupportedMedia."""
    content_type = headers.get("content-type", "")
    media_type, *parameters = (part.strip() for part in content_type.lower().split(";"))
    protos = [one.removeprefix("proto=").strip('"') for one in parameters if "proto=" in one]
    version = _PROTOS.get(protos[0] if protos else "")
    if media_type != MEDIA_TYPE or version is None:
        raise UnsupportedMedia("Content-Type", content_type, _KNOWN_TYPES)
    encoding = headers.get("content-encoding", _PACKING).strip().lower()
    if encoding != _PACKING:
        raise UnsupportedMedia("Content-Encoding", encoding, (_PACKING,))
    return version


def digest(version: Version, plain: bytes) -> bytes:
    """Return what identifies the content of a request."""
    return export.digest(f"remote write {version}", plain)


def answer(decoded: Decoded, ack: Ack | None, version: Version) -> Response:
    """Return 204 when all is durable; 400 when some of it never will be, and which series."""
    headers = _written(decoded.taken) if version == "2.0" else {}
    message = ack.message if ack is not None else decoded.batch.message
    lost = decoded.batch.rejected or any(full in message for full in (METRIC_FULL, SERVICE_FULL))
    if not lost:
        return Response(None, HTTPStatus.NO_CONTENT, headers)
    told = "; ".join(filter(None, (message, *decoded.faults)))
    return Response(_line(told), HTTPStatus.BAD_REQUEST, headers, "text/plain")


def _written(taken: Counted) -> dict[str, str]:
    counts = {
        "Samples": taken.samples,
        "Histograms": taken.histograms,
        "Exemplars": taken.exemplars,
    }
    return {f"X-Prometheus-Remote-Write-{name}-Written": str(at) for name, at in counts.items()}


def _refuse(error: Exception) -> Response:
    fault = fault_of(error)
    headers = refusal_headers(fault, _PACKING)
    return Response(_line(fault.message), fault.http_status, headers, "text/plain")


def _line(text: str) -> str:
    """Return one line: senders log the first only."""
    return f"{' '.join(text.split())[:_MAX_TEXT]}\n"
