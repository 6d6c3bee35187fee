"""A table of SQL as an HTTP answer: an Arrow stream, or JSON with its types beside the rows.

JSON has times as ISO 8601, whole numbers beyond int64 and decimals as text, bytes as hex, and NaN
and infinities as null. Arrow keeps all of them.
"""

import datetime as dt
import decimal
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson
import pyarrow as pa
from fastapi import Response

from collector.store.sandbox.query import Answer
from dashboards.web.answers import json_answer

ARROW: Final = "application/vnd.apache.arrow.stream"
ABOUT: Final = "X-Meshscope-Sql"
"""The header of an Arrow answer that has what JSON has beside its rows."""


@dataclass(frozen=True, slots=True)
class Column:
    """``type`` is Arrow's name of it."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of a view: rows in [from_s, to_s)."""

    view: str
    from_s: int
    to_s: int
    rows: int


@dataclass(frozen=True, slots=True)
class SqlAnswer:
    """``truncated``: there are more rows than ``limit``."""

    columns: list[Column]
    rows: list[list[Any]]
    truncated: bool
    read: list[Read]


def arrow_answer(answer: Answer) -> Response:
    """Return the table as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, answer.table.schema) as stream:
        stream.write_table(answer.table)
    about = {"truncated": answer.is_truncated, "read": [asdict(one) for one in answer.read]}
    headers = {"Cache-Control": "no-store", ABOUT: orjson.dumps(about).decode()}
    return Response(sink.getvalue().to_pybytes(), media_type=ARROW, headers=headers)


def rows_answer(answer: Answer) -> Response:
    """Return the table as JSON."""
    table = answer.table
    columns = [[_plain(value) for value in column.to_pylist()] for column in table.columns]
    return json_answer(
        SqlAnswer(
            columns=[Column(field.name, str(field.type)) for field in table.schema],
            rows=[list(row) for row in zip(*columns, strict=True)],
            truncated=answer.is_truncated,
            read=[Read(one.view, one.from_s, one.to_s, one.rows) for one in answer.read],
        )
    )


def _plain(value: object) -> object:
    match value:
        case bool() | str() | float() | None | dt.datetime() | dt.date():
            return value
        case int():
            return value if -(2**63) <= value < 2**63 else str(value)
        case bytes():
            return value.hex()
        case decimal.Decimal() | dt.time() | dt.timedelta():
            return str(value)
        case list() | tuple():
            return [_plain(item) for item in value]
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case _:
            return str(value)
