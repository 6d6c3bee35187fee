"""Two roles, and the paths that are not what their method says. Tables only.

Who looks, reads: GET and HEAD. Whatever else is asked with another method is a change, and needs an
admin, unless it is named here; so a new route is closed until somebody opens it.
"""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """A viewer may look; an admin may change as well."""

    VIEWER = "viewer"
    ADMIN = "admin"


READING: Final = frozenset({"GET", "HEAD"})

OPEN: Final = frozenset({"/healthz", "/readyz", "/-/healthy", "/-/ready", "/login", "/logout"})
"""Answered to everybody: probes, which have no credentials, and the way in."""

OPEN_FOLDER: Final = "/static/"
"""Style and scripts, the same for everybody; the login page needs them."""

OWN_CHECK: Final = {
    "/api/v1/write": "remote write: a token of OTLP or of an admin, as the server put together",
    "/api/v1/alertmanager/webhook": "from Alertmanager: a token of the webhook, or of an admin",
}
"""Asked by machines with credentials of their own; what answers there checks them."""

ASKING: Final = frozenset(
    {
        "/api/sql",
        *(
            f"/api/canary/hooks/{name}"
            for name in ("rollout", "confirm-traffic-increase", "confirm-promotion", "rollback")
        ),
        *(
            f"/api/v1/{name}"
            for name in (
                *("query", "query_range", "query_exemplars", "series", "labels"),
                *("format_query", "parse_query"),
            )
        ),
    }
)
"""Questions that are posted, for their length or by custom; they change nothing."""


def is_open(path: str) -> bool:
    """Tell whether everybody is answered there."""
    return path in OPEN or path.startswith(OPEN_FOLDER)


def may(role: Role, method: str, path: str) -> bool:
    """Tell whether who has this role is answered."""
    return role is Role.ADMIN or method in READING or path in ASKING
