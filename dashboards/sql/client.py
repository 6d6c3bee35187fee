"""POST /api/sql of a running server. A thin shell: asks once, never retries."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from slo.client import ServerUnreachable, login_needed, shown

_GRACE_S: Final = 10.0


class Refused(Exception):
    """The server does not answer the statement; says why, and where in it."""


@dataclass(frozen=True, slots=True)
class Rows:
    """An answer; ``notes`` tell what was read, and whether there is more."""

    columns: list[str]
    rows: list[list[Any]]
    notes: list[str]


def ask(url: str, question: Mapping[str, Any], token: str = "") -> Rows:
    """Return the rows; raise Refused or ServerUnreachable."""
    address = f"{url.rstrip('/')}/api/sql"
    given = {name: value for name, value in question.items() if value is not None}
    try:
        response = httpx.post(
            address, json=given, headers=shown(token), timeout=given["timeout_s"] + _GRACE_S
        )
        wanted = login_needed(response.status_code)
        if wanted is not None:
            raise Refused(f"{address}: {wanted}")
        body = response.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise ServerUnreachable(f"{address}: {error}") from error
    if not isinstance(body, dict):
        raise ServerUnreachable(f"{address}: not a meshscope server")
    if "error" in body:
        raise Refused(_told(body["error"], str(given["sql"])))
    names = [column["name"] for column in body["columns"]]
    return Rows(names, body["rows"], [*_notes(body, len(body["rows"]))])


def _told(error: Mapping[str, Any], sql: str) -> str:
    """Return the message, and the line of the statement with a mark below the place."""
    message, line, column = str(error["message"]), error.get("line"), error.get("column")
    if line is None or column is None:
        return message
    shown = sql.split("\n")[line - 1]
    return f"line {line}, column {column}: {message}\n  {shown}\n  {' ' * (column - 1)}^"


def _notes(body: Mapping[str, Any], rows: int) -> list[str]:
    from datetime import UTC, datetime

    def moment(seconds: int) -> str:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")

    notes = [
        f"read {one['rows']} rows of {one['view']}, "
        f"{moment(one['from_s'])} to {moment(one['to_s'])} UTC"
        for one in body["read"]
    ]
    return (
        [*notes, f"there are more than these {rows} rows: --limit"] if body["truncated"] else notes
    )
