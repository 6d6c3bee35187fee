"""Which attribute keys are masked by their name: a deny list, and an allow list if there is one.

Names are globs (``*`` only), compared without regard to case, hyphens and underscores alike. A name
fits a whole key, or what follows a dot of it: ``authorization`` fits
``http.request.header.authorization``. With an allow list every other key is masked, so that a new
attribute is hidden until somebody lists it. The names that SLIs are made of always stay.
"""

from collections.abc import Iterable
from typing import Final

import re2

from collector import semconv
from collector.redaction.expressions import Regex, compiled

DENY: Final = (
    "authorization", "proxy-authorization", "*-authorization", "cookie", "cookies", "set-cookie",
    "x-api-key", "*api-key", "apikey", "x-auth-*", "x-csrf-token", "x-amz-security-token",
    "password", "passwd", "passphrase", "pwd", "*password", "*passwd", "*-pwd",
    "token", "*-token", "access-token", "accesstoken", "refreshtoken", "idtoken", "sessiontoken",
    "secret", "*-secret", "clientsecret", "*secret-key", "secretkey", "*private-key", "privatekey",
    "*access-key", "*access-key-id", "accesskey", "credential", "credentials", "*-credentials",
    "session-id", "sessionid", "ssn", "card-number", "cardnumber", "cvv", "cvc", "iban",
    "x-amz-signature", "signature",
)  # fmt: skip
"""What is masked by default."""

KEPT: Final = frozenset(
    {name for word, name in vars(semconv).items() if word.startswith(("SERVICE_", "TAG_", "SPAN_"))}
    | {"http.response.status_code", "http.status_code", "response_flags", "envoy.response_flags"}
    | {"error", "quantile", "le"}
)  # fmt: skip
"""Names that counts and errors are told by: no list hides them. Their values are looked at."""

_KNOWN_KEYS: Final = 4096
"""Keys are few; a sender that makes them up is not remembered without bound."""


class KeyRules:
    """Tells the kind of mask for a key, or None when its value may stay."""

    def __init__(self, deny: Iterable[str], allow: Iterable[str] | None) -> None:
        self._deny = _expression(deny)
        self._allow = None if allow is None else _expression(allow)
        self._known: dict[str, str | None] = {}

    @property
    def fails_closed(self) -> bool:
        """Tell whether keys are masked unless listed, so that every row has to be looked at."""
        return self._allow is not None

    def kind(self, key: str) -> str | None:
        """Return 'key' for a denied key, 'unlisted' for one that is not allowed, else None."""
        if key in self._known:
            return self._known[key]
        if len(self._known) >= _KNOWN_KEYS:
            self._known.clear()
        self._known[key] = found = self._judge(key)
        return found

    def _judge(self, key: str) -> str | None:
        if key in KEPT:
            return None
        plain = key.replace("_", "-").lower().encode("utf-8", "replace")
        if self._deny.fullmatch(plain):
            return "key"
        if self._allow is None or self._allow.fullmatch(plain):
            return None
        return "unlisted"


def key_hint(deny: Iterable[str]) -> bytes:
    """Return an RE2 expression for denied keys in JSON text, quoted once or more often."""
    names = "|".join(_glob(name, rest=r'[^"\\]*', hyphen="[-_]") for name in sorted(set(deny)))
    return rf'[".](?i:{names})\\*"(?:\s|\\+[nrt])*:'.encode()


def _expression(names: Iterable[str]) -> Regex:
    globs = "|".join(_glob(name, rest=r"[^\n]*", hyphen="-") for name in sorted(set(names)))
    return compiled(rf"(?s)(?:.*\.)?(?:{globs})".encode() if globs else rb"[^\x00-\xff]")


def _glob(name: str, *, rest: str, hyphen: str) -> str:
    parts = (re2.escape(part) for part in name.replace("_", "-").lower().split("*"))
    return rest.join(part.replace(r"\-", hyphen) for part in parts)
