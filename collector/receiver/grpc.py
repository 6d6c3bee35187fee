"""OTLP over gRPC: three services with raw-bytes handlers on one port.

Never parses a message itself, never answers before the commit. A message over the size limit is
refused by gRPC with RESOURCE_EXHAUSTED and no RetryInfo, which a sender must not retry.
Spec: https://opentelemetry.io/docs/specs/otlp/#otlpgrpc
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import grpc

from collector.receiver.errors import PortInUse
from collector.receiver.export import SIGNALS, SignalName, Sink, export
from collector.receiver.faults import Fault, fault_of

DEFAULT_PORT: Final = 4317
MAX_MESSAGE_BYTES: Final = 16 * 2**20
_THREADS: Final = 64
"""Most of them wait for a commit."""

_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}


@dataclass(frozen=True, slots=True)
class GrpcReceiver:
    """A listening server; ``port`` is the real one when 0 was asked for."""

    host: str
    port: int
    server: Any

    def stop(self, grace_s: float = 5.0) -> None:
        """Refuse new calls, let those in flight end. Close the writer after this."""
        self.server.stop(grace_s).wait()


def start_grpc(
    sink: Sink,
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    max_message_bytes: int = MAX_MESSAGE_BYTES,
    threads: int = _THREADS,
    setting: str = "otlp_grpc_port",
) -> GrpcReceiver:
    """Listen; raise PortInUse, which names ``setting``, when the port is taken."""
    server = grpc.server(
        ThreadPoolExecutor(threads, thread_name_prefix="otlp-grpc"),
        options=[
            ("grpc.max_receive_message_length", max_message_bytes),
            ("grpc.so_reuseport", 0),  # else two servers share a port, and each gets half
            ("grpc.max_concurrent_streams", 2 * threads),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
        ],
    )
    for name, signal in SIGNALS.items():
        handler = grpc.unary_unary_rpc_method_handler(_handler(sink, name))
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(signal.service, {"Export": handler}),)
        )
    try:
        bound = server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as error:
        raise PortInUse(host, port, setting) from error
    server.start()
    return GrpcReceiver(host, bound, server)


def _handler(sink: Sink, name: SignalName) -> Callable[[bytes, Any], bytes]:
    def handle(body: bytes, context: Any) -> bytes:
        try:
            encoded: bytes = export(sink, name, body).SerializeToString()
        except Exception as error:
            _abort(context, fault_of(error))
            raise
        return encoded

    return handle


def _abort(context: Any, fault: Fault) -> None:
    details = fault.status.SerializeToString()
    context.set_trailing_metadata((("grpc-status-details-bin", details),))
    context.abort(_CODES[fault.code], fault.message)
