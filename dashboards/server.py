"""The composition root: settings -> store -> writer -> receivers -> web app, in one process.

One process owns the DuckDB file (ADR 1), so ingest, queries, evaluation and the pages live here
together. The end is the reverse of the start: no new telemetry, drain what came, close the file.
"""

import contextlib
import importlib.metadata
import signal
import socket
import time
from collections.abc import Iterator
from types import FrameType

import structlog
import uvicorn

from collector.receiver.errors import PortInUse
from collector.receiver.grpc import start_grpc
from collector.receiver.http import start_http
from collector.store.errors import StoreError
from collector.store.store import Store, open_store
from collector.store.writer import Writer
from dashboards.settings import ServerSettings, split_address
from dashboards.web.app import create_app
from dashboards.web.deps import Deps
from slo.errors import OpenSloError
from slo.model import Slo
from slo.openslo import load_openslo

log = structlog.get_logger()

GRACE_S = 3


class ServerFailed(Exception):
    """The server cannot start; the text names what to change."""


def run(settings: ServerSettings) -> None:
    """Serve until SIGINT or SIGTERM; ServerFailed when it cannot start."""
    slos = _objectives(settings)
    try:
        with open_store(settings.store) as store:
            _serve(settings, store, slos)
    except (StoreError, PortInUse) as error:
        raise ServerFailed(str(error)) from error


def _serve(settings: ServerSettings, store: Store, slos: tuple[Slo, ...]) -> None:
    deps = Deps(
        store=store,
        slos=slos,
        clock_s=time.time,
        version=importlib.metadata.version("meshscope"),
        grafana_url=settings.grafana_url,
    )
    with (
        _listen(settings.web, "--web (or MESHSCOPE_WEB)") as listener,
        contextlib.closing(Writer(store)) as writer,
        _receivers(settings, writer),
    ):
        log.info(
            "meshscope serves",
            web=f"http://{settings.web}/",
            otlp_grpc=settings.otlp_grpc,
            otlp_http=settings.otlp_http,
            store=str(settings.store),
            objectives=len(slos),
        )
        config = uvicorn.Config(
            create_app(deps),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _ended)
        uvicorn.Server(config).run(sockets=[listener])


def _ended(_number: int, _frame: FrameType | None) -> None:
    """Take the signal that uvicorn raises again after its end: draining and closing follow."""


@contextlib.contextmanager
def _receivers(settings: ServerSettings, writer: Writer) -> Iterator[None]:
    """Hold both OTLP receivers open; they end before the writer does."""
    with contextlib.ExitStack() as started:
        host, port = split_address(settings.otlp_grpc)
        setting = "--otlp-grpc (or MESHSCOPE_OTLP_GRPC)"
        started.callback(start_grpc(writer, host=host, port=port, setting=setting).stop)
        host, port = split_address(settings.otlp_http)
        setting = "--otlp-http (or MESHSCOPE_OTLP_HTTP)"
        started.callback(
            start_http(
                writer,
                host=host,
                port=port,
                setting=setting,
                max_body_bytes=settings.max_body_bytes,
            ).stop
        )
        yield


@contextlib.contextmanager
def _listen(address: str, setting: str) -> Iterator[socket.socket]:
    """Bind before anything else starts, so that a taken port is one clear line."""
    host, port = split_address(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise PortInUse(host, port, setting) from error
        yield listener


def _objectives(settings: ServerSettings) -> tuple[Slo, ...]:
    try:
        return tuple(load_openslo(settings.slo).slos)
    except (OpenSloError, OSError) as error:
        raise ServerFailed(str(error)) from error
