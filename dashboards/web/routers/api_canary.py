"""/api/canary: the verdict on a canary, for people, programs and Argo Rollouts' web metrics.

/api/canary/hooks/{hook} answers Flagger's webhooks: the status code is the answer, the body is why.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, ConfigDict

from dashboards.web.answers import ErrorAnswer, json_answer
from dashboards.web.canaries import read_canary
from dashboards.web.routers.canary_parameters import AskedCanary, question_of
from dashboards.web.routers.parameters import AppDeps
from slo.canary.hooks import Hook, hook_status
from slo.canary.verdict import CanaryVerdict, Verdict

ROUTER: Final = APIRouter(
    prefix="/api/canary", tags=["canary"], responses={400: {"model": ErrorAnswer}}
)


class HookCall(BaseModel):
    """What Flagger posts; ``checksum`` and other fields of newer versions are let pass."""

    model_config = ConfigDict(extra="ignore")

    name: str
    namespace: str = ""
    phase: str = ""
    metadata: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """Why; Flagger writes it into its log and the events of the canary."""

    verdict: Verdict
    reasons: tuple[str, ...]


@ROUTER.get("", responses={200: {"model": CanaryVerdict}})
def canary(deps: AppDeps, asked: AskedCanary) -> Response:
    """Promote, hold or roll back, with reasons and every number behind them."""
    return json_answer(read_canary(deps.store, asked.asked, asked.policy))


@ROUTER.post("/hooks/{hook}", responses={200: {"model": HookAnswer}, 409: {"model": HookAnswer}})
def flagger(deps: AppDeps, hook: Hook, call: Annotated[HookCall, Body()]) -> Response:
    """Answer a hook of Flagger: 200 goes on, or for ``rollback`` rolls back; else 409."""
    question = question_of(call.name, call.metadata or {}, deps.clock_s())
    found = read_canary(deps.store, question.asked, question.policy)
    answer = HookAnswer(found.verdict, found.reasons)
    return json_answer(answer, hook_status(hook, found.verdict))
