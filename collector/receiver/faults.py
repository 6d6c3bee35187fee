"""An error -> what the sender is told, in the words of gRPC and of HTTP.

One rule stands above: what could succeed later must never look permanent, or the sender drops the
data. So an unexpected error is UNAVAILABLE and 503, never UNKNOWN or 500.
Spec: https://opentelemetry.io/docs/specs/otlp/#failures
"""

import logging
import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status

from collector.otlp.errors import MalformedPayload
from collector.receiver import errors
from collector.store.errors import BatchRefused, Overloaded, StoreError

_LOG: Final = logging.getLogger(__name__)
RETRY_AFTER_S: Final = 1.0
"""Some commits long, and short against what a sender can hold."""
_MAX_CHARACTERS: Final = 400
"""ASCII, and twice in a gRPC trailer, for which many clients allow 8 KiB in all."""

_REFUSALS: Final[dict[type[errors.Refused], tuple[int, HTTPStatus]]] = {
    errors.Unauthenticated: (Code.UNAUTHENTICATED, HTTPStatus.UNAUTHORIZED),
    errors.ForbiddenOrigin: (Code.PERMISSION_DENIED, HTTPStatus.FORBIDDEN),
    errors.NoSuchPath: (Code.UNIMPLEMENTED, HTTPStatus.NOT_FOUND),
    errors.WrongMethod: (Code.UNIMPLEMENTED, HTTPStatus.METHOD_NOT_ALLOWED),
    errors.UnsupportedMedia: (Code.INVALID_ARGUMENT, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    errors.TooLarge: (Code.RESOURCE_EXHAUSTED, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
}
_BUSY: Final[dict[type[errors.Refused], tuple[int, HTTPStatus]]] = {
    errors.TooManyRequests: (Code.UNAVAILABLE, HTTPStatus.SERVICE_UNAVAILABLE),
    errors.MemoryExhausted: (Code.RESOURCE_EXHAUSTED, HTTPStatus.TOO_MANY_REQUESTS),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What the sender is told; ``retry_after_s`` is None when it shall not come again."""

    code: int
    http_status: int
    message: str
    retry_after_s: float | None = None

    @property
    def status(self) -> Any:
        """The google.rpc.Status of this fault, with RetryInfo when it may be retried."""
        status = Status(code=self.code, message=self.message)
        if self.retry_after_s is not None:
            seconds = math.ceil(self.retry_after_s)
            status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=seconds)))
        elif self.code == Code.INVALID_ARGUMENT:
            violation = BadRequest.FieldViolation(description=self.message)
            status.details.add().Pack(BadRequest(field_violations=[violation]))
        return status


def fault_of(error: Exception) -> Fault:
    """Return what to tell the sender; unexpected errors are logged with their trace."""
    match error:
        case MalformedPayload() | BatchRefused():
            return Fault(Code.INVALID_ARGUMENT, HTTPStatus.BAD_REQUEST, _words(error))
        case errors.Refused() if type(error) in _REFUSALS:
            return Fault(*_REFUSALS[type(error)], _words(error))
        case errors.Refused() if type(error) in _BUSY:
            return Fault(*_BUSY[type(error)], _words(error), RETRY_AFTER_S)
        case Overloaded():
            return _later(HTTPStatus.TOO_MANY_REQUESTS, _words(error))
        case StoreError() | TimeoutError():
            return _later(HTTPStatus.SERVICE_UNAVAILABLE, _words(error) or "no commit in time")
        case _:
            _LOG.error("an export failed unexpectedly", exc_info=error)
            return _later(HTTPStatus.SERVICE_UNAVAILABLE, "an unexpected error; try again")


def _later(http_status: int, message: str) -> Fault:
    return Fault(Code.UNAVAILABLE, http_status, message, RETRY_AFTER_S)


def _words(error: Exception) -> str:
    return str(error).encode("ascii", "backslashreplace").decode()[:_MAX_CHARACTERS]
