"""The process of one workload: an HTTP server that waits, calls others and answers.

``python -m proxy.shop.workload --service payments --version v1 --listen 127.0.1.5:8080
--outbound http://127.0.1.5:15001 --ledger PATH``. Says ``ready NAME URL`` on standard output once
it listens. Knows other services only by name, through its sidecar. ``/_workload/stats`` and
``/_workload/health`` are for tests and supervisors, and appear in no ledger.
"""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from aiohttp import web

from proxy.shop.ledger import save
from proxy.shop.operation import Call, Operation, Service
from proxy.shop.outbound import Outbound, open_session, trace_context
from proxy.shop.plan import degraded_by, draw_plan, failure_of
from proxy.shop.shop import Workload, service_named
from proxy.shop.signals import stop_requested
from proxy.shop.tally import Tally, saved_regularly

GRACE_S: Final = 5.0
ITEMS: Final = 200
"""Products, orders and charges are numbered up to this."""


@dataclass(frozen=True, slots=True)
class WorkloadSettings:
    """How one workload runs."""

    service: str
    version: str
    host: str
    port: int
    """0: a free one, told by the ``ready`` line."""
    outbound: str
    ledger: Path
    seed: int = 1
    pace: float = 1.0
    failure_ratio: float = 0.0
    grace_s: float = GRACE_S
    """Requests in flight may take so long to end after SIGTERM."""

    @property
    def name(self) -> str:
        """``payments-v1``."""
        return Workload(self.service, self.version).name


class Application:
    """Answers the requests of one service from its row in the table."""

    def __init__(self, settings: WorkloadSettings, outbound: Outbound) -> None:
        self._settings = settings
        self._service: Service = service_named(settings.service)
        self._outbound = outbound
        self._rng = Random(f"{settings.seed}/{settings.name}")
        self._received: Counter[str] = Counter()
        self._in_flight = 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; 404 when the service has no such route."""
        if request.path.startswith("/_workload/"):
            return self._about(request.path)
        operation = self._service.serves(request.method, request.path)
        if operation is None:
            return self._answer(404, "unmatched", [])
        self._received[operation.name] += 1
        self._in_flight += 1
        try:
            await request.read()
            return await self._perform(operation, request)
        finally:
            self._in_flight -= 1

    async def _perform(self, operation: Operation, request: web.BaseRequest) -> web.StreamResponse:
        settings = self._settings
        plan = draw_plan(
            operation, self._rng, pace=settings.pace, failure_ratio=settings.failure_ratio
        )
        item = operation.item_of(request.path) or str(self._rng.randint(1, ITEMS))
        await asyncio.sleep(plan.delay_s)
        if plan.failure is not None:
            return self._answer(plan.failure, operation.name, [])
        degraded: list[str] = []
        for calls in plan.stages:
            statuses = await asyncio.gather(*(self._call(call, item, request) for call in calls))
            failure = failure_of(calls, statuses)
            if failure is not None:
                return self._answer(failure, operation.name, degraded)
            degraded += degraded_by(calls, statuses)
        return self._answer(operation.success_status, operation.name, degraded)

    async def _call(self, call: Call, item: str, request: web.BaseRequest) -> int:
        operation = service_named(call.destination).operation(call.operation)
        context = trace_context(request.headers)
        return await self._outbound.call(call.destination, operation, item=item, context=context)

    def _answer(self, status: int, operation: str, degraded: list[str]) -> web.Response:
        if status == 204:
            return web.Response(status=status)
        body = {
            "service": self._settings.service,
            "version": self._settings.version,
            "operation": operation,
            "degraded": degraded,
        }
        return web.json_response(body, status=status)

    def _about(self, path: str) -> web.Response:
        if path == "/_workload/health":
            return web.Response(text="ok\n")
        if path != "/_workload/stats":
            return web.Response(status=404)
        stats = {
            "service": self._settings.service,
            "version": self._settings.version,
            "received": dict(self._received),
            "in_flight": self._in_flight,
        }
        return web.json_response(stats)


async def serve(settings: WorkloadSettings, tally: Tally) -> None:
    """Serve until asked to stop, then let the requests in flight end."""
    stop = stop_requested()
    session = open_session(user_agent=f"shop-{settings.name}")
    async with session, saved_regularly(tally, settings.ledger):
        outbound = Outbound(
            session, source=settings.service, address=settings.outbound, tally=tally
        )
        server = web.Server(Application(settings, outbound).handle, access_log=None)
        # aiohttp waits this long for handlers, then as long again before it cancels them.
        runner = web.ServerRunner(server, shutdown_timeout=settings.grace_s / 2)
        await runner.setup()
        try:
            await web.TCPSite(runner, settings.host, settings.port).start()
            host, port = runner.addresses[0][:2]
            sys.stdout.write(f"ready {settings.name} http://{host}:{port}\n")
            sys.stdout.flush()
            await stop.wait()
        finally:
            await runner.cleanup()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one workload; its ledger is final once the loop has ended."""
    settings = parse_settings(arguments)
    tally = Tally()
    try:
        asyncio.run(serve(settings, tally))
    finally:
        save(tally.ledger(is_final=True), settings.ledger)


def parse_settings(arguments: Sequence[str] | None) -> WorkloadSettings:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m proxy.shop.workload")
    parser.add_argument("--service", required=True)
    parser.add_argument("--version", default="v1")
    parser.add_argument("--listen", required=True, metavar="HOST:PORT", help="port 0: a free one")
    parser.add_argument("--outbound", required=True, metavar="URL", help="the sidecar's listener")
    parser.add_argument("--ledger", required=True, type=Path, metavar="PATH")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pace", type=float, default=1.0, help="multiplies service times")
    parser.add_argument("--failure-ratio", type=float, default=0.0, help="additional 500s")
    parser.add_argument("--grace-s", type=float, default=GRACE_S, help="to finish after SIGTERM")
    found = parser.parse_args(arguments)
    host, _, port = found.listen.rpartition(":")
    try:
        service = service_named(found.service)
    except KeyError as error:
        parser.error(str(error.args[0]))
    if found.version not in service.versions:
        parser.error(f"{service.name} has no version {found.version!r}")
    if not host or not port.isdecimal():
        parser.error(f"--listen must be HOST:PORT, not {found.listen!r}")
    return WorkloadSettings(
        service=found.service,
        version=found.version,
        host=host,
        port=int(port),
        outbound=found.outbound,
        ledger=found.ledger,
        seed=found.seed,
        pace=found.pace,
        failure_ratio=found.failure_ratio,
        grace_s=found.grace_s,
    )


if __name__ == "__main__":
    main()
