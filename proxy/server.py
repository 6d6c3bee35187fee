"""The shell of the control plane: ADS over gRPC, and its state as JSON over HTTP.

Holds the open streams and hands them snapshots; what a stream answers is ``proxy.xds.stream``.
Binds to loopback unless told otherwise.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict, dataclass, field

import grpc
import structlog
from aiohttp import web

from proxy.errors import MeshError
from proxy.exposition import CONTENT_TYPE, Pushes
from proxy.snapshot import Snapshot
from proxy.xds.messages import Request, Response, decode_request, encode_response
from proxy.xds.stream import Stream

log = structlog.get_logger()

ADS_METHOD = "envoy.service.discovery.v3.AggregatedDiscoveryService"


@dataclass(slots=True)
class Connection:
    """One proxy on the line: its stream and the responses on their way to it."""

    node_id: str
    stream: Stream = field(default_factory=Stream)
    outbox: asyncio.Queue[Response | None] = field(default_factory=asyncio.Queue)

    def send(self, responses: list[Response]) -> None:
        """Queue responses for the proxy."""
        for response in responses:
            self.outbox.put_nowait(response)


class AdsServer:
    """Streams of all proxies; one event loop, no locks."""

    def __init__(self, snapshot_of: Callable[[str], Snapshot]) -> None:
        """Take the source of snapshots: node id -> Snapshot; raises UnknownNode."""
        self._snapshot_of = snapshot_of
        self._connections: dict[int, Connection] = {}
        self._server: grpc.aio.Server | None = None
        self.pushes = Pushes()

    async def start(self, address: str) -> None:
        """Listen for proxies on ``host:port``; OSError when the port is taken."""
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        handler = grpc.stream_stream_rpc_method_handler(self._stream)
        server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler(
                    ADS_METHOD, {"StreamAggregatedResources": handler}
                ),
            )
        )
        try:
            server.add_insecure_port(address)
        except RuntimeError as error:
            raise OSError(f"cannot listen for proxies on {address} (--xds): {error}") from error
        await server.start()
        self._server = server

    async def stop(self) -> None:
        """Close all streams; the proxies keep the configuration they have."""
        if self._server is not None:
            await self._server.stop(grace=0.2)

    def publish(self) -> None:
        """Give every connected proxy its present snapshot; unchanged types cost nothing."""
        now = time.time()
        for connection in self._connections.values():
            try:
                snapshot = self._snapshot_of(connection.node_id)
            except MeshError as error:
                log.warning("proxy left the mesh", node=connection.node_id, reason=str(error))
                connection.outbox.put_nowait(None)
                continue
            connection.send(connection.stream.publish(snapshot, now))

    def status(self) -> list[dict[str, object]]:
        """Return what each connected proxy was sent, took and refused."""
        return [
            {
                "node": connection.node_id,
                "in_sync": connection.stream.in_sync(),
                "types": {
                    type_url.rpartition(".")[2]: asdict(subscription)
                    | {"names": sorted(subscription.names)}
                    for type_url, subscription in connection.stream.subscriptions.items()
                },
            }
            for connection in self._connections.values()
        ]

    def in_sync(self) -> dict[str, bool]:
        """Return the proxies on the line, and whether each has taken all that it should have."""
        return {
            connection.node_id: connection.stream.in_sync()
            for connection in self._connections.values()
        }

    async def _stream(
        self, requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[bytes]:
        try:
            first = decode_request(await anext(requests))
            connection = Connection(first.node_id)
            connection.stream.publish(self._snapshot_of(first.node_id), time.time())
        except MeshError as error:
            log.warning("proxy refused", reason=str(error))
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, str(error))
        except ValueError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except StopAsyncIteration:
            return
        self._connections[id(connection)] = connection
        reader = asyncio.create_task(_read(connection, first, requests, self.pushes))
        try:
            while (response := await connection.outbox.get()) is not None:
                yield encode_response(response)
        finally:
            reader.cancel()
            del self._connections[id(connection)]


async def _read(
    connection: Connection, first: Request, requests: AsyncIterator[bytes], pushes: Pushes
) -> None:
    """Feed a proxy's requests to its stream until it hangs up."""
    try:
        connection.send(connection.stream.receive(first, time.time()))
        async for payload in requests:
            request = decode_request(payload)
            if request.error is not None:
                log.error("configuration rejected", node=connection.node_id, error=request.error)
            connection.send(connection.stream.receive(request, time.time()))
            pushes.take(connection.stream.verdicts)
    except ValueError as error:
        log.warning("malformed discovery request", node=connection.node_id, error=str(error))
    finally:
        connection.outbox.put_nowait(None)


def status_app(
    status: Callable[[], Mapping[str, object]], metrics: Callable[[], str]
) -> web.Application:
    """Return the HTTP app that tells the control plane's state, as JSON and to a Prometheus."""

    async def show(_: web.Request) -> web.Response:
        return web.json_response(status())

    async def scrape(_: web.Request) -> web.Response:
        return web.Response(body=metrics().encode(), headers={"content-type": CONTENT_TYPE})

    app = web.Application()
    app.router.add_get("/v1/status", show)
    app.router.add_get("/metrics", scrape)
    return app
