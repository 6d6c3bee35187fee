"""One thread that posts to one Alertmanager what waits for it.

When it cannot be reached the notices stay, and it is tried again after a while that doubles. What
it refuses (4xx) will be refused again, and is dropped. https://prometheus.io/docs/alerting/latest/clients/
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final, Literal
from urllib.parse import urlsplit, urlunsplit

import httpx

from alerts.evaluation.sending import Notice
from alerts.notify.outbox import Outbox
from collector.telemetry import Histogram

_LOG: Final = logging.getLogger(__name__)
PATH: Final = "/api/v2/alerts"
TIMEOUT_S: Final = 10.0
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 30.0
BATCH: Final = 256
"""Alerts of one request."""

Outcome = Literal["sent", "refused", "failed"]
Encode = Callable[[Sequence[Notice]], bytes]


class Sender:
    """Posts to ``url``, with ``told`` called after each request with how many alerts it had."""

    def __init__(
        self,
        url: str,
        encode: Encode,
        told: Callable[[str, Outcome, int], None],
        *,
        first_wait_s: float = FIRST_WAIT_S,
    ) -> None:
        self.outbox = Outbox()
        self.name = without_password(url)
        self.seconds = Histogram()
        self._encode, self._told = encode, told
        self._endpoint = url.rstrip("/") + PATH
        self._first_wait_s = self._wait_s = first_wait_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alert-sender", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Try once more to deliver what waits, and end."""
        self._stop.set()
        self.outbox.close()
        self._thread.join(TIMEOUT_S + 1)

    def _run(self) -> None:
        with httpx.Client(timeout=TIMEOUT_S, follow_redirects=True) as client:
            while not self._stop.is_set():
                notices = self.outbox.peek(BATCH)
                if notices and self._post(client, notices) == "failed":
                    self._stop.wait(self._wait_s)
                    self._wait_s = min(self._wait_s * 2, LONGEST_WAIT_S)
            while notices := self.outbox.peek(BATCH, 0):
                if self._post(client, notices) == "failed":
                    return

    def _post(self, client: httpx.Client, notices: Sequence[Notice]) -> Outcome:
        outcome = self._outcome(client, notices)
        if outcome != "failed":
            self._wait_s = self._first_wait_s
            self.outbox.done(notices)
        self._told(self.name, outcome, len(notices))
        return outcome

    def _outcome(self, client: httpx.Client, notices: Sequence[Notice]) -> Outcome:
        began_s = time.monotonic()
        headers = {"Content-Type": "application/json"}
        try:
            answer = client.post(self._endpoint, content=self._encode(notices), headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            _LOG.warning("%s cannot be told of %d alerts: %s", self.name, len(notices), error)
            return "failed"
        self.seconds.observe(time.monotonic() - began_s)
        if answer.is_success:
            return "sent"
        _LOG.warning("%s answered %d: %.200s", self.name, answer.status_code, answer.text)
        is_busy = answer.status_code in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
        return "refused" if answer.is_client_error and not is_busy else "failed"


def without_password(url: str) -> str:
    """Return a URL that may be shown."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
