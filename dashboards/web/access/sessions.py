"""What a browser has for a token: a signed cookie that lasts half a day.

The key is made of the token's digest and of a secret of this process. So a session ends with its
token, when that is taken out of the file, and with the process; and a stolen cookie tells nothing
by which to guess the token. What was logged out is remembered until it would have ended.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from typing import Final

COOKIE: Final = "meshscope_session"
LASTS_S: Final = 12 * 3600
_UNTIL_BYTES: Final = 8
_NAME_BYTES: Final = 20
"""With the rest it makes 60 bytes, which base64 writes without padding."""
_SIGNATURE_BYTES: Final = 32


class Sessions:
    """Begins, knows and ends them. Nothing is kept of a session that lasts."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._secret = secrets.token_bytes(32)
        self._ended: dict[bytes, int] = {}

    def begin(self, digest: bytes) -> str:
        """Return the cookie of a new session for this token."""
        until_s = int(self._clock_s()) + LASTS_S
        said = until_s.to_bytes(_UNTIL_BYTES, "big") + secrets.token_bytes(_NAME_BYTES)
        return urlsafe_b64encode(said + self._signature(digest, said)).decode()

    def holder(self, cookie: str, known: Iterable[bytes]) -> bytes | None:
        """Return for which of the known tokens the session was begun; None when it is over."""
        said, signature = _parts(cookie)
        until_s = int.from_bytes(said[:_UNTIL_BYTES], "big")
        found = None
        for digest in known:  # all, always
            if hmac.compare_digest(signature, self._signature(digest, said)):
                found = digest
        return found if until_s > self._clock_s() and said not in self._ended else None

    def end(self, cookie: str, known: Iterable[bytes]) -> None:
        """Let a session last no longer; what is no session is nothing to end."""
        if self.holder(cookie, known) is None:
            return
        now_s = self._clock_s()
        self._ended = {said: until_s for said, until_s in self._ended.items() if until_s > now_s}
        said, _ = _parts(cookie)
        self._ended[said] = int.from_bytes(said[:_UNTIL_BYTES], "big")

    def _signature(self, digest: bytes, said: bytes) -> bytes:
        key = hmac.digest(self._secret, digest, hashlib.sha256)
        return hmac.digest(key, said, hashlib.sha256)


def _parts(cookie: str) -> tuple[bytes, bytes]:
    """Return what is said and its signature; empty ones for what cannot be ours."""
    try:
        plain = urlsafe_b64decode(cookie.encode("ascii"))
    except ValueError:
        return b"", b""
    if len(plain) != _UNTIL_BYTES + _NAME_BYTES + _SIGNATURE_BYTES:
        return b"", b""
    return plain[:-_SIGNATURE_BYTES], plain[-_SIGNATURE_BYTES:]
