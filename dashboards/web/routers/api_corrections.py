"""/api/slos/corrections: what does not count for some objectives; to list, add and withdraw.

Nothing is changed or deleted: a withdrawn correction stays in the list, with who, why and when.
Without a ledger (``MESHSCOPE_SLO_CORRECTIONS``) there is nothing to list, and adding is refused.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, Field

from dashboards.web.answers import ErrorAnswer, Problem, json_answer
from dashboards.web.deps import Deps
from dashboards.web.routers.parameters import AppDeps
from slo.corrections import Correction
from slo.ledger import Ledger, LedgerRefused

ROUTER: Final = APIRouter(
    prefix="/api/slos/corrections", tags=["slos"], responses={400: {"model": ErrorAnswer}}
)
Line = Annotated[str, Field(min_length=1, max_length=500)]


class Addition(BaseModel):
    """A correction to make: whole minutes of some objectives, by somebody, for a reason."""

    objectives: Annotated[list[Line], Field(min_length=1, max_length=1000)]
    from_: Annotated[AwareDatetime, Field(alias="from")]
    to: AwareDatetime
    by: Line
    why: Line


class Withdrawing(BaseModel):
    """Who takes a correction back, and why."""

    by: Line
    why: Line


@ROUTER.get("", responses={200: {"model": list[Correction]}})
def corrections(deps: AppDeps) -> Response:
    """Every correction that was ever made, withdrawn ones too."""
    return json_answer(list(deps.corrections()))


@ROUTER.post("", responses={201: {"model": Correction}})
def add(deps: AppDeps, asked: Addition) -> Response:
    """Exclude a span of time from some objectives."""
    unknown = set(asked.objectives) - {slo.name for slo in deps.slos}
    if unknown:
        return _refused(f"no objective is named {', '.join(sorted(unknown))}")
    return _done(
        deps,
        201,
        lambda ledger: ledger.add(
            asked.objectives,
            _seconds(asked.from_),
            _seconds(asked.to),
            by=asked.by,
            why=asked.why,
            now_s=int(deps.clock_s()),
        ),
    )


@ROUTER.post("/{correction}/withdraw", responses={200: {"model": Correction}})
def withdraw(deps: AppDeps, correction: str, asked: Withdrawing) -> Response:
    """Let the span count again; the correction stays in the list."""
    now_s = int(deps.clock_s())
    return _done(
        deps,
        200,
        lambda ledger: ledger.withdraw(correction, by=asked.by, why=asked.why, now_s=now_s),
    )


def _done(deps: Deps, status: int, change: Callable[[Ledger], Correction]) -> Response:
    if deps.ledger is None:
        return _refused("this server has no ledger; start it with MESHSCOPE_SLO_CORRECTIONS")
    try:
        return json_answer(change(deps.ledger), status)
    except LedgerRefused as error:
        return _refused(str(error))


def _refused(why: str) -> Response:
    return json_answer(ErrorAnswer(Problem("refused", why)), 400)


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
