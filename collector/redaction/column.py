"""Which rows of a string column are worth a look: one pass of one expression over all their bytes.

A clean column costs a memory copy and that pass. Never decides: a row it names may be clean, a row
it does not name is.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collector.redaction.expressions import Regex, compiled

_ESCAPED: Final = rb"\\u00[2-7]"
"""ASCII that somebody's JSON writes as an escape may be part of anything."""


def any_of(hints: Iterable[bytes]) -> Regex:
    """Return the expression that finds all hints."""
    return compiled(b"|".join(b"(?:%b)" % hint for hint in (*hints, _ESCAPED)))


def is_text(kind: Any) -> bool:
    """Tell whether a column's type holds text, in any of Arrow's layouts."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def suspects(column: Any, hints: Regex) -> list[int]:
    """Return the rows of a text column in which a hint occurs, ascending."""
    if column.null_count == len(column):
        return []
    rows = _plain(column)
    rows = pc.fill_null(rows, "") if rows.null_count else rows
    width = np.int64 if pa.types.is_large_string(rows.type) else np.int32
    starts = np.frombuffer(rows.buffers()[1], width)[rows.offset : rows.offset + len(rows) + 1]
    if starts[0] == starts[-1]:
        return []
    joined = pc.binary_join(
        pa.ListArray.from_arrays(pa.array([0, len(rows)], pa.int32()), rows),
        pa.scalar("\n", rows.type),
    )[0].as_buffer()
    match = hints.search(joined)
    if match is None:
        return []
    ends = starts[1:].astype(np.int64) - starts[0] + np.arange(len(rows))
    return _rows_of(joined, hints, match, ends)


def with_rows(column: Any, rows: Mapping[int, str]) -> Any:
    """Return the column with other values in some rows, in the layout it has."""
    plain = _plain(column)
    places = sorted(rows)
    mask = np.zeros(len(plain), dtype=bool)
    mask[places] = True
    values = pa.array([rows[place] for place in places], plain.type)
    return pa.chunked_array([pc.replace_with_mask(plain, mask, values).cast(column.type)])


def _plain(column: Any) -> Any:
    """Return one array of plain strings; of a large column, which 2 GiB cannot hold, large ones."""
    if isinstance(column, pa.ChunkedArray):
        array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    else:
        array = column
    if isinstance(array, pa.ChunkedArray):  # pyarrow keeps chunks that one array cannot hold
        array = array.cast(pa.large_string()).combine_chunks()
    kind = array.type
    return array if pa.types.is_string(kind) or pa.types.is_large_string(kind) else array.cast(
        pa.string()
    )  # fmt: skip


def _rows_of(joined: Any, hints: Regex, match: Any, ends: Any) -> list[int]:
    """Name the row of each match, and the next one when a match reaches into it."""
    found: set[int] = set()
    while match is not None:
        row = int(np.searchsorted(ends, match.start(), side="right"))
        last = int(np.searchsorted(ends, match.end() - 1))
        found.update(range(row, min(last, len(ends) - 1) + 1))
        match = hints.search(joined, int(ends[row])) if row + 1 < len(ends) else None
    return sorted(found)
