"""A stand-in for the sidecars of a whole mesh: forwards a request to the service its Host names.

No policy, no retries, no telemetry. Keeps what passed, so that tests see what was sent.
"""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import ClientSession, TCPConnector, web

HOP_BY_HOP = {"host", "connection", "content-length", "transfer-encoding"}


@dataclass
class Sidecar:
    backends: dict[str, list[str]]
    """Service -> the addresses of its workloads, taken in turn."""
    statuses: dict[str, int] = field(default_factory=dict)
    """Service -> the status answered in its place."""
    delay_s: float = 0.0
    url: str = ""
    passed: list[tuple[str, str, str, dict[str, str]]] = field(default_factory=list)
    turns: Counter[str] = field(default_factory=Counter)
    was_called: asyncio.Event = field(default_factory=asyncio.Event)
    session: ClientSession = field(init=False)

    async def forward(self, request: web.BaseRequest) -> web.StreamResponse:
        host = request.headers["Host"]
        self.passed.append((host, request.method, request.path, dict(request.headers)))
        self.was_called.set()
        body = await request.read()
        await asyncio.sleep(self.delay_s)
        if host in self.statuses:
            return web.Response(status=self.statuses[host])
        backends = self.backends[host]
        backend = backends[self.turns[host] % len(backends)]
        self.turns[host] += 1
        headers = {k: v for k, v in request.headers.items() if k.lower() not in HOP_BY_HOP}
        async with self.session.request(
            request.method, backend + request.path, data=body, headers=headers
        ) as response:
            payload = await response.read()
            return web.Response(status=response.status, body=payload)

    @property
    def hosts(self) -> Counter[str]:
        return Counter(host for host, *_ in self.passed)


@contextlib.asynccontextmanager
async def sidecar(
    backends: dict[str, list[str]] | None = None, *, delay_s: float = 0.0, **statuses: int
) -> AsyncIterator[Sidecar]:
    router = Sidecar(backends or {}, statuses, delay_s)
    async with (
        ClientSession(connector=TCPConnector(limit=0)) as router.session,
        serving(router.forward) as router.url,
    ):
        yield router


@contextlib.asynccontextmanager
async def serving(handler: object) -> AsyncIterator[str]:
    """Serve a handler of plain requests on a free port."""
    runner = web.ServerRunner(web.Server(handler, access_log=None), shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that were free a moment ago, all different."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
