"""A running meshscope as the target of an import: it owns its file, and takes remote write.

Sends again what was not answered; the server knows a request that it has already. Never opens a
store.
"""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import httpx

from collector.importing.errors import ImportFailed, Unreachable
from collector.importing.plan import Window
from collector.importing.raw import Raw
from collector.importing.source import Login, Source, connect
from collector.importing.target import Wrote
from collector.promql.samples import Matcher

_TIMEOUT_S: Final = 60.0
_MAX_WAIT_S: Final = 30.0
_LOGIN: Final = "{} asks for a token: give --to-token, or MESHSCOPE_TOKEN"
_LATER: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_CONTENT: Final = {
    "Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "2.0.0",
}


@dataclass(frozen=True, slots=True)
class ServerTarget:
    """A running meshscope."""

    url: str
    client: httpx.Client
    reader: Source
    retries: int

    def write(self, body: bytes, samples: int) -> Wrote:
        """Send, and again while the server asks for it; raise Unreachable or ImportFailed."""
        wait_s = 0.5
        for left in range(self.retries, -1, -1):
            reason, asked_s = "", 0.0
            try:
                answer = self.client.post("/api/v1/write", content=body, headers=_CONTENT)
            except httpx.HTTPError as error:
                reason = str(error) or type(error).__name__
            else:
                if answer.status_code not in _LATER:
                    return self._wrote(answer, samples)
                reason = f"{answer.status_code}: {answer.text.strip()[:300]}"
                asked_s = _seconds(answer.headers.get("retry-after", ""))
            if left:
                time.sleep(min(max(wait_s, asked_s), _MAX_WAIT_S))
                wait_s *= 2
        raise Unreachable(f"{self.url} takes nothing: {reason}")

    def names(self, matchers: Sequence[Matcher], window: Window) -> set[str]:
        """Ask the server itself."""
        return set(self.reader.names(matchers, window.from_ms, window.to_ms))

    def present(self, matchers: Sequence[Matcher], window: Window) -> list[Raw]:
        """Ask the server itself."""
        return self.reader.samples(matchers, window.from_ms, window.to_ms)

    def kept_ms(self) -> int | None:
        """Ask for the retention of samples; raise Unreachable."""
        try:
            answer = self.client.get("/api/v1/status/runtimeinfo")
            days = str(answer.json()["data"]["storageRetention"])
        except httpx.HTTPError as error:
            hint = "start one with `meshscope serve`, or name it with --to"
            raise Unreachable(f"cannot reach meshscope at {self.url}: {error}; {hint}") from error
        except (ValueError, KeyError, TypeError) as error:
            if answer.status_code == 401:
                raise Unreachable(_LOGIN.format(self.url)) from error
            raise Unreachable(f"{self.url} does not answer as meshscope does") from error
        return int(days[:-1]) * 86_400_000 if days[:-1].isdecimal() and days[-1] == "d" else None

    def _wrote(self, answer: httpx.Response, samples: int) -> Wrote:
        told = answer.text.strip()[:300]
        header = answer.headers.get("x-prometheus-remote-write-samples-written", "")
        if answer.status_code == 204:
            return Wrote(samples)
        if answer.status_code == 400 and header.isdecimal():
            return Wrote(int(header), told)
        if answer.status_code == 401:
            raise ImportFailed(_LOGIN.format(self.url))
        raise ImportFailed(f"{self.url} answers {answer.status_code}: {told}")


@contextlib.contextmanager
def server_target(url: str, token: str, *, retries: int = 8) -> Iterator[ServerTarget]:
    """Give the target of a running server."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    reader = connect(url, Login(token))
    with httpx.Client(base_url=reader.url, timeout=_TIMEOUT_S, headers=headers) as client:
        yield ServerTarget(reader.url, client, reader, retries)


def _seconds(text: str) -> float:
    return float(text) if text.isdecimal() and len(text) < 6 else 0.0
