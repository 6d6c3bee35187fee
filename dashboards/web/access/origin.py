"""Whether a page of ours sent a request: what a browser says of it, which no page can change.

A browser adds cookies, and passwords that it was given, also to what another site's page sends.
Without this, such a page could change things in the name of who looks at it.
Spec: https://fetch.spec.whatwg.org/#origin-header, https://w3c.github.io/webappsec-fetch-metadata/
"""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers

_OURS: Final = frozenset({"same-origin", "none"})


def is_ours(headers: Headers, external_url: str | None, *, has_session: bool) -> bool:
    """Tell whether a page of ours sent it, or a program; a session is a browser's.

    The scheme is not compared: a proxy in front may speak TLS while we do not.
    """
    origin = headers.get("origin")
    if origin is not None:
        ours = {headers.get("host", "").lower(), urlsplit(external_url or "").netloc.lower()}
        return origin.lower().partition("://")[2] in ours - {""}
    site = headers.get("sec-fetch-site")
    return site in _OURS if site is not None else not has_session
