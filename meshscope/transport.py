"""HTTP to one server: JSON out of answers, errors in words. Asks once, never retries."""

import re
from collections.abc import Mapping
from typing import Any, Final

import httpx

from meshscope.errors import BadQuery, BadTime, MeshscopeError, ServerUnreachable, UnknownName

ARROW: Final = "application/vnd.apache.arrow.stream"
_PLACE: Final = re.compile(r"\b(\d+):(\d+): parse error")


class Transport:
    """Holds the connection."""

    def __init__(self, url: str, token: str | None, timeout_s: float) -> None:
        self.url = url.rstrip("/")
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        try:
            self._http = httpx.Client(base_url=self.url, headers=headers, timeout=timeout_s)
        except httpx.InvalidURL as error:
            raise ServerUnreachable(url, str(error)) from error

    def get(self, path: str, **asked: Any) -> Any:
        """Return the JSON of an answer."""
        return _decoded(self.url, self._send("GET", path, params=_given(asked)))

    def post_form(self, path: str, **asked: Any) -> Any:
        """Send a form, which a long query needs; return the JSON of the answer."""
        return _decoded(self.url, self._send("POST", path, data=_given(asked)))

    def post(self, path: str, body: Mapping[str, Any], timeout_s: float) -> httpx.Response:
        """Send JSON; return an Arrow answer as it is."""
        return self._send(
            "POST", path, json=_given(body), headers={"Accept": ARROW}, timeout=timeout_s
        )

    def close(self) -> None:
        """Let the connection go."""
        self._http.close()

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **options)
        except httpx.TimeoutException as error:
            told = "it did not answer in time; connect(..., timeout_s=120) waits longer"
            raise ServerUnreachable(self.url, told) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ServerUnreachable(self.url, str(error) or type(error).__name__) from error
        if answer.is_success:
            return answer
        raise _failure(self.url, answer)


def _given(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if value is not None}


def _decoded(url: str, answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise ServerUnreachable(url, "what answers there is no meshscope") from error


def _failure(url: str, answer: httpx.Response) -> MeshscopeError:
    """Return the error that an answer tells of, in the server's words."""
    if answer.status_code in {401, 403}:
        return ServerUnreachable(url, "it asks who you are: connect(url, token='...')")
    if answer.status_code == 429:
        return ServerUnreachable(url, "too many wrong tokens came from here; wait a minute")
    try:
        body = answer.json()
    except ValueError:
        return ServerUnreachable(url, f"it answered {answer.status_code} without a reason")
    told = body.get("error") if isinstance(body, dict) else None
    if isinstance(told, str):  # Prometheus's shape
        place = _PLACE.search(told)
        line, column = (int(place[1]), int(place[2])) if place else (None, None)
        return BadQuery(body.get("errorType", "error"), told, line, column)
    if not isinstance(told, dict):
        return ServerUnreachable(url, f"it answered {answer.status_code} without a reason")
    kind, message = told.get("type", "error"), told.get("message", "")
    match kind:
        case "bad_time":
            return BadTime(message)
        case "not_found":
            return NotThere(message)
        case _:
            return BadQuery(kind, message, told.get("line"), told.get("column"))


class NotThere(UnknownName):
    """The server knows no such thing; the caller adds the names near it."""

    def __init__(self, message: str) -> None:
        MeshscopeError.__init__(self, message)
        self.near: list[str] = []
