"""Answers and errors in the shape of Prometheus's API.

Success: ``{"status":"success","data":...,"warnings":[],"infos":[]}``; errors have an errorType and
the HTTP status that belongs to it. Never decides what is true.
"""

import logging
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Final

import duckdb
from fastapi import Response
from starlette.responses import StreamingResponse

from collector.promql.errors import QueryError
from dashboards.web.answers import encode

_LOG: Final = logging.getLogger(__name__)
_STATUS: Final = {
    "bad_data": HTTPStatus.BAD_REQUEST,
    "execution": HTTPStatus.UNPROCESSABLE_ENTITY,
    "timeout": HTTPStatus.SERVICE_UNAVAILABLE,
    "canceled": 499,
    "internal": HTTPStatus.INTERNAL_SERVER_ERROR,
    "not_found": HTTPStatus.NOT_FOUND,
    "not_acceptable": HTTPStatus.NOT_ACCEPTABLE,
}
_JSON: Final = "application/json"
_HEADERS: Final = {"Cache-Control": "no-store"}


def success(data: object, *, warnings: Sequence[str] = (), infos: Sequence[str] = ()) -> Response:
    """Return data that is small enough to be encoded at once."""
    return streamed(iter([encode(data)]), warnings=warnings, infos=infos)


def streamed(
    data: Iterator[bytes], *, warnings: Sequence[str] = (), infos: Sequence[str] = ()
) -> Response:
    """Return data that comes in chunks: as one body when it is short, else piece by piece."""
    tail = b"".join(
        b',"' + name + b'":' + encode(list(told))
        for name, told in ((b"warnings", warnings), (b"infos", infos))
        if told
    )
    head = b'{"status":"success","data":' + next(data)
    second = next(data, None)
    if second is None:
        return Response(head + tail + b"}", media_type=_JSON, headers=_HEADERS)

    def chunks() -> Iterator[bytes]:
        yield head
        yield second
        yield from data
        yield tail + b"}"

    return StreamingResponse(chunks(), media_type=_JSON, headers=_HEADERS)


def failure(error: Exception) -> Response:
    """Return what Prometheus says of an error."""
    match error:
        case QueryError():
            return _failure(error.kind, str(error))
        case duckdb.OutOfMemoryException():
            told = "query processing would need more memory than the store may use"
            return _failure("execution", told)
        case _:
            _LOG.error("a query failed", exc_info=error)
            return _failure("internal", "the server failed to answer; its log has the reason")


def _failure(kind: str, message: str) -> Response:
    body = {"status": "error", "errorType": kind, "error": message}
    return Response(encode(body), int(_STATUS[kind]), media_type=_JSON, headers=_HEADERS)
