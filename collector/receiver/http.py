"""OTLP over HTTP: the listener on one port, with deadlines, TLS and a thread of its own.

Never looks into a request; ``http_app`` does. The end lets requests in flight be committed.
Spec: https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import errno
import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import uvicorn

from collector.receiver.access import OPEN, Access
from collector.receiver.admission import Admission
from collector.receiver.cors import Cors
from collector.receiver.errors import PortInUse
from collector.receiver.export import SignalName, Sink
from collector.receiver.http_app import PATHS, OtlpApp
from collector.receiver.http_connection import DEADLINES, Deadlines, protocol
from collector.receiver.tls import ssl_context

DEFAULT_PORT: Final = 4318
MAX_BODY_BYTES: Final = 64 * 2**20
_DECODERS: Final = 4
"""Decoding holds the interpreter, so that more threads would only wait for each other."""
_GRACE_S: Final = 5
NO_CORS: Final = Cors()


@dataclass(frozen=True, slots=True)
class HttpReceiver:
    """A listening server; ``port`` is the real one when 0 was asked for."""

    host: str
    port: int
    server: uvicorn.Server
    thread: threading.Thread
    pool: ThreadPoolExecutor

    def stop(self) -> None:
        """Refuse new requests, let those in flight end. Close the writer after this."""
        self.server.should_exit = True
        self.thread.join()
        self.pool.shutdown()


def start_http(
    sink: Sink,
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    max_body_bytes: int = MAX_BODY_BYTES,
    access: Access = OPEN,
    cors: Cors = NO_CORS,
    admission: Admission | None = None,
    deadlines: Deadlines = DEADLINES,
    paths: Mapping[str, SignalName] = PATHS,
    clock_ns: Callable[[], int] = time.time_ns,
    setting: str = "otlp_http_port",
) -> HttpReceiver:
    """Listen in a thread of its own; raise PortInUse (names ``setting``) or BadCredentialFile."""
    context = ssl_context(access.tls) if access.tls else None
    listener = _listen(host, port, setting)
    pool = ThreadPoolExecutor(_DECODERS, thread_name_prefix="otlp-http-decode")
    gate = admission or Admission()
    app = OtlpApp(sink, pool, max_body_bytes, access, cors, gate, clock_ns, paths)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=protocol(deadlines),
            ws="none",
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            ssl_context_factory=(lambda _config, _default: context) if context else None,
            timeout_keep_alive=deadlines.idle_s,  # type: ignore[arg-type] # a float does as well
            timeout_graceful_shutdown=_GRACE_S,
        )
    )
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="otlp-http", daemon=True
    )
    bound = listener.getsockname()[1]
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.005)
    return HttpReceiver(host, bound, server, thread, pool)


def _listen(host: str, port: int, setting: str) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortInUse(host, port, setting) from error
    return listener
