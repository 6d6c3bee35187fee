"""POST of an Alertmanager: who may, what is taken, and how it is answered.

Answers 200 after the commit and not before. 4xx is final to Alertmanager, which drops the message
until the next of its group; so what may succeed later is 503. Never decides what is an incident.
"""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from alerts.incidents.desk import Desk
from alerts.incidents.message import BadMessage, Message, read_message
from collector.receiver.access import OPEN, Access
from collector.receiver.admission import Admission
from collector.receiver.errors import Refused
from collector.receiver.faults import fault_of
from collector.receiver.posted import check, read_body
from collector.store.errors import StoreError
from collector.telemetry import Counter, Registry
from dashboards.web.answers import ErrorAnswer, Problem, json_answer

MAX_BODY_BYTES: Final = 8 * 2**20
"""Some ten thousand alerts; ``max_alerts`` of the receiver keeps messages below it."""
_MAX_REQUESTS: Final = 16
_MAX_HELD_BYTES: Final = 32 * 2**20
_BUSY: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken of a message."""

    alerts: int
    truncated: int


@dataclass(frozen=True, slots=True)
class Webhook:
    """The receiver of one desk."""

    desk: Desk
    access: Access = OPEN
    admission: Admission = field(default_factory=lambda: Admission(_MAX_REQUESTS, _MAX_HELD_BYTES))
    max_body_bytes: int = MAX_BODY_BYTES
    answered: Counter = field(default_factory=Counter)

    def register(self, registry: Registry) -> None:
        """Tell the registry what is counted here."""
        registry.counter("meshscope_webhook_messages_total",
                         "Messages of Alertmanager, by the status of the answer.",
                         self.answered.values, ("code",))  # fmt: skip
        registry.gauge("meshscope_incidents", "Incidents that are kept.",
                       lambda: {(state,): float(number) for state, number
                                in self.desk.numbers().items()}, ("state",))  # fmt: skip

    async def respond(self, request: Request) -> Response:
        """Take one message; raises ClientDisconnect."""
        answer = await self._answer(request)
        self.answered.add((str(answer.status_code),))
        return answer

    async def _answer(self, request: Request) -> Response:
        try:
            check(request, self.access)
            with self.admission.enter() as ticket:
                body = await read_body(request, ticket, self.max_body_bytes)
                told = await run_in_threadpool(self._take, body)
        except BadMessage as error:
            return _refused(HTTPStatus.BAD_REQUEST, "bad_message", str(error))
        except (Refused, StoreError, TimeoutError) as error:
            return _failed(error)
        return json_answer(Taken(len(told.alerts), told.left_out))

    def _take(self, body: bytes) -> Message:
        message = read_message(body)
        self.desk.take(message)
        return message


def _failed(error: Exception) -> Response:
    fault = fault_of(error)
    if fault.http_status in _BUSY:
        answer = _refused(HTTPStatus.SERVICE_UNAVAILABLE, "try_again", fault.message)
        answer.headers["Retry-After"] = "5"
        return answer
    answer = _refused(fault.http_status, HTTPStatus(fault.http_status).name.lower(), fault.message)
    if fault.http_status == HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _refused(status: int, kind: str, why: str) -> Response:
    return json_answer(ErrorAnswer(Problem(kind, why)), status)
