"""OTLP over gRPC: three services with raw-bytes handlers on one port, and the health service.

Never parses a message itself, never answers before the commit. gRPC unpacks gzip within the size
limit, and refuses what is over it by RESOURCE_EXHAUSTED without RetryInfo, which a sender must not
retry. How many calls are in flight is bounded here and not by gRPC, whose own refusal looks
permanent.
Spec: https://opentelemetry.io/docs/specs/otlp/#otlpgrpc
"""

import functools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import grpc

from collector.otlp.errors import MalformedPayload
from collector.receiver.access import OPEN, Access
from collector.receiver.admission import Admission
from collector.receiver.errors import BadCredentialFile, PortInUse, Unauthenticated
from collector.receiver.export import (
    MAX_RESPONSE_BYTES,
    SIGNALS,
    SignalName,
    Sink,
    export,
    note_refused,
)
from collector.receiver.faults import Fault, fault_of
from collector.receiver.health import LOOK_EVERY_S, Health, Trouble, no_trouble
from collector.receiver.overdue import Overdue
from collector.receiver.tls import grpc_credentials
from collector.store.errors import StoreClosed

DEFAULT_PORT: Final = 4317
MAX_MESSAGE_BYTES: Final = 16 * 2**20
MESSAGE_S: Final = 60.0
"""A call whose message is not there by then is cut off."""
_SPARE_THREADS: Final = 8
"""They tell those beyond the bound to come again."""
_LAST_S: Final = 0.5
"""After the last commit, for answers on their way; who watches the health is cut off then."""
_STREAMS_PER_CONNECTION: Final = 1024

_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
_METHODS: Final[Mapping[str, SignalName]] = {
    f"/{signal.service}/Export": name for name, signal in SIGNALS.items()
}


@dataclass(frozen=True, slots=True)
class Keepalive:
    """How connections are kept and ended. ``max_age_s`` None lets them live for ever.

    A finite age makes clients come anew, so that a balancer of connections spreads them.
    """

    ping_after_s: float = 120.0
    ping_timeout_s: float = 20.0
    min_client_ping_s: float = 5.0
    max_idle_s: float | None = None
    max_age_s: float | None = None
    max_age_grace_s: float = 30.0

    def options(self) -> list[tuple[str, int]]:
        """Return the channel arguments of gRPC."""
        seconds = {
            "grpc.keepalive_time_ms": self.ping_after_s,
            "grpc.keepalive_timeout_ms": self.ping_timeout_s,
            "grpc.http2.min_ping_interval_without_data_ms": self.min_client_ping_s,
            "grpc.max_connection_idle_ms": self.max_idle_s,
            "grpc.max_connection_age_ms": self.max_age_s,
            "grpc.max_connection_age_grace_ms": self.max_age_grace_s,
        }
        options = [(name, int(value * 1000)) for name, value in seconds.items() if value]
        return [*options, ("grpc.keepalive_permit_without_calls", 1)]


KEEPALIVE: Final = Keepalive()


@dataclass(frozen=True, slots=True)
class GrpcReceiver:
    """A listening server; ``port`` is the real one when 0 was asked for."""

    host: str
    port: int
    server: Any
    health: Health
    services: "_Services"

    def stop(self, grace_s: float = 5.0) -> None:
        """Refuse new calls by UNAVAILABLE, let those in flight end. Close the writer after this."""
        self.services.turn_all_away()
        self.health.end()
        self.services.wait_for_calls(grace_s)
        self.server.stop(min(grace_s, _LAST_S)).wait()
        self.services.close()


