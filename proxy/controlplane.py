"""The loop of the control plane: watch mesh.yaml, renew certificates, publish snapshots.

An invalid mesh.yaml is reported and changes nothing: the last good mesh stays in force.
"""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from aiohttp import web
from watchfiles import awatch

from proxy.errors import InvalidMesh, UnknownNode
from proxy.exposition import expose
from proxy.identity import Authority, Svid, new_authority
from proxy.mesh import Mesh
from proxy.mesh_file import load
from proxy.server import AdsServer, status_app
from proxy.snapshot import Snapshot, build

log = structlog.get_logger()


class ControlPlane:
    """The mesh in force, the identities issued for it, and the proxies that have it."""

    def __init__(self, mesh_path: Path) -> None:
        """Read the mesh; InvalidMesh when there is none to start from."""
        self._path = mesh_path
        self.mesh: Mesh = load(mesh_path)
        self.rejected: str = ""
        self._authority: Authority = new_authority(self.mesh.trust_domain)
        self._svids: dict[str, Svid] = {}
        self._renewal_changed = asyncio.Event()
        self._ads = AdsServer(self.snapshot)

    def snapshot(self, node_id: str) -> Snapshot:
        """Return the configuration of a proxy, with the identity in force for it."""
        found = self.mesh.find(node_id)
        if found is None:
            raise UnknownNode(f"no workload of the mesh is called {node_id!r}")
        svid = self._svids.get(node_id)
        if svid is None or svid.spiffe_id != self.mesh.spiffe_id(found[0].name):
            svid = self._issue(node_id, found[0].name)
        return build(self.mesh, node_id, svid=svid, bundle_pem=self._authority.certificate_pem)

    async def serve(self, *, xds: str, admin: str, ready: asyncio.Event | None = None) -> None:
        """Serve until cancelled; OSError when a port is taken."""
        await self._ads.start(xds)
        runner = web.AppRunner(status_app(self.status, self.metrics), access_log=None)
        await runner.setup()
        host, _, port = admin.rpartition(":")
        try:
            await web.TCPSite(runner, host, int(port)).start()
        except OSError as error:
            raise OSError(f"cannot listen on {admin} (--admin): {error.strerror}") from error
        if ready is not None:
            ready.set()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch())
                tasks.create_task(self._rotate())
        finally:
            await self._ads.stop()
            await runner.cleanup()

    def status(self) -> dict[str, object]:
        """Return the state that an operator asks for."""
        return {
            "proxies": self._ads.status(),
            "expected": [w.name for s in self.mesh.services for w in s.workloads],
            "rejected_mesh": self.rejected,
            "certificates": {
                node_id: svid.not_after.isoformat() for node_id, svid in self._svids.items()
            },
        }

    def metrics(self) -> str:
        """Return what a Prometheus scrapes."""
        services = {w.name: s.name for s in self.mesh.services for w in s.workloads}
        return expose(
            services, self._ads.in_sync(), self._ads.pushes, is_rejected=bool(self.rejected)
        )

    def reload(self) -> None:
        """Read mesh.yaml again and publish it, or keep the last good one and say why."""
        try:
            mesh = load(self._path)
        except InvalidMesh as error:
            self.rejected = str(error)
            log.warning("mesh.yaml rejected; the last good mesh stays", problems=str(error))
            return
        self.rejected = ""
        if mesh.identity.ttl_seconds != self.mesh.identity.ttl_seconds:
            self._svids.clear()
        if mesh.trust_domain != self.mesh.trust_domain:
            self._authority = new_authority(mesh.trust_domain)
        self._svids = {node_id: svid for node_id, svid in self._svids.items() if mesh.find(node_id)}
        self.mesh = mesh
        self._renewal_changed.set()
        self._ads.publish()
        log.info("mesh published", services=len(mesh.services))

    def renew(self, now: datetime) -> list[str]:
        """Issue new identities for those past half of their life; return whose they are."""
        if self.mesh.identity.rotation == "paused":
            return []
        due = [node_id for node_id, svid in self._svids.items() if svid.due(now)]
        for node_id in due:
            if found := self.mesh.find(node_id):
                self._issue(node_id, found[0].name)
        return due

    def _issue(self, node_id: str, service: str) -> Svid:
        svid = self._authority.issue(
            self.mesh.spiffe_id(service),
            ttl=timedelta(seconds=self.mesh.identity.ttl_seconds),
            now=datetime.now(UTC),
        )
        self._svids[node_id] = svid
        return svid

    async def _watch(self) -> None:
        # The directory is watched, since editors and atomic writers replace the file.
        async for changes in awatch(self._path.parent, debounce=100, step=50):
            if any(Path(path).name == self._path.name for _, path in changes):
                self.reload()

    async def _rotate(self) -> None:
        while True:
            # A new mesh.yaml may shorten the life of certificates: it ends the pause at once.
            with suppress(TimeoutError):
                async with asyncio.timeout(min(self.mesh.identity.ttl_seconds / 10, 30)):
                    await self._renewal_changed.wait()
            self._renewal_changed.clear()
            renewed = self.renew(datetime.now(UTC))
            if renewed:
                self._ads.publish()
                log.info("identities renewed", nodes=renewed)
