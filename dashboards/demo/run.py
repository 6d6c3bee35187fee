"""The demo itself: start everything, say where to look, end everything, settle the ledger.

Order of the start: the server (telemetry must have somewhere to go), the control plane, the shop
and its sidecars, then the load. Order of the end: the load, the shop (requests in flight finish),
a wait for the last telemetry, the comparison with the ledger, and the rest.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import httpx
from rich.console import Console

from dashboards.demo.faults import DESCRIPTIONS, FaultName, inject
from dashboards.demo.intent import shop_mesh, to_yaml
from dashboards.demo.measured import Counts, fetch_requests
from dashboards.demo.processes import ChildDied, Children
from proxy.bootstrap import bootstrap
from proxy.mesh import INBOUND_PORT, OUTBOUND_PORT, Mesh, Service, Workload
from proxy.shop.ledger import Ledger, Mismatch, difference, load, merge
from proxy.shop.shop import ENTRY
from slo.client import shown

START_TIMEOUT_S = 60.0
POLL_S = 0.2
LOAD = "load"


class DemoFailed(Exception):
    """The demo cannot go on; the text says what to do."""


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """One run of the demo."""

    directory: Path
    subnet: str
    web: str
    otlp_grpc: str
    otlp_http: str
    xds: str
    admin: str
    objectives: Path
    rate_rps: float = 25.0
    duration_s: float | None = None
    """None: until Ctrl-C."""
    flush_seconds: float = 2.0
    fault: FaultName | None = None
    fault_after_s: float = 60.0
    fault_for_s: float | None = None
    """None: until the end."""
    seed: int = 7
    token: str = ""
    """For the server, if its variables make it ask for one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run: the truth, the measurement and where they differ."""

    ledger: Ledger
    measured: Counts
    mismatches: list[Mismatch] = field(default_factory=list)


def run_demo(settings: DemoSettings, console: Console) -> Outcome:
    """Run until the duration is over or a signal arrives; return the settled outcome.

    Raises DemoFailed when something does not start or dies; no process is left in any case.
    """
    settings.directory.mkdir(parents=True, exist_ok=True)
    mesh = shop_mesh(
        subnet=settings.subnet, otlp=settings.otlp_grpc, flush_seconds=settings.flush_seconds
    )
    children = Children(settings.directory)
    with _stop_signals() as stopped:
        try:
            _start(settings, mesh, children, console, stopped)
            if not stopped():
                _announce(settings, mesh, console)
                _stay(settings, mesh, children, console, stopped)
            return _settle(settings, mesh, children, console)
        except ChildDied as error:
            raise DemoFailed(str(error)) from error
        finally:
            children.stop_all(grace_s=5)


def _start(
    settings: DemoSettings,
    mesh: Mesh,
    children: Children,
    console: Console,
    stopped: Callable[[], bool],
) -> None:
    started = time.monotonic()
    with console.status("starting the collector and the dashboard") as status:
        _write_mesh(settings, mesh)
        children.start_python(
            "server",
            ["-m", "dashboards.cli", "serve", "--store", str(settings.directory / "demo.duckdb"),
             "--web", settings.web, "--otlp-grpc", settings.otlp_grpc,
             "--otlp-http", settings.otlp_http, "--slo", str(settings.objectives)],
        )  # fmt: skip
        children.start_python(
            "control-plane",
            ["-m", "dashboards.cli", "mesh", "serve", str(_mesh_path(settings)),
             "--xds", settings.xds, "--admin", settings.admin],
        )  # fmt: skip
        for service, workload in _workloads(mesh):
            children.start_python(workload.name, _workload_arguments(settings, service, workload))
        for service, workload in _workloads(mesh):
            children.start_envoy(
                f"{workload.name}-envoy", bootstrap(mesh, service, workload, xds=settings.xds)
            )
        for what, is_ready in _steps(settings, mesh):
            status.update(f"waiting for {what}")
            if not _wait(is_ready, children, stopped):
                return
        status.update("starting the load")
        children.start_python(LOAD, _load_arguments(settings, mesh))
        status.update("waiting for the first telemetry of all services")
        if not _wait(
            lambda: _drawn(settings) >= {s.name for s in mesh.services}, children, stopped
        ):
            return
    console.print(f"[green]ready[/] in {time.monotonic() - started:.1f} s")


def _steps(settings: DemoSettings, mesh: Mesh) -> list[tuple[str, Callable[[], bool]]]:
    return [
        ("the collector", lambda: _answers(f"http://{settings.web}/readyz")),
        (
            "the shop's services",
            lambda: all(
                _answers(f"http://{workload.address}:{workload.app_port}/_workload/health")
                for _, workload in _workloads(mesh)
            ),
        ),
        ("the sidecars to take their configuration", lambda: _in_sync(settings)),
    ]


def _stay(
    settings: DemoSettings,
    mesh: Mesh,
    children: Children,
    console: Console,
    stopped: Callable[[], bool],
) -> None:
    """Let the demo run, watch the children, inject and heal the fault when it is time."""
    started = time.monotonic()
    actions: list[tuple[float, Callable[[], None]]] = []
    if settings.fault is not None:
        fault = settings.fault
        actions.append(
            (settings.fault_after_s, lambda: _change(settings, inject(mesh, fault), console,
                                                     f"[yellow]fault:[/] {DESCRIPTIONS[fault]}"))
        )  # fmt: skip
        if settings.fault_for_s is not None:
            actions.append(
                (settings.fault_after_s + settings.fault_for_s,
                 lambda: _change(settings, mesh, console, "[green]fault healed[/]"))
            )  # fmt: skip
    while not stopped():
        elapsed = time.monotonic() - started
        if settings.duration_s is not None and elapsed >= settings.duration_s:
            return
        while actions and elapsed >= actions[0][0]:
            actions.pop(0)[1]()
        children.check()
        time.sleep(POLL_S)


def _settle(settings: DemoSettings, mesh: Mesh, children: Children, console: Console) -> Outcome:
    """Stop the load and the shop, wait until the last telemetry is in, compare with the ledger."""
    if LOAD not in children.running:
        raise DemoFailed("stopped before the demo had started")
    with console.status("ending the load, and waiting for the last telemetry"):
        children.stop([LOAD], grace_s=15)
        children.stop([workload.name for _, workload in _workloads(mesh)], grace_s=10)
        ledger = merge(load(path) for path in sorted(settings.directory.glob("*.ledger.json")))
        deadline = time.monotonic() + 3 * settings.flush_seconds + 5
        while True:
            measured = fetch_requests(f"http://{settings.web}", settings.token)
            mismatches = difference(ledger, measured)
            if not mismatches or time.monotonic() > deadline:
                return Outcome(ledger, measured, mismatches)
            time.sleep(POLL_S)


def _announce(settings: DemoSettings, mesh: Mesh, console: Console) -> None:
    console.print(f"\n  dashboard   [bold link]http://{settings.web}/[/]")
    console.print(f"  OTLP        grpc {settings.otlp_grpc}, http {settings.otlp_http}")
    console.print(f"  shop        {_gateway(mesh)}/ (the gateway)")
    console.print(f"  files       {settings.directory} (mesh.yaml may be edited while it runs)")
    console.print("\n  Ctrl-C ends all of it.\n")


def _change(settings: DemoSettings, mesh: Mesh, console: Console, said: str) -> None:
    _write_mesh(settings, mesh)
    console.print(f"{time.strftime('%H:%M:%S')} {said}")


def _workloads(mesh: Mesh) -> Iterator[tuple[Service, Workload]]:
    for service in mesh.services:
        for workload in service.workloads:
            yield service, workload


def _workload_arguments(settings: DemoSettings, service: Service, workload: Workload) -> list[str]:
    return [
        "-m", "proxy.shop.workload", "--service", service.name, "--version", workload.version,
        "--listen", f"{workload.address}:{workload.app_port}",
        "--outbound", f"http://{workload.address}:{OUTBOUND_PORT}",
        "--ledger", str(settings.directory / f"{workload.name}.ledger.json"),
        "--seed", str(settings.seed),
    ]  # fmt: skip


def _load_arguments(settings: DemoSettings, mesh: Mesh) -> list[str]:
    return [
        "-m", "proxy.shop.load", "--target", _gateway(mesh),
        "--rate", str(settings.rate_rps), "--seed", str(settings.seed),
        "--ledger", str(settings.directory / f"{LOAD}.ledger.json"),
    ]  # fmt: skip


def _gateway(mesh: Mesh) -> str:
    return f"http://{mesh.service(ENTRY).workloads[0].address}:{INBOUND_PORT}"


def _mesh_path(settings: DemoSettings) -> Path:
    return settings.directory / "mesh.yaml"


def _write_mesh(settings: DemoSettings, mesh: Mesh) -> None:
    draft = settings.directory / ".mesh.yaml.draft"
    draft.write_text(to_yaml(mesh), encoding="utf-8")
    draft.replace(_mesh_path(settings))


def _wait(is_ready: Callable[[], bool], children: Children, stopped: Callable[[], bool]) -> bool:
    """Wait until something is ready; False when stopped, DemoFailed when it takes too long."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while not is_ready():
        children.check()
        if stopped():
            return False
        if time.monotonic() > deadline:
            raise DemoFailed(
                f"the demo did not start within {START_TIMEOUT_S:.0f} s; "
                f"the logs in {children.directory} may say why"
            )
        time.sleep(POLL_S)
    return True


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _in_sync(settings: DemoSettings) -> bool:
    try:
        state = httpx.get(f"http://{settings.admin}/v1/status", timeout=2).json()
    except (httpx.HTTPError, ValueError):
        return False
    synced = {proxy["node"] for proxy in state["proxies"] if proxy["in_sync"]}
    return synced >= set(state["expected"])


def _drawn(settings: DemoSettings) -> set[str]:
    """Return the services that the topology has traffic for."""
    try:
        url = f"http://{settings.web}/api/topology?from=now-15m"
        graph = httpx.get(url, headers=shown(settings.token), timeout=5).json()
    except (httpx.HTTPError, ValueError):
        return set()
    return {node["id"] for node in graph.get("nodes", []) if node["requests"]}


@contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether SIGINT or SIGTERM has arrived; a second SIGINT aborts."""
    arrived: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        arrived.append(number)
        if len(arrived) > 1:
            raise KeyboardInterrupt

    before = {name: signal.signal(name, note) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(arrived)
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
