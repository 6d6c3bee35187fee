"""Kinds of secrets that are told by their form, not by the name of their attribute.

All expressions are RE2's: linear in the text, whoever wrote it. Text is UTF-8 bytes. A pattern's
``hint`` matches wherever the pattern does, also when the text is quoted inside JSON, once or more
often; it finds the rows worth a look. A match that is part of a mask already is none.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import re2

from collector.redaction.cards import find_cards
from collector.redaction.expressions import compiled
from collector.redaction.mask import MASK

Span = tuple[int, int]
Find = Callable[[bytes], list[Span]]

PARAMETERS: Final = (
    "access_token", "api_key", "apikey", "auth", "client_secret", "id_token", "key",
    "pass", "password", "passwd", "pwd", "refresh_token", "secret", "session", "sig", "signature",
    "sid", "token", "x-amz-credential", "x-amz-security-token", "x-amz-signature",
    "x-goog-signature",
)  # fmt: skip
"""Query parameters whose value is masked: ``?token=...``."""

_WORDS: Final = (
    rb"(?:passwords?|passwd|passphrase|pwd|secret|token|api[-_ ]?key|access[-_ ]?key(?:[-_ ]?id)?"
    rb"|secret[-_ ]?key|private[-_ ]?key|credentials?)"
)
_HEADERS: Final = rb"(?:authorization|cookie)"
_GAP: Final = rb"(?:[\s\"']|\\+[\"'nrt]?)*"
"""Quotes and space between a name and its value, as they are or escaped by JSON."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind of secret: an RE2 expression that hints at it, and where exactly it stands."""

    kind: str
    hint: bytes
    find: Find


def default_patterns(parameters: Sequence[str] = PARAMETERS) -> tuple[Pattern, ...]:
    """Return all kinds, in the order in which they are tried: what holds others goes first."""
    names = b"|".join(re2.escape(name).encode() for name in sorted(parameters, key=len)[::-1])
    return (
        Pattern("private_key", rb"-----BEGIN", _spans(_PRIVATE_KEY)),
        Pattern("userinfo", rb":(?:\\*/){2}[^\s/?#\"\\<>]*@", _spans(_USERINFO, _is_new)),
        Pattern(
            "parameter",
            b"[?&;](?i:" + names + b")=",
            _spans(b"[?&;](?i:" + names + rb")=([^&;#\s\"'<>]+)", _is_new),
        ),
        Pattern("bearer", rb"(?i:bearer)(?:\s|\\+[nrt])", _spans(_BEARER, _is_token)),
        Pattern("basic", rb"(?i:basic)(?:\s|\\+[nrt])", _spans(_BASIC, _is_basic)),
        Pattern("jwt", rb"eyJ[\w-]{6}", _spans(rb"eyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*){0,3}")),
        Pattern("aws_key", _AWS_KEY, _spans(_AWS_KEY)),
        Pattern("api_key", _API_KEY, _spans(_API_KEY)),
        Pattern("header", b"(?i:" + _HEADERS + b")" + _GAP + b"[:=]", _spans(_HEADER, _is_new)),
        Pattern("credential", b"(?i:" + _WORDS + b")" + _GAP + b"[:=]", _find_credentials),
        Pattern("email", rb"(?:@|%40)[0-9A-Za-z\x80-\xff]", _spans(_EMAIL)),
        Pattern("card", _CARD_HINT, find_cards),
    )


def custom_pattern(kind: str, expression: str) -> Pattern:
    """Return a pattern of the user's own: the first group is masked, else the whole match."""
    text = expression.encode()
    return Pattern(kind, text, _spans(text, _is_new))


_CARD_HINT: Final = rb"(?:^|[^0-9A-Za-z]|\\[nrtbf]|\\u00[0-9a-f]{2})[2-6](?:[ -]?[0-9]){12}"
_PRIVATE_KEY: Final = (
    rb"(?s)-----BEGIN [0-9A-Z ]*PRIVATE KEY(?: BLOCK)?-----"
    rb"(?:.*?-----END [0-9A-Z ]*PRIVATE KEY(?: BLOCK)?-----|.*)"
)
_USERINFO: Final = rb"[A-Za-z][\w+.-]*://([^\s/?#\"'<>]+)@"
_BEARER: Final = rb"(?i:bearer)\s+([\w.~+/=-]{8,})"
_BASIC: Final = rb"(?i:basic)\s+([\w+/-]{4,}={0,2})"
_AWS_KEY: Final = rb"(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AIPA|ANPA|ANVA|AROA)[0-9A-Z]{16}"
_API_KEY: Final = (
    rb"(?:gh[oprsu]_[0-9A-Za-z]{36,}|github_pat_\w{22,}|glpat-[\w-]{20,}|npm_[0-9A-Za-z]{36}"
    rb"|xox[abeprs]-[\w-]{10,}|AIza[\w-]{35}|[rs]k_(?:live|test)_[0-9A-Za-z]{16,}"
    rb"|SG\.[\w-]{16,}\.[\w-]{16,}|sk-[\w-]{20,})"
)
_HEADER: Final = b"(?i:" + _HEADERS + rb")[\"'\\]*\s*[:=]\s*[\"'\\]*([^\r\n\"'\\]+)"
_CREDENTIAL: Final = b"((?i:" + _WORDS + rb"))[\"'\\]*\s*([:=])\s*[\"'\\]*([^\s\"'\\,;&<>)\]}]+\]?)"
_EMAIL: Final = (
    rb"[^\x00-\x20\"'<>()\[\]{},;:@\\/=&?|!#]+(?:@|%40)[0-9A-Za-z\x80-\xff]"
    rb"(?:[0-9A-Za-z\x80-\xff-]*\.)+[A-Za-z\x80-\xff][0-9A-Za-z\x80-\xff-]*"
)


def _spans(expression: bytes, is_secret: Callable[[bytes], bool] | None = None) -> Find:
    regex = compiled(expression)
    group = min(regex.groups, 1)

    def find(text: bytes) -> list[Span]:
        return [
            match.span(group)
            for match in regex.finditer(text)
            if match.start(group) < match.end(group)
            and (is_secret is None or is_secret(match.group(group)))
        ]

    return find


def _is_new(secret: bytes) -> bool:
    return MASK.fullmatch(secret.strip()) is None


def _is_token(text: bytes) -> bool:
    """Words follow 'bearer' too: a token has a digit, or more letters than a word."""
    return len(text) >= 24 or any(48 <= char <= 57 for char in text)


def _is_basic(text: bytes) -> bool:
    """``user:password`` in base64."""
    try:
        padded = text.rstrip(b"=") + b"=" * (-len(text.rstrip(b"=")) % 4)
        return b":" in base64.b64decode(padded, altchars=b"-_" if b"-" in text or b"_" in text
                                        else None, validate=True)  # fmt: skip
    except binascii.Error:
        return False


_CREDENTIALS: Final = compiled(_CREDENTIAL)


def _find_credentials(text: bytes) -> list[Span]:
    """``token: expected`` is a sentence, ``token=expected`` and ``password: expected`` are not."""
    return [
        match.span(3)
        for match in _CREDENTIALS.finditer(text)
        if _is_new(match.group(3))
        and (
            match.group(2) == b"="
            or match.group(1).lower().startswith(b"p")
            or _is_token(match.group(3))
        )
    ]
