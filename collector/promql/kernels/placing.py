"""Rows of samples in any order -> columns of series: compiled loops, one row after the other.

First ``count`` all rows, then ``place`` each where its series has room, then look with ``tidiness``
which series must still be sorted or have several samples of a moment. Never sorts.
"""

import numpy as np
from numba import njit

TIDY, HAS_TWINS, UNSORTED = 0, 1, 2


@njit(cache=True, nogil=True)
def count(streams, first, positions, counts):
    """Add to the number of rows of each series.

    ``positions[stream - first]`` is the series that a stream feeds; less than 0 if nobody asked.
    """
    for row in range(len(streams)):
        position = positions[streams[row] - first]
        if position >= 0:
            counts[position] += 1


@njit(cache=True, nogil=True)
def place(streams, first, positions, times_ns, values, ends, times_ms, placed):
    """Put rows behind those that their series has; ``ends`` is where the next one goes."""
    for row in range(len(streams)):
        position = positions[streams[row] - first]
        if position >= 0:
            at = ends[position]
            ends[position] = at + 1
            times_ms[at] = times_ns[row] // 1_000_000
            placed[at] = values[row]


@njit(cache=True, nogil=True)
def tidiness(offsets, times_ms):
    """Tell of each series whether its times ascend, repeat or fall."""
    found = np.zeros(len(offsets) - 1, np.uint8)
    for series in range(len(found)):
        for at in range(offsets[series] + 1, offsets[series + 1]):
            if times_ms[at] < times_ms[at - 1]:
                found[series] = UNSORTED
                break
            if times_ms[at] == times_ms[at - 1]:
                found[series] = HAS_TWINS
    return found


@njit(cache=True, nogil=True)
def drop_twins(offsets, times_ms, values):
    """Keep the last sample of each moment, in place; return the new offsets."""
    kept = np.zeros(len(offsets), np.int64)
    at = 0
    for series in range(len(offsets) - 1):
        for old in range(offsets[series], offsets[series + 1]):
            if at > kept[series] and times_ms[at - 1] == times_ms[old]:
                at -= 1
            times_ms[at] = times_ms[old]
            values[at] = values[old]
            at += 1
        kept[series + 1] = at
    return kept
