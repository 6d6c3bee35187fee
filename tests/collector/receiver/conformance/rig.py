"""What the conformance tests drive the servers with: requests, sinks, raw sockets, certificates."""

import datetime as dt
import ipaddress
import json
import socket
import struct
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from collector.receiver.export import SIGNALS
from collector.store.acks import Ack
from tests.collector.exports import SECOND, T0, metrics, put_attributes, span_request

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
METHODS = {name: f"/{signal.service}/Export" for name, signal in SIGNALS.items()}
TRACES = METHODS["traces"]
REJECTED = {name: signal.rejected_field for name, signal in SIGNALS.items()}


def now_ns():
    """The clock of the servers stands a minute after the telemetry of the tests."""
    return T0 + 60 * SECOND


def log_request(**fields) -> bytes:
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    put_attributes(resource_logs.resource.attributes, {"service.name": "frontend"})
    resource_logs.scope_logs.add().log_records.add(**{"time_unix_nano": T0} | fields)
    return request.SerializeToString()


GOOD = {
    "traces": span_request(),
    "metrics": metrics([("requests", {}, 1)], time_ns=T0 + SECOND),
    "logs": log_request(),
}
"""A request with one good item for each signal."""
BAD = {
    "traces": span_request(trace_id=b"\0" * 16),
    "metrics": metrics([("requests", {}, 1)], time_ns=0),
    "logs": log_request(time_unix_nano=2**64 - 1),
}
"""A request with one item that is rejected."""


def json_span(**fields):
    """Return a good span as OTLP/JSON."""
    return {
        "traceId": "01" * 16,
        "spanId": "02" * 8,
        "startTimeUnixNano": str(T0),
        "endTimeUnixNano": str(T0 + 5),
    } | fields


def json_request(*spans) -> bytes:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()


def call(receiver, method, body, *, compression=None, metadata=None, credentials=None):
    """Send one unary call by a channel of its own."""
    address = f"127.0.0.1:{receiver.port}"
    options = [("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
    channel = (
        grpc.secure_channel(address, credentials, options)
        if credentials
        else grpc.insecure_channel(address, options)
    )
    with channel:
        return channel.unary_unary(method)(
            body, timeout=20, compression=compression, metadata=metadata
        )


def detail(status, kind):
    """Return the detail of a kind in a google.rpc.Status, or None."""
    for packed in status.details:
        found = kind()
        if packed.Unpack(found):
            return found
    return None


def status_of(reply):
    """Return the google.rpc.Status of an HTTP answer, in whichever encoding it has."""
    if reply.headers["content-type"] == "application/x-protobuf":
        return Status.FromString(reply.content)
    assert reply.headers["content-type"] == "application/json"
    return Status(code=reply.json()["code"], message=reply.json()["message"])


def over_http(node, name, body, **headers):
    """Send protobuf over HTTP to a node; return the response message."""
    reply = node.http.post(f"/v1/{name}", content=body, headers=PROTOBUF | headers)
    assert reply.status_code == 200, reply.content
    return SIGNALS[name].response_type.FromString(reply.content)


def over_grpc(node, name, body):
    """Send over gRPC to a node; return the response message."""
    return SIGNALS[name].response_type.FromString(call(node.grpc, METHODS[name], body))


class Refusal(NamedTuple):
    """How a gRPC call failed."""

    code: grpc.StatusCode
    message: str
    status: Status | None

    @property
    def retry_s(self):
        found = detail(self.status, RetryInfo) if self.status else None
        return found.retry_delay.seconds if found else None

    @property
    def violations(self):
        found = detail(self.status, BadRequest) if self.status else None
        return [violation.description for violation in found.field_violations] if found else []


def refusal(receiver, method, body, **options) -> Refusal:
    """Send a call that must fail."""
    try:
        reply = call(receiver, method, body, **options)
    except grpc.RpcError as error:
        packed = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
        return Refusal(error.code(), error.details(), packed and Status.FromString(packed))
    raise AssertionError(f"succeeded with {reply!r}")


class Stuck:
    """A sink whose commits end when they are let go, as before a slow disk."""

    def __init__(self):
        self.waiting: list[Future] = []
        self.changed = threading.Condition()

    def submit(self, _batch, _digest):
        future = Future()
        with self.changed:
            self.waiting.append(future)
            self.changed.notify_all()
        return future

    def wait_for(self, number):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.waiting) >= number, 20)

    def let_go(self):
        for future in self.waiting:
            if not future.done():
                future.set_result(Ack(0, "", is_repeat=False))


def raw(port, sent=b"", *, context=None, timeout_s=10) -> bytes:
    """Send bytes over TCP and return all that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout_s) as connection:
        wrapped = context.wrap_socket(connection) if context else connection
        wrapped.sendall(sent)
        received = b""
        while part := wrapped.recv(65536):
            received += part
        return received


class Http2:
    """Just enough HTTP/2 to ping a server and hear that it goes away."""

    PING, GOAWAY = 6, 7

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self._frame(4))
        self.buffer = b""

    def ping(self):
        self.socket.sendall(self._frame(self.PING, b"01234567"))

    def read(self, *kinds):
        """Read on to a frame of one of the kinds; return its kind and payload."""
        while True:
            while len(self.buffer) < 9 or len(self.buffer) < 9 + self._length():
                part = self.socket.recv(65536)
                assert part, "closed by the server"
                self.buffer += part
            length = self._length()
            kind, payload = self.buffer[3], self.buffer[9 : 9 + length]
            self.buffer = self.buffer[9 + length :]
            if kind in kinds:
                return kind, payload

    def close(self):
        self.socket.close()

    def _length(self):
        return int.from_bytes(self.buffer[:3], "big")

    @staticmethod
    def _frame(kind, payload=b""):
        return len(payload).to_bytes(3, "big") + struct.pack(">BBI", kind, 0, 0) + payload


class Authority:
    """A certificate authority for one test."""

    def __init__(self, directory: Path, name="ca"):
        self.directory, self.name = directory, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign(name, self.key.public_key(), is_ca=True)
        self.path = self._write(f"{name}.pem", _pem(self.certificate))

    def issue(self, name) -> tuple[Path, Path]:
        """Write a certificate for 127.0.0.1 and its key; return their paths."""
        key = ec.generate_private_key(ec.SECP256R1())
        chain = self._write(f"{name}.crt", _pem(self._sign(name, key.public_key())))
        encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        return chain, self._write(
            f"{name}.key", key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
        )

    def _write(self, name, content):
        path = self.directory / name
        path.write_bytes(content)
        return path

    def _sign(self, name, public_key, *, is_ca=False):
        start = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
        names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
        return (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(self.name))
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + dt.timedelta(days=2))
            .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self.key, hashes.SHA256())
        )


def _name(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)
