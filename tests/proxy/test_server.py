"""The ADS server over real gRPC: whom it serves, what it refuses, and what a port tells."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from envoy_data_plane.envoy.service.discovery.v3 import DiscoveryRequest, DiscoveryResponse

from proxy.errors import UnknownNode
from proxy.server import ADS_METHOD, AdsServer
from proxy.snapshot import Snapshot
from proxy.xds.type_urls import CLUSTER
from tests.proxy.rig import free_port
from tests.proxy.xds.playbook import snapshot

Conversation = Callable[["AdsServer", "Mesh", Any], Awaitable[None]]


class Mesh:
    """The snapshots to serve; a test may change them."""

    def __init__(self) -> None:
        self.snapshots = {"gateway-1": snapshot(CLUSTER={"a": "A1"})}

    def snapshot(self, node_id: str) -> Snapshot:
        if node_id not in self.snapshots:
            raise UnknownNode(f"no workload of the mesh is called {node_id!r}")
        return self.snapshots[node_id]


def run(conversation: Conversation) -> None:
    """Hold a conversation with a server of its own, within five seconds."""

    async def serve() -> None:
        async with asyncio.timeout(5):
            mesh = Mesh()
            server = AdsServer(mesh.snapshot)
            address = f"127.0.0.1:{free_port()}"
            await server.start(address)
            try:
                async with grpc.aio.insecure_channel(address) as channel:
                    call = channel.stream_stream(f"/{ADS_METHOD}/StreamAggregatedResources")
                    await conversation(server, mesh, call)
            finally:
                await server.stop()

    asyncio.run(serve())


def request(**fields: Any) -> bytes:
    return bytes(DiscoveryRequest.from_dict({"type_url": CLUSTER} | fields))


@asynccontextmanager
async def proxy(call: Any, node_id: str) -> AsyncIterator[Any]:
    stream = call()
    await stream.write(request(node={"id": node_id}))
    try:
        yield stream
    finally:
        stream.cancel()


async def answer(stream: Any) -> tuple[str, str]:
    response = DiscoveryResponse.parse(await stream.read())
    return response.version_info, response.nonce


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  the server has no event to wait for
        await asyncio.sleep(0.01)


def test_a_proxy_is_served_and_is_in_sync_when_it_has_acknowledged() -> None:
    async def conversation(server: AdsServer, mesh: Mesh, call: Any) -> None:
        async with proxy(call, "gateway-1") as stream:
            assert await answer(stream) == ("A1", "1")
            assert [each["in_sync"] for each in server.status()] == [False]
            await stream.write(request(response_nonce="1", version_info="A1"))
            await until(lambda: bool(server.status()[0]["in_sync"]))
            assert server.status()[0]["node"] == "gateway-1"

    run(conversation)


def test_a_published_snapshot_reaches_every_connected_proxy() -> None:
    async def conversation(server: AdsServer, mesh: Mesh, call: Any) -> None:
        mesh.snapshots["gateway-2"] = mesh.snapshots["gateway-1"]
        async with proxy(call, "gateway-1") as one, proxy(call, "gateway-2") as two:
            assert [await answer(one), await answer(two)] == [("A1", "1"), ("A1", "1")]
            mesh.snapshots["gateway-2"] = snapshot(CLUSTER={"a": "A2"})
            server.publish()
            assert await answer(two) == ("A2", "2")
            mesh.snapshots["gateway-1"] = snapshot(CLUSTER={"a": "A3"})
            server.publish()
            assert await answer(one) == ("A3", "2")

    run(conversation)


def test_a_proxy_that_hangs_up_is_forgotten() -> None:
    async def conversation(server: AdsServer, mesh: Mesh, call: Any) -> None:
        async with proxy(call, "gateway-1") as stream:
            await answer(stream)
            assert len(server.status()) == 1
        await until(lambda: not server.status())
        server.publish()

    run(conversation)


def test_a_proxy_that_left_the_mesh_is_disconnected() -> None:
    async def conversation(server: AdsServer, mesh: Mesh, call: Any) -> None:
        async with proxy(call, "gateway-1") as stream:
            await answer(stream)
            mesh.snapshots.clear()
            server.publish()
            assert await stream.read() is grpc.aio.EOF
            assert await stream.code() is grpc.StatusCode.OK

    run(conversation)


@pytest.mark.parametrize(
    ("payload", "code", "details"),
    [
        (
            request(node={"id": "stranger"}),
            grpc.StatusCode.PERMISSION_DENIED,
            "no workload of the mesh is called 'stranger'",
        ),
        (b"\x0a", grpc.StatusCode.INVALID_ARGUMENT, "not a DiscoveryRequest"),
    ],
)
def test_a_stranger_and_a_client_of_another_language_are_told_why(
    payload: bytes, code: grpc.StatusCode, details: str
) -> None:
    async def conversation(server: AdsServer, mesh: Mesh, call: Any) -> None:
        stream = call()
        await stream.write(payload)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stream.read()
        assert caught.value.code() is code
        assert details in (caught.value.details() or "")
        assert not server.status()

    run(conversation)


def test_a_malformed_request_ends_the_stream_and_no_other() -> None:
    async def conversation(server: AdsServer, mesh: Mesh, call: Any) -> None:
        mesh.snapshots["gateway-2"] = mesh.snapshots["gateway-1"]
        async with proxy(call, "gateway-1") as one, proxy(call, "gateway-2") as two:
            await answer(one)
            await answer(two)
            await one.write(b"\x0a")
            assert await one.read() is grpc.aio.EOF
            assert [each["node"] for each in server.status()] == ["gateway-2"]

    run(conversation)


def test_a_client_that_says_nothing_is_let_go() -> None:
    async def conversation(server: AdsServer, mesh: Mesh, call: Any) -> None:
        stream = call()
        await stream.done_writing()
        assert await stream.read() is grpc.aio.EOF

    run(conversation)


def test_a_port_that_is_taken_is_an_error_with_its_option() -> None:
    async def start_twice() -> None:
        address = f"127.0.0.1:{free_port()}"
        first, second = AdsServer(Mesh().snapshot), AdsServer(Mesh().snapshot)
        await first.start(address)
        try:
            with pytest.raises(OSError, match=rf"cannot listen for proxies on {address} \(--xds\)"):
                await second.start(address)
        finally:
            await first.stop()

    asyncio.run(start_twice())
