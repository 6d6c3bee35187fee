"""What one request will do, drawn before it starts, and what the answers of its calls mean.

Pure: randomness is passed in, so a seed fixes the sequence of plans of a workload.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from proxy.shop.operation import Call, Operation

BUSINESS_STATUSES: Final = frozenset({402, 404, 409})
"""Refusals that mean something to the user, and so are passed on as they are."""

NO_RESPONSE: Final = 0
"""The status of a call without an answer: no connection, or the caller gave up."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The work of one request: wait, then fail or make the calls of each stage in turn."""

    delay_s: float
    failure: int | None
    stages: tuple[tuple[Call, ...], ...]


def draw_plan(
    operation: Operation, rng: Random, *, pace: float = 1.0, failure_ratio: float = 0.0
) -> Plan:
    """Draw the plan of one request.

    ``pace`` multiplies the service time; ``failure_ratio`` adds so many 500s: a bad release.
    """
    delay_s = operation.service_time.draw_s(rng) * pace
    ratios = [(500, failure_ratio), *((f.status, f.ratio) for f in operation.failures)]
    failures = [status for status, ratio in ratios if rng.random() < ratio]
    stages = tuple(
        tuple(call for call in stage if rng.random() < call.probability)
        for stage in operation.stages
    )
    return Plan(delay_s, failures[0] if failures else None, stages)


def is_success(status: int) -> bool:
    """Say whether a call gave its caller what it asked for."""
    return 200 <= status < 300


def failure_of(calls: Sequence[Call], statuses: Sequence[int]) -> int | None:
    """Return the status with which a request must end after a stage; None when it goes on.

    The first critical failure decides. A refusal that is ours and not the user's is a bad gateway.
    """
    for call, status in zip(calls, statuses, strict=True):
        if not call.is_optional and not is_success(status):
            return _passed_on(status)
    return None


def degraded_by(calls: Sequence[Call], statuses: Sequence[int]) -> list[str]:
    """Return the destinations whose optional call failed: what the answer has to do without."""
    return [
        call.destination
        for call, status in zip(calls, statuses, strict=True)
        if call.is_optional and not is_success(status)
    ]


def _passed_on(status: int) -> int:
    if status in BUSINESS_STATUSES or status in {503, 504}:
        return status
    return 504 if status == NO_RESPONSE else 502
