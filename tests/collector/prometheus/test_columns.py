"""Rows put in their places agree with what a dictionary makes of them."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.prometheus.columns import labelled, placed, seats, without_twins
from collector.promql.samples import is_stale

STREAMS = [4, 5, 9, 6]
POSITIONS = [0, 2, 2, 1]
LABELS = [(("series", str(number)),) for number in range(4)]
"""Stream 7 and 8 feed nobody; no stream feeds the last series."""

ROWS = st.lists(
    st.tuples(
        st.integers(4, 9), st.integers(0, 6_000_000), st.one_of(st.none(), st.integers(0, 9))
    ),
    max_size=80,
)


def plain(found):
    """Return {labels: [(ms, value)]}, None for a stale marker."""
    stale = is_stale(found.values)
    return {
        labels: [
            (int(found.times_ms[at]), None if stale[at] else float(found.values[at]))
            for at in range(found.offsets[place], found.offsets[place + 1])
        ]
        for place, labels in enumerate(found.labels)
    }


def table(rows, batch_rows):
    schema = pa.schema({"stream": pa.int32(), "time_ns": pa.int64(), "value": pa.float64()})
    batches = [
        pa.RecordBatch.from_pylist(
            [dict(zip(schema.names, row, strict=True)) for row in rows[at : at + batch_rows]],
            schema=schema,
        )
        for at in range(0, len(rows), batch_rows)
    ]
    return pa.Table.from_batches(batches, schema)


@settings(deadline=None)  # the loops are loaded at the first example
@given(ROWS, st.integers(1, 80))
def test_samples_ascend_and_the_last_of_a_moment_wins(rows, batch_rows):
    given_ = seats(STREAMS, POSITIONS, len(LABELS))

    found = labelled(without_twins(placed(table(rows, batch_rows), given_)), LABELS)

    series = dict(zip(STREAMS, POSITIONS, strict=True))
    expected = {}
    for stream, time_ns, value in rows:
        if stream in series:
            expected.setdefault(LABELS[series[stream]], {})[time_ns // 10**6] = value
    assert plain(found) == {labels: sorted(one.items()) for labels, one in expected.items()}
