"""Rows of samples in any order -> columns of series: compiled loops, one run of a stream at a time.

First ``count`` all rows, then ``place`` each where its series has room, then look with ``tidiness``
which series must still be sorted, which ``merge_runs`` does, or have several samples of a moment.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def count(streams, first, positions, counts):
    """Add to the number of rows of each series.

    ``positions[stream - first]`` is the series that a stream feeds; less than 0 if nobody asked.
    """
    row = 0
    while row < len(streams):
        end = _end_of_run(streams, row)
        position = positions[streams[row] - first]
        if position >= 0:
            counts[position] += end - row
        row = end


@njit(cache=True, nogil=True)
def place(streams, first, positions, times_ns, values, ends, times_ms, placed):
    """Put rows behind those that their series has; ``ends`` is where the next one goes."""
    row = 0
    while row < len(streams):
        end = _end_of_run(streams, row)
        position = positions[streams[row] - first]
        if position >= 0:
            at = ends[position]
            ends[position] = at + end - row
            for place in range(end - row):
                times_ms[at + place] = times_ns[row + place] // 1_000_000
                placed[at + place] = values[row + place]
        row = end


@njit(cache=True, nogil=True)
def _end_of_run(streams, row):
    end = row + 1
    while end < len(streams) and streams[end] == streams[row]:
        end += 1
    return end


@njit(cache=True, nogil=True)
def tidiness(offsets, times_ms):
    """Tell of each series whether it has equal times in a row, and how often its times fall."""
    has_twins = np.zeros(len(offsets) - 1, np.bool_)
    falls = np.zeros(len(offsets) - 1, np.int64)
    for series in range(len(falls)):
        for at in range(offsets[series] + 1, offsets[series + 1]):
            if times_ms[at] < times_ms[at - 1]:
                falls[series] += 1
            elif times_ms[at] == times_ms[at - 1]:
                has_twins[series] = True
    return has_twins, falls


@njit(cache=True, nogil=True)
def merge_runs(offsets, falls, times_ms, values):
    """Sort series whose times fall at least once, in place: two ascending runs at a time.

    Of equal times the earlier row stays the earlier. Good for a few runs, bad for many.
    """
    longest = 0
    for series in range(len(falls)):
        if falls[series]:
            longest = max(longest, offsets[series + 1] - offsets[series])
    spare_times, spare_values = np.empty(longest, np.int64), np.empty(longest)
    for series in range(len(falls)):
        start, end = offsets[series], offsets[series + 1]
        for _ in range(falls[series]):
            middle = _end_of_ascent(times_ms, start, end)
            if middle == end:
                break
            last = _end_of_ascent(times_ms, middle, end)
            spare_times[: middle - start] = times_ms[start:middle]
            spare_values[: middle - start] = values[start:middle]
            left, right = 0, middle
            for at in range(start, last):
                takes_left = left < middle - start and (
                    right == last or spare_times[left] <= times_ms[right]
                )
                if takes_left:
                    times_ms[at], values[at] = spare_times[left], spare_values[left]
                    left += 1
                else:
                    times_ms[at], values[at] = times_ms[right], values[right]
                    right += 1


@njit(cache=True, nogil=True)
def _end_of_ascent(times_ms, start, end):
    at = start + 1
    while at < end and times_ms[at] >= times_ms[at - 1]:
        at += 1
    return at


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
