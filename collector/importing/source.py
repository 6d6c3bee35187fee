"""A Prometheus that is read: which metrics it has, and their raw samples in a piece of time.

Over its public API, by prometheus-api-client, so that Thanos, Mimir, VictoriaMetrics and meshscope
itself can be read as well. Never writes. Windows are (from, to] in milliseconds, whatever a version
takes a range to be. Native histograms are not in the answer in full: they are only counted.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import requests
from prometheus_api_client.exceptions import PrometheusApiClientException
from prometheus_api_client.prometheus_connect import PrometheusConnect
from urllib3.util.retry import Retry

from collector.importing.errors import ImportFailed, TooMuch, Unreachable, UsedWrongly
from collector.importing.raw import Meaning, Raw, selector
from collector.promql.samples import Labels, Matcher

_TIMEOUT_S: Final = 150
"""Longer than Prometheus's own limit of a query."""
_RETRY_ON: Final = (408, 429, 500, 502, 503, 504)
_STATUS: Final = re.compile(r"HTTP Status Code (\d+) \((.*)\)", re.DOTALL)
_TOO_MUCH: Final = re.compile(r"too many|exceed|timed out|timeout|too large|limit", re.IGNORECASE)
_TOLD: Final = 300


@dataclass(frozen=True, slots=True)
class Login:
    """How to be let in. ``ca`` has certificates to trust; ``verifies`` False trusts all."""

    token: str = ""
    username: str = ""
    password: str = ""
    ca: Path | None = None
    verifies: bool = True


