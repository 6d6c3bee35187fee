"""A small mesh that really runs: a ControlPlane, Envoys and applications on addresses of their own.

    test -> gateway's Envoy -> gateway's app -> gateway's Envoy -> mTLS -> payments' Envoy -> app

Each rig lives on a random loopback subnet and free ports, so that rigs can run side by side. The
test's thread starts the Envoys and asks; one other thread runs the event loop of all the rest.
"""

import asyncio
import json
import random
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from aiohttp import ClientSession, ClientTimeout, web
from envoy_data_plane.envoy.extensions.transport_sockets.tls.v3 import Secret

from proxy.bootstrap import bootstrap
from proxy.controlplane import ControlPlane
from proxy.mesh import ADMIN_PORT, INBOUND_PORT, OUTBOUND_PORT, Service, Workload
from proxy.mesh_file import load
from proxy.resources.secrets import LEAF, ROOT
from proxy.sidecar import start_envoy
from proxy.xds import type_urls

T = TypeVar("T")
SIDECARS = ("gateway-1", "payments-1", "payments-2")
"""Whose Envoys run; ``reports-1`` has an identity only."""


class Answer(NamedTuple):
    """What a caller saw: status 0 when the connection failed."""

    status: int
    body: str


class Rig:
    """One running mesh; ``close`` leaves no process, thread or socket behind."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.mesh_path = directory / "mesh.yaml"
        self.subnet = f"127.{random.randrange(64, 250)}.{random.randrange(250)}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="rig")
        self._envoys: list[subprocess.Popen[bytes]] = []
        self._runners: list[web.AppRunner] = []
        self.write()
        self.control = ControlPlane(self.mesh_path)
        self._xds = f"127.0.0.1:{free_port()}"
        self._thread.start()
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        self._serving = self._run(self._serve())
        for service in self.control.mesh.services:
            for workload in service.workloads:
                self._run(self._start_app(service, workload))
                if workload.name in SIDECARS:
                    config = bootstrap(self.control.mesh, service, workload, xds=self._xds)
                    name = workload.name
                    self._envoys.append(start_envoy(config, directory=self.directory, name=name))

    def close(self) -> None:
        """End the Envoys first, then the control plane and the applications."""
        for envoy in self._envoys:
            envoy.kill()
            envoy.wait()
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def write(self, *, text: str | None = None, **payments: Any) -> None:
        """Replace mesh.yaml as an editor does; ``identity`` is the mesh's, the rest payments'."""
        identity = payments.pop("identity", {})
        document = {
            "apiVersion": "meshscope/v1",
            "kind": "Mesh",
            "identity": {"maxConnectionSeconds": 1, **identity},
            "telemetry": {"otlp": "127.0.0.1:9"},
            "services": [
                {"name": "gateway", "ingress": True, "workloads": [self._workload(1, "gateway-1")]},
                {"name": "reports", "workloads": [self._workload(2, "reports-1")]},
                {
                    "name": "payments",
                    "callers": ["gateway"],
                    "routes": [{"name": "pay", "method": "GET", "pathPrefix": "/pay"}],
                    "workloads": [
                        self._workload(3, "payments-1"),
                        self._workload(4, "payments-2") | {"version": "v2"},
                    ],
                    **payments,
                },
            ],
        }
        fresh = self.mesh_path.with_suffix(".new")
        fresh.write_text(json.dumps(document, indent=1) if text is None else text)
        fresh.replace(self.mesh_path)

    def apply(self, **payments: Any) -> float:
        """Write mesh.yaml and wait until every Envoy has it; return the seconds that took."""
        start = time.monotonic()
        self.write(**payments)
        mesh = load(self.mesh_path)

        def applied() -> bool:
            return self.control.mesh == mesh and not self.control.rejected and self.in_sync()

        wait_until(applied, within_s=10)
        return time.monotonic() - start

    def in_sync(self) -> bool:
        """Return True when all Envoys are there and have acknowledged everything."""
        proxies = self.status()["proxies"]
        return len(proxies) == len(SIDECARS) and all(proxy["in_sync"] for proxy in proxies)

    def status(self) -> Any:
        """Return the control plane's own report."""
        return self._run(_value(self.control.status))

    def address(self, node_id: str) -> str:
        """Return the address of a workload."""
        found = self.control.mesh.find(node_id)
        assert found
        return found[1].address

    def pay(self) -> Answer:
        """Ask the gateway from outside of the mesh; it asks payments."""
        return ask(HTTPConnection(self.address("gateway-1"), INBOUND_PORT, timeout=5), "gateway")

    def call_out(self, host: str) -> Answer:
        """Ask a host as the gateway's application does: through its outbound listener."""
        return ask(HTTPConnection(self.address("gateway-1"), OUTBOUND_PORT, timeout=5), host)

    def call_directly(self, identity: str | None) -> tuple[Answer, int]:
        """Ask payments around one's own sidecar; return a hash of its certificate as well.

        ``identity`` is the workload whose certificate is shown; None: none is.
        """
        context = self._tls(identity)
        address = self.address("payments-1")
        connection = HTTPSConnection(address, INBOUND_PORT, timeout=5, context=context)
        try:
            connection.connect()
        except OSError:
            return Answer(0, ""), 0
        served = hash(connection.sock.getpeercert(binary_form=True))
        return ask(connection, "payments"), served

    def stats(self, node_id: str, wanted: str) -> str:
        """Return an Envoy's own counters, as Prometheus text."""
        connection = HTTPConnection(self.address(node_id), ADMIN_PORT, timeout=5)
        connection.request("GET", f"/stats/prometheus?filter={wanted}")
        try:
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def _workload(self, host: int, name: str) -> dict[str, Any]:
        return {"name": name, "address": f"{self.subnet}.{host}"}

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=20)

    async def _serve(self) -> asyncio.Task[None]:
        ready = asyncio.Event()
        admin = f"127.0.0.1:{free_port()}"
        serving = asyncio.create_task(
            self.control.serve(xds=self._xds, admin=admin, ready=ready), name="control plane"
        )
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            waiting.cancel()
            await serving
        return serving

    async def _start_app(self, service: Service, workload: Workload) -> None:
        session = ClientSession(timeout=ClientTimeout(total=5))

        async def answer(_: web.Request) -> web.Response:
            return web.Response(text=f"{service.name} {workload.version}")

        async def call_payments(_: web.Request) -> web.Response:
            url = f"http://{workload.address}:{OUTBOUND_PORT}/pay"
            async with session.get(url, headers={"Host": "payments"}) as response:
                return web.Response(status=response.status, text=await response.text())

        async def end(_: web.Application) -> None:
            await session.close()

        app = web.Application()
        app.router.add_get("/pay", call_payments if service.name == "gateway" else answer)
        app.on_cleanup.append(end)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, workload.address, workload.app_port).start()

    async def _stop(self) -> None:
        if hasattr(self, "_serving"):
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        for runner in self._runners:
            await runner.cleanup()
        await self._loop.shutdown_asyncgens()

    def _tls(self, identity: str | None) -> ssl.SSLContext:
        snapshot = self._run(_value(lambda: self.control.snapshot(identity or "gateway-1")))
        secrets = snapshot.by_type[type_urls.SECRET].encoded
        bundle: Any = Secret.parse(secrets[ROOT]).validation_context
        context = ssl.create_default_context(cadata=bundle.trusted_ca.inline_string)
        context.check_hostname = False  # the name is a URI, not a host
        if identity is not None:
            leaf: Any = Secret.parse(secrets[LEAF]).tls_certificate
            pem = self.directory / f"{identity}.pem"
            pem.write_text(leaf.private_key.inline_string + leaf.certificate_chain.inline_string)
            context.load_cert_chain(pem)
        return context


async def _value(function: Callable[[], T]) -> T:
    return function()


def ask(connection: HTTPConnection, host: str) -> Answer:
    """Send one GET /pay and close the connection."""
    try:
        connection.request("GET", "/pay", headers={"Host": host})
        response = connection.getresponse()
        return Answer(response.status, response.read().decode())
    except (OSError, HTTPException) as error:
        return Answer(0, repr(error))
    finally:
        connection.close()


def wait_until(condition: Callable[[], bool], *, within_s: float) -> None:
    """Return as soon as a condition holds; fail the test when it does not in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s} s"
        time.sleep(0.02)


def free_port() -> int:
    """Return a TCP port that was free a moment ago on 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
