"""POST /api/sql: one read-only statement over views of the store; GET: the views there are.

The statement runs in a process of its own (``collector.store.sandbox``), which is ended when it
takes too long or when its client leaves.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Final, cast

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from collector.promql.errors import QueryCanceled, QueryTimedOut
from collector.store.sandbox.errors import Kind, SqlError
from collector.store.sandbox.query import Answer, Question, Running, ask
from collector.store.sandbox.views import VIEWS, Given, View
from dashboards.prometheus.execution import Pool, Stop
from dashboards.web.answers import json_answer
from dashboards.web.deps import Deps
from dashboards.web.routers.parameters import AppDeps
from dashboards.web.sql_answer import ARROW, SqlAnswer, arrow_answer, rows_answer
from dashboards.web.sql_views import slo_views
from dashboards.web.timerange import DEFAULT_TO, parse_range

ROUTER: Final = APIRouter(prefix="/api/sql", tags=["sql"])
AT_ONCE: Final = 2
"""Statements that run at a time; further ones wait, until their timeout."""
MAX_TIMEOUT_S: Final = 60.0
MAX_ROWS: Final = 1_000_000

_STATUS: Final[dict[Kind, int]] = {
    "syntax": 400,
    "refused": 400,
    "bad_sql": 400,
    "too_large": 422,
    "memory": 422,
    "timeout": 503,
    "canceled": 499,
    "failed": 500,
}


class Asked(BaseModel):
    """A statement and its bounds. ``from`` and ``to`` are as everywhere in the API."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    sql: str
    limit: Annotated[int, Field(ge=1, le=MAX_ROWS)] = 10_000
    timeout_s: Annotated[float, Field(gt=0, le=MAX_TIMEOUT_S)] = 10.0
    from_: Annotated[str | None, Field(alias="from")] = None
    to: str = DEFAULT_TO


@dataclass(frozen=True, slots=True)
class SqlProblem:
    """What is wrong and where: ``line`` and ``column`` count from 1."""

    type: str
    message: str
    line: int | None
    column: int | None


@dataclass(frozen=True, slots=True)
class SqlErrorAnswer:
    """The body of an error."""

    error: SqlProblem


@dataclass(frozen=True, slots=True)
class ViewRow:
    """A view: what a row of it is, its columns and types, and its time without ``from``."""

    name: str
    about: str
    columns: dict[str, str]
    default_s: int


def sql_pool() -> Pool:
    """Make the threads that wait for workers."""
    return Pool(MAX_TIMEOUT_S, ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sql"))


@ROUTER.get("", responses={200: {"model": list[ViewRow]}})
def views(deps: AppDeps) -> Response:
    """List the views that a statement may read."""
    every: list[View | Given] = [*VIEWS, *slo_views(deps.store, deps.slos, deps.corrections)]
    return json_answer([ViewRow(v.name, v.about, dict(v.columns), v.default_s) for v in every])


@ROUTER.post("", responses={200: {"model": SqlAnswer}, 400: {"model": SqlErrorAnswer}})
async def sql(
    request: Request, deps: AppDeps, asked: Asked, accept: Annotated[str, Header()] = ""
) -> Response:
    """Run one SELECT; the answer is JSON, or an Arrow stream when that is accepted."""
    question = _question(deps, asked)
    pool = cast("Pool", request.app.state.sql_pool)
    try:
        answer = await pool.run(request, lambda stop: _run(deps, question, stop), asked.timeout_s)
    except QueryTimedOut:
        told = f"the statement took longer than {asked.timeout_s:g} s; timeout_s may be up to"
        return _failure(SqlError("timeout", f"{told} {MAX_TIMEOUT_S:g}"))
    except QueryCanceled:
        return _failure(SqlError("canceled", "nobody waits for the answer"))
    except SqlError as error:
        return _failure(error)
    return arrow_answer(answer) if ARROW in accept else rows_answer(answer)


def _question(deps: Deps, asked: Asked) -> Question:
    """Return what is asked; without ``from`` each view decides how far back it reaches."""
    seen = parse_range(asked.from_ or "0", asked.to, now_s=deps.clock_s())
    return Question(
        sql=asked.sql,
        to_s=seen.to_s,
        from_s=seen.from_s if asked.from_ else None,
        limit=asked.limit,
        timeout_s=asked.timeout_s,
    )


def _run(deps: Deps, question: Question, stop: Stop) -> Answer:
    running = Running()
    with stop.scanning(running):
        try:
            views = slo_views(deps.store, deps.slos, deps.corrections)
            return ask(deps.store, question, running, views)
        except SqlError:
            stop.check()
            raise


def _failure(error: SqlError) -> Response:
    problem = SqlProblem(error.kind, error.message, error.line, error.column)
    return json_answer(SqlErrorAnswer(problem), _STATUS[error.kind])
