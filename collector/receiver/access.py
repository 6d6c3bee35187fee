"""Who may send: the certificates of a listener and the tokens it asks for. Both are optional.

Without either, everybody who reaches the port may send; the settings see to it that this is only
the machine itself.
"""

from dataclasses import dataclass
from typing import Final

from collector.receiver.tls import TlsFiles
from collector.receiver.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Access:
    """The same for gRPC and HTTP."""

    tls: TlsFiles | None = None
    tokens: Tokens | None = None

    def admit(self, authorization: str | None) -> bool:
        """Tell whether the value of an authorization header is good enough."""
        return self.tokens is None or self.tokens.admit(authorization)


OPEN: Final = Access()