def start_grpc(
    sink: Sink,
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    max_message_bytes: int = MAX_MESSAGE_BYTES,
    access: Access = OPEN,
    admission: Admission | None = None,
    keepalive: Keepalive = KEEPALIVE,
    message_s: float = MESSAGE_S,
    trouble: Trouble = no_trouble,
    look_every_s: float = LOOK_EVERY_S,
    clock_ns: Callable[[], int] = time.time_ns,
    setting: str = "otlp_grpc_port",
) -> GrpcReceiver:
    """Listen; raise PortInUse, which names ``setting``, or BadCredentialFile.

    ``trouble`` is what the health service follows, looked at every ``look_every_s``.
    """
    gate = admission or Admission()
    threads = ThreadPoolExecutor(
        gate.max_requests + _SPARE_THREADS, thread_name_prefix="otlp-grpc"
    )  # made when needed, not before
    server = grpc.server(
        threads,
        options=[
            ("grpc.max_receive_message_length", max_message_bytes),
            ("grpc.max_send_message_length", MAX_RESPONSE_BYTES),
            ("grpc.so_reuseport", 0),  # else two servers share a port, and each gets half
            ("grpc.max_concurrent_streams", _STREAMS_PER_CONNECTION),
            ("grpc.server_handshake_timeout_ms", 20_000),
            *keepalive.options(),
        ],
    )
    services = _Services(sink, gate, access, clock_ns, message_s)
    server.add_generic_rpc_handlers((services,))
    checks = Health((signal.service for signal in SIGNALS.values()), trouble, look_every_s)
    checks.serve(server)
    try:
        bound = _bind(server, f"{_bracketed(host)}:{port}", access)
    except RuntimeError as error:
        services.close()
        raise PortInUse(host, port, setting) from error
    except BadCredentialFile:
        services.close()
        raise
    server.start()
    checks.start()
    return GrpcReceiver(host, bound, server, checks, services)


def _bind(server: Any, address: str, access: Access) -> int:
    if access.tls is None:
        return int(server.add_insecure_port(address))
    return int(server.add_secure_port(address, grpc_credentials(access.tls)))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class _Services(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Finds the handler of a method, and looks at the token before any of the body is read."""

    def __init__(
        self,
        sink: Sink,
        admission: Admission,
        access: Access,
        clock_ns: Callable[[], int],
        message_s: float,
    ) -> None:
        self._sink, self._admission, self._access = sink, admission, access
        self._clock_ns = clock_ns
        self._changed = threading.Condition()
        self._in_flight = 0
        self._is_draining = False
        self._overdue = Overdue(message_s)
        self._handlers = {
            name: grpc.stream_unary_rpc_method_handler(functools.partial(self._export, name))
            for name in SIGNALS
        }

    def service(self, handler_call_details: Any) -> Any:
        """Return the handler; None, which is UNIMPLEMENTED, for what is no method of ours."""
        name = _METHODS.get(handler_call_details.method)
        if name is None:
            return None
        if not self._access.admit(_authorization(handler_call_details)):
            return self._turn_away(name, Unauthenticated())
        if self._is_draining:
            return self._turn_away(name, StoreClosed("the server is stopping; send again"))
        return self._handlers[name]

    def turn_all_away(self) -> None:
        """Take no more calls."""
        self._is_draining = True

    def wait_for_calls(self, grace_s: float) -> None:
        """Return when those in flight are answered, or after the time."""
        with self._changed:
            self._changed.wait_for(lambda: self._in_flight == 0, grace_s)

    def close(self) -> None:
        """End the watch over calls."""
        self._overdue.close()

    def _export(self, name: SignalName, messages: Iterator[bytes], context: Any) -> bytes:
        """Answer one call. Taken as a stream, it is admitted before its message is read."""
        self._count(1)
        try:
            with self._admission.enter() as ticket:
                body = self._read(messages, context)
                ticket.hold(len(body))
                response = export(self._sink, name, body, now_ns=self._clock_ns())
            encoded: bytes = response.SerializeToString()
        except grpc.RpcError:
            raise  # the sender left, was cut off, or sent too much: gRPC has told it
        except Exception as error:
            self._refuse(name, error, context)
            raise
        finally:
            self._count(-1)
        return encoded

    def _read(self, messages: Iterator[bytes], context: Any) -> bytes:
        with self._overdue.watch(context):
            for body in messages:
                return body
        raise MalformedPayload("the call has no message")

    def _count(self, change: int) -> None:
        with self._changed:
            self._in_flight += change
            self._changed.notify_all()

    def _turn_away(self, name: SignalName, error: Exception) -> Any:
        """Return a handler that answers before it reads."""

        def refuse(_unread: Iterator[bytes], context: Any) -> bytes:
            self._refuse(name, error, context)
            raise error

        return grpc.stream_unary_rpc_method_handler(refuse)

    def _refuse(self, name: SignalName, error: Exception, context: Any) -> None:
        note_refused(self._sink, name, error)
        _abort(context, fault_of(error))


def _authorization(details: Any) -> str | None:
    for key, value in details.invocation_metadata:
        if key == "authorization" and isinstance(value, str):
            return value
    return None


def _abort(context: Any, fault: Fault) -> None:
    details = fault.status.SerializeToString()
    context.set_trailing_metadata((("grpc-status-details-bin", details),))
    context.abort(_CODES[fault.code], fault.message)
