"""Bearer tokens: who is let in. Kept as SHA-256, compared in constant time, never logged.

The file has one token a line; empty lines and lines with # are comments. A changed file is read
anew, so that a token is replaced by having both for a while. A client that knows only HTTP Basic
shows its token as the password, with any user name.
Spec: https://www.rfc-editor.org/rfc/rfc6750#section-2.1, https://www.rfc-editor.org/rfc/rfc7617
"""

import base64
import hashlib
import hmac
from pathlib import Path
from typing import Final, Self

from collector.receiver.errors import BadCredentialFile
from collector.receiver.reloading import Reloading

MIN_CHARACTERS: Final = 16


class Tokens:
    """The tokens that are let in: some given, some from files."""

    def __init__(
        self, given: tuple[bytes, ...], files: tuple[Reloading[tuple[bytes, ...]], ...] = ()
    ) -> None:
        self._given, self._files = given, files

    @classmethod
    def of(cls, *tokens: str, path: Path | None = None) -> Self:
        """Return the tokens given and those in the file; raise BadCredentialFile."""
        files = (Reloading((path,), lambda: _read(path)),) if path else ()
        return cls(tuple(digest(token) for token in tokens), files)

    def __or__(self, other: Self) -> Self:
        """Return the tokens of both."""
        return type(self)(self._given + other._given, self._files + other._files)

    def digests(self) -> tuple[bytes, ...]:
        """Return the digests of all tokens as they are now; they are as secret as the tokens."""
        return sum((file.current() for file in self._files), self._given)

    def has(self, token: str) -> bool:
        """Tell whether this is a token of ours."""
        found = digest(token)
        known = self.digests()
        return sum(hmac.compare_digest(found, one) for one in known) > 0  # all, always

    def admit(self, authorization: str | None) -> bool:
        """Tell whether the value of an authorization header has a token of ours."""
        token = shown_token(authorization)
        return token is not None and self.has(token)


def shown_token(authorization: str | None) -> str | None:
    """Return the token in the value of an authorization header: of Bearer, or Basic's password."""
    scheme, _, shown = (authorization or "").strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return shown.strip()
        case "basic":
            return _password(shown.strip())
        case _:
            return None


def digest(token: str) -> bytes:
    """Return what a token is known by."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _password(shown: str) -> str | None:
    try:
        return base64.b64decode(shown, validate=True).decode("utf-8").partition(":")[2]
    except ValueError:
        return None


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
    return tuple(digest(token) for _, token in tokens)
