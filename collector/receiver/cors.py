"""Which web pages may send telemetry from a browser. Off unless origins are named.

An allowed origin is exact, or has * for any run of characters but a slash; * alone is any origin.
No credentials of the browser are ever asked for: who must show a token, sends it as a header.
Spec: https://fetch.spec.whatwg.org/#http-cors-protocol
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from collector.receiver.errors import ForbiddenOrigin

_HEADERS: Final = ("content-type", "content-encoding", "authorization")


@dataclass(frozen=True, slots=True)
class Cors:
    """The policy. ``headers`` are allowed besides those that OTLP needs."""

    origins: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    max_age_s: int = 7200

    def admit(self, origin: str) -> bool:
        """Tell whether pages of this origin may send."""
        return any(re.fullmatch(_pattern(allowed), origin, re.IGNORECASE)
                   for allowed in self.origins)  # fmt: skip

    def preflight(self, origin: str) -> Mapping[str, str]:
        """Return the headers that answer a preflight request; raise ForbiddenOrigin."""
        if not self.admit(origin):
            raise ForbiddenOrigin(origin)
        return {
            **self.reply(origin),
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": ", ".join((*_HEADERS, *self.headers)),
            "Access-Control-Max-Age": str(self.max_age_s),
        }

    def reply(self, origin: str | None) -> Mapping[str, str]:
        """Return the headers of every other answer; none when the origin is not allowed."""
        if not self.origins:
            return {}
        if origin is None or not self.admit(origin):
            return {"Vary": "Origin"}
        return {
            "Vary": "Origin",
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": "Retry-After",
        }


def _pattern(allowed: str) -> str:
    if allowed == "*":
        return ".*"
    return "[^/]*".join(re.escape(part) for part in allowed.split("*"))
