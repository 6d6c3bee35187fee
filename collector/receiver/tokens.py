"""Bearer tokens: who may send. Kept as SHA-256, compared in constant time, never logged.

The file has one token a line; empty lines and lines with # are comments. A changed file is read
anew, so that a token is replaced by having both for a while.
Spec: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
"""

import hashlib
import hmac
from pathlib import Path
from typing import Final, Self

from collector.receiver.errors import BadCredentialFile
from collector.receiver.reloading import Reloading

MIN_CHARACTERS: Final = 16
_SCHEME: Final = "bearer"


class Tokens:
    """The tokens that are let in: some given, some from a file."""

    def __init__(
        self, given: tuple[bytes, ...], file: Reloading[tuple[bytes, ...]] | None = None
    ) -> None:
        self._given, self._file = given, file

    @classmethod
    def of(cls, *tokens: str, path: Path | None = None) -> Self:
        """Return the tokens given and those in the file; raise BadCredentialFile."""
        file = Reloading((path,), lambda: _read(path)) if path else None
        return cls(tuple(_digest(token) for token in tokens), file)

    def admit(self, authorization: str | None) -> bool:
        """Tell whether the value of an authorization header has a token of ours."""
        scheme, _, token = (authorization or "").strip().partition(" ")
        if scheme.lower() != _SCHEME:
            return False
        found = _digest(token.strip())
        known = self._given + (self._file.current() if self._file else ())
        return sum(hmac.compare_digest(found, digest) for digest in known) > 0  # all, always


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _read(path: Path) -> tuple[bytes, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadCredentialFile((path,), f"not readable as text ({type(error).__name__})") from None
    tokens = [
        (number, token)
        for number, line in enumerate(lines, 1)
        if (token := line.strip()) and not token.startswith("#")
    ]
    for number, token in tokens:
        if len(token) < MIN_CHARACTERS:
            reason = f"the token in line {number} has less than {MIN_CHARACTERS} characters"
            raise BadCredentialFile((path,), reason)
    if not tokens:
        raise BadCredentialFile((path,), "it has no token")
    return tuple(_digest(token) for _, token in tokens)
