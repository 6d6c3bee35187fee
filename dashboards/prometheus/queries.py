"""/api/v1/query, query_range, query_exemplars, format_query, parse_query: expressions and answers.

Evaluates in the backend's threads; what comes out is streamed.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request, Response

from collector.prometheus.exemplars import exemplars
from collector.prometheus.points import Window
from collector.promql.engine import instant, over_range
from collector.promql.errors import BadQuery
from collector.promql.formatting import formatted
from collector.promql.options import Options
from collector.promql.parser import parse
from collector.promql.samples import Answer
from dashboards.prometheus.backend import Backend, Session
from dashboards.prometheus.execution import Stop
from dashboards.prometheus.parameters import BadParameter, Parameters
from dashboards.prometheus.rendering import instant_data, range_data, series_count
from dashboards.prometheus.replies import streamed, success
from dashboards.prometheus.routing import BOTH, answering, router
from dashboards.prometheus.syntax import selectors_in, syntax_tree

ROUTER: Final = router()
_TRUNCATED: Final = "results truncated due to limit"

Evaluate = Callable[[Session, Options], Answer]
Render = Callable[[Answer, int], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class _Done:
    """An evaluated query, how long it took, and how many samples it read."""

    answer: Answer
    seconds: float
    samples: int


@ROUTER.api_route("/query", methods=BOTH)
@answering
async def query(request: Request, backend: Backend, asked: Parameters) -> Response:
    """Evaluate an expression at one instant."""
    at_ms = asked.time_ms("time", backend.now_ms)
    text = asked.text("query")

    def evaluate(session: Session, options: Options) -> Answer:
        return instant(session, text, at_ms, options)

    return await _answer(request, backend, asked, evaluate, instant_data)


@ROUTER.api_route("/query_range", methods=BOTH)
@answering
async def query_range(request: Request, backend: Backend, asked: Parameters) -> Response:
    """Evaluate an expression at every step of a range."""
    steps = asked.steps()
    text = asked.text("query")

    def evaluate(session: Session, options: Options) -> Answer:
        return over_range(session, text, steps.start_ms, steps.end_ms, steps.step_ms, options)

    return await _answer(request, backend, asked, evaluate, range_data)


@ROUTER.api_route("/query_exemplars", methods=BOTH)
@answering
async def query_exemplars(request: Request, backend: Backend, asked: Parameters) -> Response:
    """Return the exemplars of all series that an expression reads."""
    from_ms, to_ms = asked.time_ms("start", 0), asked.time_ms("end", backend.now_ms)
    if to_ms < from_ms:
        raise BadParameter("end", "end timestamp must not be before start time")
    selectors = selectors_in(_parsed(asked))

    def find(stop: Stop) -> list[dict[str, Any]]:
        with backend.session(stop) as session:
            return exemplars(session.store, selectors, Window(from_ms, to_ms))

    return success(await backend.pool.run(request, find))


@ROUTER.api_route("/format_query", methods=BOTH)
@answering
async def format_query(request: Request, backend: Backend, asked: Parameters) -> Response:
    """Return the expression as it is usually written."""
    del request, backend
    _parsed(asked)
    return success(formatted(asked.text("query")))


@ROUTER.api_route("/parse_query", methods=BOTH)
@answering
async def parse_query(request: Request, backend: Backend, asked: Parameters) -> Response:
    """Return the expression as a tree."""
    del request, backend
    return success(syntax_tree(_parsed(asked)))


async def _answer(
    request: Request, backend: Backend, asked: Parameters, evaluate: Evaluate, render: Render
) -> Response:
    limit = asked.limit()
    timeout_ms = asked.duration_ms("timeout")
    lookback_ms = asked.duration_ms("lookback_delta")
    _parsed(asked)

    def work(stop: Stop) -> _Done:
        options = Options(lookback_ms=lookback_ms or Options().lookback_ms, check=stop.check)
        began = time.perf_counter()
        with backend.session(stop) as session, _blaming_query():
            answer = evaluate(session, options)
            return _Done(answer, time.perf_counter() - began, sum(session.given))

    timeout_s = None if timeout_ms is None else timeout_ms / 1000
    done = await backend.pool.run(request, work, timeout_s)
    data = render(done.answer, limit)
    if asked.text("stats"):
        data = _with_stats(data, done)
    warnings = done.answer.warnings
    if limit and series_count(done.answer) > limit:
        warnings = (*warnings, _TRUNCATED)
    return streamed(data, warnings=warnings, infos=done.answer.infos)


def _parsed(asked: Parameters) -> Any:
    with _blaming_query():
        return parse(asked.text("query"))


@contextmanager
def _blaming_query() -> Iterator[None]:
    """Say which parameter it is that cannot be."""
    try:
        yield
    except BadQuery as error:
        raise BadParameter("query", error) from error


def _with_stats(data: Iterator[bytes], done: _Done) -> Iterator[bytes]:
    """Add what the query cost to the end of its data."""
    told = (
        f',"stats":{{"timings":{{"evalTotalTime":{done.seconds:.9f},'
        f'"execTotalTime":{done.seconds:.9f}}},"samples":{{"totalQueryableSamples":'
        f'{done.samples},"peakSamples":{done.samples}}}}}}}'
    ).encode()
    last = next(data)
    for chunk in data:
        yield last
        last = chunk
    yield last[:-1] + told
