"""What the scanner found -> a table of spans, with the spans of the reference decoder put in.

Copies out of the scanner's memory, which is made for the worst case, so that a batch that waits in
the queue holds no more than its rows.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from collector.otlp.batch import SPANS
from collector.otlp.scan.requests import Scanned

_INTERNED: Final = ("name", "route", "flags")


def span_table(found: Scanned, resources: Sequence[int]) -> pa.Table:
    """Return all rows; ``resources`` are the positions of the segments' resources in the batch."""
    rows = found.rows
    words, numbers = found.words[:, :rows].copy(), found.numbers[:, :rows]
    codes, small = found.codes[:, :rows] - 1, found.small[:, :rows].copy()
    segments = codes[0] + 1
    codes[0] = np.asarray(resources, np.int32)[segments]
    times = numbers[:2].copy()
    parents, http_status = words[3], codes[4] + 1
    nothing = pa.nulls(rows, pa.string())
    return pa.Table.from_arrays(
        [
            _plain(pa.uint64(), words[0]),
            _plain(pa.uint64(), words[1]),
            _plain(pa.uint64(), words[2]),
            _plain(pa.uint64(), parents, parents != 0),
            _plain(pa.int32(), codes[0]),
            _plain(pa.int32(), codes[1]),
            _plain(pa.uint8(), small[0]),
            _plain(pa.int64(), times[0]),
            _plain(pa.int64(), times[1]),
            _plain(pa.uint8(), small[1]),
            _plain(pa.uint16(), http_status.astype(np.uint16), http_status >= 0),
            _bits(small[2]),
            _plain(pa.int32(), codes[2]),
            _plain(pa.int32(), codes[3]),
            _texts(found.states, numbers[3]),
            _texts(found.json, numbers[2]),
            nothing,
            nothing,
        ],
        schema=SPANS,
    )


def with_others(table: pa.Table, others: pa.Table, rows: Sequence[int], strings: int) -> pa.Table:
    """Return the table with other rows in some places; their strings begin after ``strings``."""
    is_other = np.zeros(len(table), bool)
    is_other[list(rows)] = True
    mask = pa.array(is_other)
    for position, name in enumerate(SPANS.names):
        if name == "resource":
            continue
        values = others[name].combine_chunks()
        if name in _INTERNED:
            values = pc.add(values, pa.scalar(strings, pa.int32()))
        column = table[name].combine_chunks()
        table = table.set_column(
            position, SPANS.field(position), pc.replace_with_mask(column, mask, values)
        )
    return table


def _plain(kind: Any, values: NDArray[Any], is_valid: NDArray[np.bool_] | None = None) -> Any:
    bitmap = None if is_valid is None else _bitmap(is_valid)
    return pa.Array.from_buffers(kind, len(values), [bitmap, pa.py_buffer(values)])


def _bits(values: NDArray[np.uint8]) -> Any:
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, _bitmap(values)])


def _bitmap(values: NDArray[Any]) -> Any:
    return pa.py_buffer(np.packbits(values, bitorder="little"))


def _texts(text: NDArray[np.uint8], ends: NDArray[np.int64]) -> Any:
    offsets = np.zeros(len(ends) + 1, np.int32)
    offsets[1:] = ends
    content = text[: int(offsets[-1])].tobytes()
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(content)]
    return pa.Array.from_buffers(pa.string(), len(ends), buffers)
