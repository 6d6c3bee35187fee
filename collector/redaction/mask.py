"""What stands where a secret was: ``[redacted:email]``, or with a hash that joins equal secrets.

A hash is keyed (HMAC-SHA256 under the salt, 64 bits), so that nobody without the salt can try out
e-mail addresses; it is written in letters, so that it never looks like a number.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Final

MASK: Final = re.compile(rb"\[redacted:[a-z_]+(?::[a-p]{16})?\]")
"""Every mask; nothing looks for secrets in one."""

Mask = Callable[[str, bytes], bytes]
"""(kind, secret) -> what stands in its place."""

_LETTERS: Final = bytes.maketrans(b"0123456789abcdef", b"abcdefghijklmnop")


def masker(salt: str | None) -> Mask:
    """Return a Mask: a plain one without a salt, a hashing one with it."""
    return _plain if salt is None else _hashing(salt.encode())


def _plain(kind: str, _secret: bytes) -> bytes:
    return b"[redacted:%b]" % kind.encode()


def _hashing(key: bytes) -> Mask:
    def mask(kind: str, secret: bytes) -> bytes:
        digest = hmac.digest(key, secret, hashlib.sha256)[:8].hex().encode()
        return b"[redacted:%b:%b]" % (kind.encode(), digest.translate(_LETTERS))

    return mask
