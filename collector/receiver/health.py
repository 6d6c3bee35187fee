"""grpc.health.v1 that tells the truth: NOT_SERVING while telemetry would be refused.

A balancer or a kubelet that asks is told what a sender would be told: the disk is full, the store
is broken, the server is ending. Never decides that itself; it asks ``trouble``, once a second.
Spec: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
"""

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

from grpc_health.v1 import health, health_pb2, health_pb2_grpc

_LOG: Final = logging.getLogger(__name__)
LOOK_EVERY_S: Final = 1.0
_SERVING: Final = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING

Trouble = Callable[[], str]
"""Why telemetry cannot be taken now; empty when it can."""


def no_trouble() -> str:
    """Return that all is well: for a sink that cannot be in trouble."""
    return ""


class Health:
    """The health service of one server, and the thread that keeps it current."""

    def __init__(
        self, services: Iterable[str], trouble: Trouble, look_every_s: float = LOOK_EVERY_S
    ) -> None:
        self._services, self._trouble = ("", *services), trouble
        self._look_every_s = look_every_s
        self._servicer = health.HealthServicer(experimental_non_blocking=True)
        self._said: str | None = None
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="otlp-grpc-health", daemon=True)

    def serve(self, server: Any) -> None:
        """Answer on this server; call it before the server starts."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    def start(self) -> None:
        """Say how it is, then follow it."""
        self._look()
        self._thread.start()

    def end(self) -> None:
        """Say NOT_SERVING from now on, whatever happens."""
        self._is_ending.set()
        self._servicer.enter_graceful_shutdown()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._is_ending.wait(self._look_every_s):
            self._look()

    def _look(self) -> None:
        try:
            said = self._trouble()
        except Exception:  # noqa: BLE001 - who cannot tell is not well
            _LOG.exception("it cannot be told whether telemetry would be taken")
            said = "unknown"
        if (self._said is None) or bool(said) is not bool(self._said):
            for service in self._services:
                self._servicer.set(service, _NOT_SERVING if said else _SERVING)
        self._said = said
