"""The face for notebooks: one connection, a method a question, a DataFrame an answer."""

import importlib.metadata
import json
import warnings
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import pandas as pd

from meshscope import canaries, frames, promql, tables
from meshscope.errors import (
    BadTime,
    ServerUnreachable,
    TruncatedAnswer,
    UnknownName,
    VersionMismatch,
)
from meshscope.times import Duration, Time, duration_s, instant, step_of, unix_s, window
from meshscope.transport import NotThere, Transport

SpanKind = Literal["unspecified", "internal", "server", "client", "producer", "consumer"]
SpanStatus = Literal["unset", "ok", "error"]

_REVISION: Final = "meshscope-"
_ABOUT: Final = "X-Meshscope-Sql"
_GRACE_S: Final = 10.0


def connect(
    url: str = "http://127.0.0.1:8428", token: str | None = None, timeout_s: float = 30
) -> "Client":
    """Connect to a running meshscope.

    ``token`` is sent as a bearer token, for a server or a proxy that asks for one. ``timeout_s``
    bounds each request. Raises ServerUnreachable, which says what to run, and VersionMismatch.

        m = meshscope.connect("http://127.0.0.1:8428")
    """
    return Client(Transport(url, token, timeout_s))


class Client:
    """Questions to one server; made by ``connect``.

    Ranges are ``start`` and ``end``: ``"1h"`` is that long before the end, a datetime, a pandas
    Timestamp or ISO text is a moment (UTC without a zone), no end is now. The server widens a range
    to whole 10 s. What was answered is in ``frame.attrs["start"]`` and ``["end"]``.
    """

    def __init__(self, transport: Transport) -> None:
        self._server = transport
        try:
            self.version: str = self._meet()
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        """Say where it is connected."""
        return f"<meshscope {self.version} at {self._server.url}>"

    def topology(
        self, start: Time = "15m", end: Time | None = None, *, service: str | None = None
    ) -> pd.DataFrame:
        """Return who calls whom: a row for each pair of services.

        ``requests`` count once each, ``errors`` are answers of 500 or more and none at all;
        ``rps`` is per second, ``p50_ms`` to ``p99_ms`` are milliseconds, ratios are 0..1 and NaN
        without a request. ``codes``, ``flags``, ``routes`` and ``versions`` are dicts of counts.
        ``service`` leaves the edges to and from one.

            m.topology("1h", service="checkout")
        """
        answer = self._server.get("/api/topology", **window(start, end).query())
        edges = answer["edges"]
        if service is not None:
            _must_know("service", service, (node["id"] for node in answer["nodes"]))
            edges = [one for one in edges if service in {one["source"], one["destination"]}]
        range_ = {"start": answer["from_s"], "end": answer["to_s"]}
        return frames.frame(
            edges, frames.TOPOLOGY, **{key: frames.time_of(one) for key, one in range_.items()}
        )

    def services(self, start: Time = "15m", end: Time | None = None) -> pd.DataFrame:
        """Return a row for each service: the requests that arrived at it, callers and callees.

        Units are those of ``topology``. ``last_seen`` is when its proxy was last heard, NaT if
        never.

            m.services("1d").sort_values("error_ratio")
        """
        rows = self._server.get("/api/services", **window(start, end).query())
        renamed = ({**row, "last_seen": row["last_seen_s"]} for row in rows)
        return frames.frame(renamed, frames.SERVICES)

    def slo_status(self, end: Time | None = None, *, service: str | None = None) -> pd.DataFrame:
        """Return a row for each objective, the worst first, over its own time window.

        ``good``, ``total`` and ``bad`` are events; ``state`` is ok, burning, exhausted or no_data;
        ``budget_remaining_ratio`` is 1 while nothing is spent and below 0 when more is spent than
        there was. Ratios are NaN when ``total`` is 0. ``end`` judges the past.

            m.slo_status().query("state != 'ok'")
        """
        rows = self._statuses(end, service)
        return frames.frame(({**row, "slo": row["name"]} for row in rows), frames.SLO_STATUS)

    def burn_rate(self, slo: str | None = None, end: Time | None = None) -> pd.DataFrame:
        """Return how fast budgets burn: a row for each objective and alert tier.

        A burn of 1 spends the budget exactly in the time window; a tier fires when both
        ``long_burn`` and ``short_burn`` are at ``factor`` or above. NaN: no events in the window.

            m.burn_rate("checkout-availability")
        """
        statuses = self._statuses(end, None)
        if slo is not None:
            _must_know("SLO", slo, (row["name"] for row in statuses))
        rows = (
            {"slo": status["name"], "service": status["service"], **tier}
            for status in statuses
            if slo is None or status["name"] == slo
            for tier in status["burn_rates"]
        )
        return frames.frame(rows, frames.BURN_RATE)

    def sli(self, slo: str, end: Time | None = None) -> pd.DataFrame:
        """Return one objective step by step over its own time window, by the start of each step.

        ``good``, ``total`` and ``bad`` are events of the step, ``sli_ratio`` is NaN in a step
        without any. ``budget_remaining_ratio`` is what the whole window has left after the step.
        ``frame.attrs["step_s"]`` is the length of a step.

            m.sli("checkout-availability")["bad"].cumsum()
        """
        try:
            answer = self._server.get(f"/api/slos/{slo}", **_until(end))
        except NotThere as error:
            raise UnknownName("SLO", slo, (r["name"] for r in self._statuses(end, None))) from error
        series = answer["series"]
        columns = (series["bucket_s"], series["good"], series["total"], series["budget_remaining"])
        rows = (
            {
                "time": at_s,
                "good": good,
                "total": total,
                "bad": total - good,
                "sli_ratio": good / total if total else None,
                "budget_remaining_ratio": left,
            }
            for at_s, good, total, left in zip(*columns, strict=True)
        )
        made = frames.frame(
            rows, frames.SLI, slo=slo, step_s=series["step_s"], target=answer["target"]
        )
        return made.set_index("time")

    def canary(
        self,
        service: str,
        canary: str,
        baseline: str,
        start: Time | None = None,
        end: Time | None = None,
        *,
        source: str | None = None,
        route: str | None = None,
        confidence: float | None = None,
        max_error_increase: float | None = None,
        max_latency_increase: float | None = None,
        quantile: float | None = None,
        min_requests: int | None = None,
        ignore_latency: bool = False,
    ) -> pd.DataFrame:
        """Compare a new version with the one that runs: a row for the canary, one for the baseline.

        ``frame.attrs``: ``verdict`` is promote, hold or roll_back, ``reasons`` say why, ``errors``,
        ``latency`` and ``look`` hold the tests, ``more_requests`` is how many would tell. Without
        ``start`` since the canary's first request; other defaults are the server's.

            m.canary("payments", "v2", "v1", max_error_increase=0.01).attrs["verdict"]
        """
        return canaries.ask(
            *(self._server, start, end),
            service=service,
            canary=canary,
            baseline=baseline,
            source=source,
            route=route,
            confidence=confidence,
            max_error_increase=max_error_increase,
            max_latency_increase=max_latency_increase,
            quantile=quantile,
            min_requests=min_requests,
            ignore_latency=str(ignore_latency).lower(),
        )

    def traces(
        self,
        start: Time = "1h",
        end: Time | None = None,
        *,
        service: str | None = None,
        name: str | None = None,
        route: str | None = None,
        source: str | None = None,
        destination: str | None = None,
        kind: SpanKind | None = None,
        status: SpanStatus | None = None,
        error: bool | None = None,
        min_duration: Duration | None = None,
        max_duration: Duration | None = None,
        tags: Mapping[str, str | float | bool] | None = None,
        traceql: str | None = None,
        limit: int = 20,
    ) -> pd.DataFrame:
        """Return the newest traces in which one span is all that is given; at most ``limit``.

        ``duration_ns`` is from the first start to the last end; ``services`` are dicts of span
        counts; ``root_*`` are NaN while the root has not come. ``traceql`` asks instead of the
        fields. ``frame.attrs["is_complete"]`` is False when older traces may match.

            m.traces("1h", service="payment", error=True, min_duration="200ms")
            m.traces("1h", traceql='{ span.http.response.status_code >= 500 }')
        """
        answer = self._server.get(
            "/api/traces",
            **window(start, end).query(),
            q=traceql,
            service=service,
            name=name,
            route=route,
            source=source,
            destination=destination,
            kind=kind,
            status=status,
            error=None if error is None else str(error).lower(),
            min_duration=_milliseconds(min_duration),
            max_duration=_milliseconds(max_duration),
            tags=None if tags is None else json.dumps({k: _tag(v) for k, v in tags.items()}),
            limit=limit,
        )
        if not answer["traces"] and service is not None:
            _must_know("service", service, self._services_of_spans())
        rows = (
            {**row, "time": row["start_us"], "duration_ms": row["duration_ns"] / 1e6}
            for row in answer["traces"]
        )
        return frames.frame(rows, frames.TRACES, is_complete=answer["is_complete"])

    def trace(self, trace_id: str) -> pd.DataFrame:
        """Return the spans of one trace in the order of its tree.

        ``from_ns`` is after the start of the trace; ``self_ns`` is covered by no child, and the
        trace waited ``critical_ns`` for the span. Times are mended by ``moved_ns`` where clocks
        disagree. ``attributes`` are dicts. Raises UnknownName.

            m.trace(m.traces(error=True).trace_id[0])
        """
        answer = self._server.get(f"/api/traces/{trace_id}")
        zero_us, resources = answer["line"]["start_us"], answer["resources"]
        rows = (
            {
                **row,
                "service": resources[row["resource"]]["service"],
                "time": zero_us + row["from_ns"] // 1000,
                "duration_ms": row["duration_ns"] / 1e6,
            }
            for row in answer["spans"]
        )
        return frames.frame(rows, frames.TRACE, trace_id=trace_id)

    def promql(
        self,
        query: str,
        start: Time = "1h",
        end: Time | None = None,
        step: Duration | None = None,
        *,
        at: Time | None = None,
        wide: bool = False,
    ) -> pd.DataFrame:
        """Evaluate PromQL at every ``step`` of a range, or at one moment with ``at``.

        A row is a sample: a column for each label, ``time`` and ``value`` (float64). With ``wide``
        a column is a series, and the index its times. ``step`` is a 250th of the range when it is
        not given, 15 s at least. Raises BadQuery with the server's words.

            m.promql("sum by (source) (rate(mesh_requests_total[5m]))", "6h", step="1m", wide=True)
            m.promql("mesh_requests_total", at="now")
        """
        now_s = self._now_s()
        if at is not None:
            answer = self._server.post_form(
                "/api/v1/query", query=query, time=unix_s(instant(at), now_s)
            )
        else:
            asked = window(start, end)
            from_s, to_s = unix_s(asked.start, now_s), unix_s(asked.end, now_s)
            if not from_s < to_s:
                raise BadTime(f"start={start!r} must be earlier than end={end!r}")
            step_s = duration_s(step) if step is not None else step_of(to_s - from_s)
            answer = self._server.post_form(
                "/api/v1/query_range", query=query, start=from_s, end=to_s, step=step_s
            )
        for told in answer.get("warnings", ()):
            warnings.warn(told, stacklevel=2)
        made = promql.wide(answer["data"]) if wide else promql.tidy(answer["data"])
        made.attrs["query"] = query
        return made

    def sql(
        self,
        text: str,
        start: Time | None = None,
        end: Time | None = None,
        *,
        limit: int = 100_000,
        timeout_s: float = 30,
    ) -> pd.DataFrame:
        """Run one read-only SELECT over views of the store: spans, edges_1m, metrics, slos...

        ``m.sql("SHOW TABLES")`` and ``m.sql("DESCRIBE spans")`` tell what there is. Views hold the
        range that is asked for; without ``start`` each has its own: an hour for spans, logs and
        metrics, a day for minutes, 30 days for hours. What was read is in ``frame.attrs["read"]``.
        Warns of TruncatedAnswer when there are more rows than ``limit``; raises BadQuery with line
        and column.

            m.sql("SELECT service, quantile_cont(duration_ns, 0.99) / 1e6 AS p99_ms FROM spans"
                  " WHERE kind = 'server' GROUP BY service", "6h")
        """
        asked = window("1h" if start is None else start, end)
        body = {"sql": text, "limit": limit, "timeout_s": timeout_s, "to": asked.end}
        if start is not None:
            body["from"] = asked.start
        answer = self._server.post("/api/sql", body, timeout_s + _GRACE_S)
        about = json.loads(answer.headers[_ABOUT])
        if about["truncated"]:
            told = f"only the first {limit} rows came; sql(..., limit=...) takes more"
            warnings.warn(told, TruncatedAnswer, stacklevel=2)
        made = tables.read_stream(answer.content)
        made.attrs["read"] = about["read"]
        return made

    def close(self) -> None:
        """Let the connection go."""
        self._server.close()

    def _meet(self) -> str:
        """Return the server's version; raise when it is another product, or too far from ours."""
        answer = self._server.get("/api/v1/status/buildinfo")
        revision = answer.get("data", {}).get("revision", "") if isinstance(answer, dict) else ""
        if not revision.startswith(_REVISION):
            raise ServerUnreachable(self._server.url, "what answers there is no meshscope")
        server, ours = revision.removeprefix(_REVISION), importlib.metadata.version("meshscope")
        if server.split(".")[:2] != ours.split(".")[:2]:
            raise VersionMismatch(self._server.url, server, ours)
        return str(server)

    def _statuses(self, end: Time | None, service: str | None) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._server.get("/api/slos", **_until(end))
        if service is None:
            return rows
        _must_know("service", service, (row["service"] for row in rows))
        return [row for row in rows if row["service"] == service]

    def _services_of_spans(self) -> set[str]:
        seen = self._server.get("/jaeger/api/services")["data"] or []
        return {*seen, *(row["service"] for row in self._server.get("/api/services"))}

    def _now_s(self) -> float:
        """Return the server's now, so that a notebook with a wrong clock asks rightly."""
        answer = self._server.get("/api/v1/query", query="time()")
        return float(answer["data"]["result"][1])


def _must_know(noun: str, name: str, known: Iterable[str]) -> None:
    names = set(known)
    if name not in names:
        raise UnknownName(noun, name, names)


def _until(end: Time | None) -> dict[str, str]:
    """Return the parameters of what has a time window of its own, and only ends somewhere."""
    return {"from": "0", "to": "now" if end is None else instant(end)}


def _milliseconds(duration: Duration | None) -> str | None:
    return None if duration is None else f"{duration_s(duration) * 1000:g}ms"


def _tag(value: str | float | bool) -> str:  # noqa: FBT001 - a value of a tag
    return value if isinstance(value, str) else json.dumps(value)
