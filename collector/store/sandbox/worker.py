"""The process that runs a statement: an engine in memory, and no way to anything else.

Talks over its standard streams: a request, what it needs, the tables of that, the answer. The
limits on memory and processor time come first, before a byte of the request is read; the engine
gets no files, network, extensions, and no settings once it is set up. Never sees the store.
"""

import json
import resource
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import IO, Any, Final

import duckdb
import pyarrow as pa

from collector.store.sandbox.errors import Kind, SqlError, error_at
from collector.store.sandbox.statement import Views, check

MEMORY_BYTES: Final = 1280 * 2**20
"""The operating system gives the process no more than this for its data."""
_ENGINE: Final[Mapping[str, str | int | bool]] = {
    "memory_limit": "384MiB",
    "threads": 2,
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
}
_INT64: Final = pa.int64()


def main() -> None:
    """Answer one request of standard input, then end."""
    request = json.loads(sys.stdin.buffer.readline(2**21))
    _confine(request["timeout_s"])
    answer = sys.stdout.buffer
    try:
        _run(request, sys.stdin.buffer, answer)
    except SqlError as error:
        told = {"kind": error.kind, "message": error.message}
        _tell(answer, {"error": told | {"line": error.line, "column": error.column}})
    except (duckdb.OutOfMemoryException, MemoryError, pa.ArrowMemoryError):
        told = {"kind": "memory", "message": "the statement needs more memory than it may have"}
        _tell(answer, {"error": told})
    except RecursionError:
        told = {"kind": "refused", "message": "the statement is nested too deeply"}
        _tell(answer, {"error": told})
    except Exception as error:  # noqa: BLE001 - whatever it is, the server must hear of it
        told = {"kind": "failed", "message": f"{type(error).__name__}: {error}"}
        _tell(answer, {"error": told})


def _confine(timeout_s: float) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    seconds = max(int(timeout_s) * 4 + 4, 8)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _run(request: Mapping[str, Any], given: IO[bytes], answer: IO[bytes]) -> None:
    text, views = request["sql"], request["views"]
    engine = _engine(views)
    try:
        statement = check(engine, text, views)
        _tell(answer, {"needs": [asdict(need) for need in statement.needs]})
        for need in statement.needs:
            engine.execute(f'DROP TABLE "{need.view}"')
            engine.register(need.view, pa.ipc.open_stream(given).read_all())
        reader = engine.execute(text).to_arrow_reader(8192)
        table, is_truncated = _bounded(reader, request["limit"], request["bytes"])
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise _worded(error, text) from error
    _tell(answer, {"truncated": is_truncated})
    with pa.ipc.new_stream(answer, table.schema) as stream:
        stream.write_table(table)
    answer.flush()


def _engine(views: Views) -> duckdb.DuckDBPyConnection:
    """Return an engine with empty tables in the shape of the views."""
    config: Any = dict(_ENGINE)
    engine = duckdb.connect(":memory:", config=config)
    engine.execute("SET TimeZone = 'UTC'")
    engine.execute("SET errors_as_json = true")
    engine.execute("SET max_temp_directory_size = '0KiB'")
    for view, columns in views.items():
        shape = ", ".join(f'"{name}" {type_}' for name, type_ in columns.items())
        engine.execute(f'CREATE TABLE "{view}" ({shape})')
    engine.execute("SET lock_configuration = true")
    return engine


def _bounded(reader: pa.RecordBatchReader, rows: int, most_bytes: int) -> tuple[pa.Table, bool]:
    """Return the first rows of the answer, and whether there are more."""
    batches, count, size = [], 0, 0
    for batch in reader:
        kept = batch.slice(0, rows - count)
        batches.append(kept)
        count, size = count + len(kept), size + kept.nbytes
        if len(kept) < len(batch):
            return _plain(pa.Table.from_batches(batches, reader.schema)), True
        if size > most_bytes:
            told = f"the answer has more than {most_bytes >> 20} MiB: select less, or add LIMIT"
            raise SqlError("too_large", told)
    return _plain(pa.Table.from_batches(batches, reader.schema)), False


def _plain(table: pa.Table) -> pa.Table:
    """Sums of whole numbers are wider than any client reads: make them int64 where they fit."""
    for place, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type) and field.type.scale == 0:
            try:
                column = table.column(place).cast(_INT64)
            except pa.ArrowInvalid:
                continue
            table = table.set_column(place, field.name, column)
    return table


def _worded(error: duckdb.Error, text: str) -> SqlError:
    """Return the engine's error with its place in the text."""
    try:
        told = json.loads(str(error)[str(error).index("{") :])
    except ValueError:
        return SqlError("failed", str(error))
    place = told.get("position")
    kind: Kind = "syntax" if told.get("exception_type") == "Parser" else "bad_sql"
    message = str(told.get("exception_message", "")).strip()
    return error_at(kind, message, text, None if place is None else int(place))


def _tell(answer: IO[bytes], value: object) -> None:
    answer.write(json.dumps(value).encode() + b"\n")
    answer.flush()


if __name__ == "__main__":
    main()
