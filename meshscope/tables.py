"""Answers of SQL, Arrow streams -> DataFrames. pyarrow does the work, as it does for pandas.

Whole numbers stay whole: a column with gaps becomes ``Int64``, where pandas would make floats.
"""

from typing import Any

import pandas as pd
import pyarrow as pa


def read_stream(stream: bytes) -> pd.DataFrame:
    """Return the table of an Arrow IPC stream."""
    table = pa.ipc.open_stream(stream).read_all()
    columns = [
        _column(column, field.type)
        for column, field in zip(table.columns, table.schema, strict=True)
    ]
    made = pd.concat(columns, axis="columns") if columns else pd.DataFrame()
    made.columns = pd.Index(table.column_names)
    return made


def _column(column: Any, type_: Any) -> "pd.Series[Any]":
    if pa.types.is_integer(type_) and (column.null_count or not pa.types.is_int64(type_)):
        wanted = "UInt64" if pa.types.is_uint64(type_) else "Int64"
        if not column.null_count:
            wanted = wanted.lower()
        return pd.Series(column.to_pylist(), dtype=wanted)
    if pa.types.is_boolean(type_) and column.null_count:
        return pd.Series(column.to_pylist(), dtype="boolean")
    if pa.types.is_string(type_):
        return pd.Series(column.to_pylist(), dtype="str")
    found: pd.Series[Any] = column.to_pandas()
    return found.dt.tz_convert("UTC") if pa.types.is_timestamp(type_) and type_.tz else found