@dataclass(slots=True)
class Source:
    """One server; not for several threads. ``probe`` is a client that does not try again.

    ``skipped_histograms`` counts what cannot be read.
    """

    url: str
    client: Any
    probe: Any
    skipped_histograms: int = 0

    def check(self) -> None:
        """Raise Unreachable unless it answers as a Prometheus does."""
        self._ask(lambda: self.probe.custom_query("1"))

    def names(self, matchers: Sequence[Matcher], from_ms: int, to_ms: int) -> list[str]:
        """Return the metrics that have series which match, sorted."""
        params = {"start": from_ms / 1000, "end": to_ms / 1000, "match[]": selector(matchers)}
        return sorted(self._ask(lambda: self.client.all_metrics(params=params)))

    def series(self, matchers: Sequence[Matcher], from_ms: int, to_ms: int) -> list[dict[str, str]]:
        """Return the labels of the series that match."""
        start, end = (datetime.fromtimestamp(at / 1000, UTC) for at in (from_ms, to_ms))
        params = {"match[]": selector(matchers)}
        found: list[dict[str, str]] = self._ask(
            lambda: self.client.get_series(start, end, params=params)
        )
        return found

    def count(self, matchers: Sequence[Matcher], from_ms: int, to_ms: int) -> int:
        """Return about how many samples match."""
        text = f"sum(count_over_time({selector(matchers)}[{to_ms - from_ms}ms]))"
        found = self._ask(lambda: self.client.custom_query(text, {"time": to_ms / 1000}))
        return int(float(found[0]["value"][1])) if found else 0

    def samples(self, matchers: Sequence[Matcher], from_ms: int, to_ms: int) -> list[Raw]:
        """Return the raw samples; TooMuch when the server will not give so many at once."""
        text = f"{selector(matchers)}[{to_ms - from_ms}ms]"
        found = self._ask(lambda: self.client.custom_query(text, {"time": to_ms / 1000}))
        return self._read(found, from_ms, to_ms)

    def steps(
        self, matchers: Sequence[Matcher], from_ms: int, to_ms: int, step_ms: int
    ) -> list[Raw]:
        """Return the values at multiples of a step, as a graph has them."""
        first_ms = (from_ms // step_ms + 1) * step_ms
        start, end = (datetime.fromtimestamp(at / 1000, UTC) for at in (first_ms, to_ms))
        found = self._ask(
            lambda: self.client.custom_query_range(
                selector(matchers), start, end, f"{step_ms / 1000}"
            )
        )
        return self._read(found, from_ms, to_ms)

    def meanings(self) -> dict[str, Meaning]:
        """Return what it knows of its metrics; {} when it does not tell."""
        try:
            rows = self._ask(lambda: self.client.get_metric_metadata(None))
        except ImportFailed:
            return {}
        return {row["metric_name"]: Meaning(row["type"], row["unit"], row["help"]) for row in rows}

    def _read(self, found: Iterable[Mapping[str, Any]], from_ms: int, to_ms: int) -> list[Raw]:
        series = []
        for one in found:
            self.skipped_histograms += len(one.get("histograms", ()))
            pairs = one.get("values", ())
            if not pairs:
                continue
            times_ms = np.rint(np.array([at for at, _ in pairs], np.float64) * 1000)
            values = np.array([float(value) for _, value in pairs], np.float64)
            within = (times_ms > from_ms) & (times_ms <= to_ms)
            if within.any():
                kept = times_ms[within].astype(np.int64)
                series.append(Raw(_labels(one["metric"]), kept, values[within]))
        return series

    def _ask(self, question: Any) -> Any:
        try:
            return question()
        except PrometheusApiClientException as error:
            raise self._told(str(error)) from error
        except requests.exceptions.SSLError as error:
            hint = "trust its certificate by --ca, or give --insecure"
            raise Unreachable(f"{self.url}: TLS: {_short(error)}; {hint}") from error
        except (requests.exceptions.JSONDecodeError, KeyError, ValueError, TypeError) as error:
            raise Unreachable(f"{self.url} does not answer as a Prometheus does") from error
        except OSError as error:
            raise Unreachable(f"cannot reach {self.url}: {_short(error)}") from error

    def _told(self, text: str) -> ImportFailed:
        match = _STATUS.search(text)
        status, body = (int(match[1]), match[2]) if match else (0, text)
        if status in {401, 403}:
            return Unreachable(f"{self.url} answers {status}: give --token, or --username")
        if status == 404:
            return Unreachable(f"{self.url} has no /api/v1: is this the URL of a Prometheus?")
        if status in {413, 414, 422, 503, 504} and _TOO_MUCH.search(body):
            return TooMuch(f"{self.url}: {body[:_TOLD]}")
        return ImportFailed(f"{self.url} answers {status}: {body[:_TOLD]}")


def connect(url: str, login: Login, *, retries: int = 5) -> Source:
    """Return a source; nothing is asked yet. Raises UsedWrongly."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise UsedWrongly(f"{url!r} is no URL: give one such as http://prometheus:9090")
    if "@" in parts.netloc:
        raise UsedWrongly("a URL is no place for a password: give --username and --password")
    url = url.rstrip("/")
    return Source(url, _client(url, login, retries), _client(url, login, 0))


def _client(url: str, login: Login, retries: int) -> Any:
    session = requests.Session()
    session.verify = str(login.ca) if login.ca else login.verifies
    headers = {"Authorization": f"Bearer {login.token}"} if login.token else {}
    retry = Retry(
        total=retries,
        backoff_factor=0.5,
        status_forcelist=_RETRY_ON,
        allowed_methods=None,
        raise_on_status=False,
    )
    auth: Any = (login.username, login.password) if login.username else None
    return PrometheusConnect(
        url=url, headers=headers, auth=auth, session=session, retry=retry, timeout=_TIMEOUT_S
    )


def _labels(metric: Mapping[str, str]) -> Labels:
    return tuple(sorted(metric.items()))


def _short(error: BaseException) -> str:
    """Return the last reason of an error of requests, which wraps them in each other."""
    reason: Any = error
    while getattr(reason, "args", None) and isinstance(reason.args[0], BaseException):
        reason = getattr(reason.args[0], "reason", None) or reason.args[0]
    return str(reason).splitlines()[0][:_TOLD] if str(reason) else type(reason).__name__
