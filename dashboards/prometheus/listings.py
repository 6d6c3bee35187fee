"""/api/v1/series, labels, label/<name>/values, metadata: what there is to ask for.

Without ``start`` and ``end`` all times count. Never evaluates.
"""

from collections.abc import Iterable
from typing import Final

from fastapi import Request, Response

from collector.prometheus.metadata import Metadata, read_metadata
from collector.prometheus.points import MAX_MS, Window
from collector.promql.errors import BadQuery
from collector.promql.samples import Labels
from dashboards.prometheus.backend import Backend
from dashboards.prometheus.execution import Stop
from dashboards.prometheus.objectives import EVENTS, TARGET
from dashboards.prometheus.parameters import BadParameter, Parameters, label_of_path
from dashboards.prometheus.replies import success
from dashboards.prometheus.routing import BOTH, answering, router

ROUTER: Final = router()
_TRUNCATED: Final = "results truncated due to limit"
_OWN: Final = {
    TARGET: [Metadata("gauge", "", "The ratio of good events that is good enough.")],
    EVENTS: [Metadata("counter", "", "Events of an SLO by result.")],
}


@ROUTER.api_route("/series", methods=BOTH)
@answering
async def series(request: Request, backend: Backend, asked: Parameters) -> Response:
    """List the series that fit any of the selectors."""
    found = await _found(request, backend, asked, required=True)
    return _limited([dict(labels) for labels in sorted(found)], asked)


@ROUTER.api_route("/labels", methods=BOTH)
@answering
async def labels(request: Request, backend: Backend, asked: Parameters) -> Response:
    """List the names of labels."""
    found = await _found(request, backend, asked, required=False)
    return _limited(sorted({name for one in found for name, _ in one}), asked)


@ROUTER.get("/label/{name:path}/values")
@answering
async def values(request: Request, backend: Backend, asked: Parameters, name: str) -> Response:
    """List the values of a label."""
    label = label_of_path(name)
    if not label:
        raise BadQuery('invalid label name: ""')
    found = await _found(request, backend, asked, required=False)
    told = {value for one in found for key, value in one if key == label}
    return _limited(sorted(told), asked)


@ROUTER.get("/metadata")
@answering
async def metadata(request: Request, backend: Backend, asked: Parameters) -> Response:
    """Return type, unit and help of metrics by name."""
    limit, metric = _count(asked, "limit"), asked.text("metric")

    def read(stop: Stop) -> dict[str, list[Metadata]]:
        with backend.session(stop) as session:
            return read_metadata(session.store) | _OWN

    known = await backend.pool.run(request, read)
    chosen = [name for name in sorted(known) if metric in {"", name}]
    per_metric = _count(asked, "limit_per_metric")
    return success({name: known[name][: per_metric or None] for name in chosen[: limit or None]})


async def _found(
    request: Request, backend: Backend, asked: Parameters, *, required: bool
) -> set[Labels]:
    """Return the distinct label sets that exist in the window and fit any of the selectors."""
    asked.limit()
    window = Window(asked.time_ms("start", 0), asked.time_ms("end", MAX_MS))
    selectors = asked.selectors(required=required) or [()]
    if window.to_ms < window.from_ms:
        raise BadParameter("end", "end timestamp must not be before start time")

    def find(stop: Stop) -> set[Labels]:
        with backend.session(stop) as session:
            return {
                labels
                for matchers in selectors
                for labels in _checked(session.label_sets(matchers, window), stop)
            }

    return await backend.pool.run(request, find)


def _checked(found: Iterable[Labels], stop: Stop) -> Iterable[Labels]:
    for number, one in enumerate(found):
        if number % 10_000 == 0:
            stop.check()
        yield one


def _limited(found: list[str] | list[dict[str, str]], asked: Parameters) -> Response:
    limit = asked.limit()
    is_cut = bool(limit) and len(found) > limit
    return success(found[: limit or None], warnings=(_TRUNCATED,) if is_cut else ())


def _count(asked: Parameters, name: str) -> int:
    text = asked.text(name)
    if text and not text.removeprefix("-").isdecimal():
        raise BadQuery(f"{name} must be a number")
    return max(int(text or 0), 0)
