"""Certificates for both listeners, replaced while running: every handshake uses the newest files.

TLS 1.2 at least. With a client CA, a client without a certificate of it is refused, and there is no
session resumption, so that a CA that was taken away is felt by the next connection.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from collector.receiver.errors import BadCredentialFile
from collector.receiver.reloading import Reloading


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: our certificate chain, its key, and the CA of clients that must show theirs."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files, to be watched together."""
        return (self.certificate, self.key, *((self.client_ca,) if self.client_ca else ()))


@dataclass(frozen=True, slots=True)
class _Loaded:
    context: ssl.SSLContext
    grpc_configuration: Any


def ssl_context(files: TlsFiles) -> ssl.SSLContext:
    """Return a context whose handshakes follow the files; raise BadCredentialFile."""
    loaded = Reloading(files.paths, lambda: _load(files))
    outer = _load(files).context

    def choose(
        connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: ssl.SSLContext
    ) -> None:
        connection.context = loaded.current().context

    outer.sni_callback = choose  # called for every handshake, also without a server name
    return outer


def grpc_credentials(files: TlsFiles) -> Any:
    """Return gRPC server credentials that follow the files; raise BadCredentialFile."""
    loaded = Reloading(files.paths, lambda: _load(files))
    return grpc.dynamic_ssl_server_credentials(
        loaded.current().grpc_configuration,
        lambda: loaded.current().grpc_configuration,
        require_client_authentication=files.client_ca is not None,
    )


def _load(files: TlsFiles) -> _Loaded:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    try:
        pem = [path.read_bytes() for path in files.paths]
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
        if files.client_ca:
            context.load_verify_locations(files.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError, ValueError) as error:
        raise BadCredentialFile(files.paths, _reason(error)) from error
    configuration = grpc.ssl_server_certificate_configuration(
        [(pem[1], pem[0])], root_certificates=pem[2] if files.client_ca else None
    )
    return _Loaded(context, configuration)


def _no_password() -> str:
    raise ValueError("the key has a password; give one without")


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"not a matching pair of certificate and key, or no PEM ({error.reason})"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)
