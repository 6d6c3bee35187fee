"""Passes over an offer to upgrade: header bytes in, the same without the offer.

RFC 9110 lets a server ignore the Upgrade header. Clients that would like HTTP/2, as Java's by
default and curl's ``--http2``, send it with the whole request behind it. But the parser takes what
follows such headers for another protocol, and the request would seem empty: answered by a success,
and lost. So the header gets a name of the same length that means nothing.
Spec: https://www.rfc-editor.org/rfc/rfc9110#section-7.8
"""

import re
from typing import Final

_OFFER: Final = re.compile(rb"(?<=\r\n)upgrade(?=:)", re.IGNORECASE)
_NOTHING: Final = b"ignored"
_PART: Final = re.compile(rb"\r(?:\n(?:\r|u|up|upg|upgr|upgra|upgrad|upgrade)?)?\Z", re.IGNORECASE)
"""The beginning of an offer, or of the end of the headers, at the end of what came so far."""


def without_offers(held: bytes, data: bytes) -> tuple[bytes, bytes]:
    """Return what the parser may see now, and what to hold until more has come.

    ``held`` is what the last call held. Only headers are changed; never their length.
    """
    came = held + data
    end = came.find(b"\r\n\r\n")
    if end >= 0:
        return _OFFER.sub(_NOTHING, came[:end]) + came[end:], b""
    part = _PART.search(came)
    at = part.start() if part else len(came)
    return _OFFER.sub(_NOTHING, came[:at]), came[at:]
