"""/api/v1/status/*, targets, alertmanagers, and /-/healthy, /-/ready: what clients ask of a server.

The shapes are Prometheus's; what there is none of here is an empty list: nothing is scraped.
``buildinfo`` names no features, by which Grafana would take us for another product.
https://prometheus.io/docs/prometheus/latest/querying/api/#status
"""

import platform
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from alerts.notify.sender import PATH, without_password
from collector.prometheus.names import METRIC_NAME
from collector.prometheus.points import MAX_MS, Window
from collector.promql.options import Options
from collector.store.compaction import Retention
from dashboards.prometheus.backend import Backend
from dashboards.prometheus.execution import CONCURRENCY, Stop
from dashboards.prometheus.parameters import Parameters
from dashboards.prometheus.replies import success
from dashboards.prometheus.routing import answering, router
from dashboards.web.deps import Deps
from dashboards.web.routers.parameters import AppDeps

ROUTER: Final = router()
PROBES: Final = APIRouter(prefix="/-", include_in_schema=False)
COMPATIBLE: Final = "3.0.0"
"""The version of Prometheus that this API behaves like; clients choose features by it."""
_TOP: Final = 10
_DAY_S: Final = 86_400


@PROBES.api_route("/healthy", methods=["GET", "HEAD"])
def healthy() -> Response:
    """Say that the process is alive."""
    return PlainTextResponse("Prometheus Server is Healthy.\n")


@PROBES.api_route("/ready", methods=["GET", "HEAD"])
def ready() -> Response:
    """Say that queries are answered."""
    return PlainTextResponse("Prometheus Server is Ready.\n")


@ROUTER.get("/status/buildinfo")
def buildinfo(deps: AppDeps) -> Response:
    """Return the version that clients may count on; the revision is our own."""
    return success(
        {
            "version": COMPATIBLE,
            "revision": f"meshscope-{deps.version}",
            "branch": "HEAD",
            "buildUser": "",
            "buildDate": "",
            "goVersion": "",
        }
    )


@ROUTER.get("/status/config")
def config() -> Response:
    """Return what a configuration file would say: counters move every 10 s."""
    return success({"yaml": "global:\n  scrape_interval: 10s\n  evaluation_interval: 30s\n"})


@ROUTER.get("/status/runtimeinfo")
@answering
async def runtimeinfo(request: Request, backend: Backend, asked: Parameters) -> Response:
    """Return how long samples are kept, and what a server is asked about itself."""
    del asked
    return success(
        {
            "startTime": _rfc3339(backend.started_s),
            "CWD": "/",
            "hostname": platform.node(),
            "serverTime": _rfc3339(backend.clock_s()),
            "reloadConfigSuccess": True,
            "lastConfigTime": _rfc3339(backend.started_s),
            "corruptionCount": 0,
            "goroutineCount": 0,
            "GOMAXPROCS": 0,
            "GOMEMLIMIT": 0,
            "GOGC": "",
            "GODEBUG": "",
            "storageRetention": _kept(request.app.state.deps),
        }
    )


@ROUTER.get("/status/flags")
def flags(deps: AppDeps) -> Response:
    """Return the limits of queries by the names of Prometheus's flags."""
    options = Options()
    return success(
        {
            "query.lookback-delta": f"{options.lookback_ms // 60_000}m",
            "query.max-concurrency": str(CONCURRENCY),
            "query.max-samples": str(options.max_samples),
            "query.timeout": "2m",
            "storage.tsdb.retention.time": _kept(deps),
        }
    )


@ROUTER.get("/status/tsdb")
@answering
async def tsdb(request: Request, backend: Backend, asked: Parameters) -> Response:
    """Return how many series there are, and by which names and labels."""
    limit = asked.limit() or _TOP

    def count(stop: Stop) -> dict[str, Any]:
        by_name: Counter[str] = Counter()
        by_pair: Counter[str] = Counter()
        values: dict[str, set[str]] = {}
        with backend.session(stop) as session:
            for labels in session.label_sets((), Window(0, MAX_MS)):
                for name, value in labels:
                    by_pair[f"{name}={value}"] += 1
                    values.setdefault(name, set()).add(value)
                    if name == METRIC_NAME:
                        by_name[value] += 1
        sizes = Counter({name: len(found) for name, found in values.items()})
        lengths = Counter({name: sum(map(len, found)) for name, found in values.items()})
        return {
            "headStats": {
                "numSeries": by_name.total(),
                "numLabelPairs": len(by_pair),
                "chunkCount": 0,
                "minTime": 0,
                "maxTime": backend.now_ms,
            },
            "seriesCountByMetricName": _top(by_name, limit),
            "labelValueCountByLabelName": _top(sizes, limit),
            "memoryInBytesByLabelName": _top(lengths, limit),
            "seriesCountByLabelValuePair": _top(by_pair, limit),
        }

    return success(await backend.pool.run(request, count))


@ROUTER.get("/targets")
def targets() -> Response:
    """List what is scraped: nothing, telemetry is pushed."""
    return success({"activeTargets": [], "droppedTargets": [], "droppedTargetCounts": {}})


@ROUTER.get("/targets/metadata")
def targets_metadata() -> Response:
    """List the metadata of what is scraped."""
    return success([])


@ROUTER.get("/scrape_pools")
def scrape_pools() -> Response:
    """List the pools of what is scraped."""
    return success({"scrapePools": []})


@ROUTER.get("/alertmanagers")
def alertmanagers(deps: AppDeps) -> Response:
    """List whom alerts are sent to: nobody, unless rules are evaluated here."""
    told = deps.alertmanagers if deps.evaluator is not None else ()
    active = [{"url": f"{without_password(one).rstrip('/')}{PATH}"} for one in told]
    return success({"activeAlertmanagers": active, "droppedAlertmanagers": []})


def _kept(deps: Deps) -> str:
    """Return for how long samples are kept."""
    if deps.remote_write is None:
        return f"{Retention().metrics_s // _DAY_S}d"
    return f"{deps.remote_write.keep_ns // 10**9 // _DAY_S}d"


def _top(counts: Counter[str], limit: int) -> list[dict[str, Any]]:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [{"name": name, "value": count} for name, count in ordered[:limit]]


def _rfc3339(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")
