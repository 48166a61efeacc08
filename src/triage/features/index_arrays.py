"""How the as-of index lies in memory, and how it is read."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from triage.features.compile import Ints
from triage.jit import kernel


class IndexArrays(NamedTuple):
    """What the kernels read.

    Attributes:
        heads: (tables, 2): where a table's keys begin in `segment_of`, and how many have room.
        segment_of: segment number by table and key, -1 where it has no entry.
        segments: (segments, 4): start in `times`, start in `sums`, entries, room.
        times: moments of the entries, ascending within a segment.
        sums: running sums of the values, row-major by entry and value, within a segment.
        counts: running numbers of entries, and of those that have each value, in the same way. A
            segment's begin at the sum of its two starts, as room is given to all three at once.
    """

    heads: Ints
    segment_of: Ints
    segments: Ints
    times: Ints
    sums: Ints
    counts: npt.NDArray[np.int32]


Held = TypeVar("Held", Ints, npt.NDArray[np.int32])
FIRST_ROOM = 8
"""Entries that a new segment has room for; one that is full moves to twice as much."""


@kernel
def segment_of(index: IndexArrays, table: int, key: int) -> int:
    """Return the segment of a table's key, -1 where it has no entry."""
    if key < 0 or key >= index.heads[table, 1]:
        return -1
    return index.segment_of[index.heads[table, 0] + key]


@kernel
def position(times: Ints, start: int, count: int, moment: int) -> int:
    """Return how many of `count` entries from `start` on have a time before `moment`."""
    low, high = 0, count
    while low < high:
        middle = (low + high) >> 1
        if times[start + middle] < moment:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def position_from_end(times: Ints, start: int, count: int, moment: int) -> int:
    """Return the same as `position`, fast where the answer is near the end, as it is live."""
    step, low = 1, count
    while low > 0 and times[start + low - 1] >= moment:
        count = low - 1
        low = max(low - step, 0)
        step *= 8
    return low + position(times, start + low, count - low, moment)


@kernel
def running(arrays: IndexArrays, segment: int, columns: int, column: int, at: int) -> int:
    """Return the running sum of a column from a segment's first entry up to and including one."""
    if at < 0:
        return 0
    values, place = columns >> 1, column >> 1
    start, sums = arrays.segments[segment, 0], arrays.segments[segment, 1]
    if column & 1:
        return arrays.sums[sums + at * values + place]
    return int(arrays.counts[start + sums + at * (values + 1) + place])


@kernel
def with_room(arrays: IndexArrays, used: Ints, table: int, key: int, columns: int) -> int:
    """Return the segment of a table's key with room for one more entry, new or moved if need be.

    Args:
        arrays: the index.
        used: (3,) segments, times and sums that are taken; changed where more are.
        table: the table.
        key: the key, not negative.
        columns: of the table.

    Returns:
        The segment; -1 where the arrays have to grow before (see `AsOfIndex`), nothing is changed
        then.
    """
    if key >= arrays.heads[table, 1]:
        return -1
    segment = arrays.segment_of[arrays.heads[table, 0] + key]
    if segment >= 0 and arrays.segments[segment, 2] < arrays.segments[segment, 3]:
        return segment
    values = columns >> 1
    room = FIRST_ROOM if segment < 0 else 2 * arrays.segments[segment, 3]
    start, sums = used[1], used[2]
    if (
        (segment < 0 and used[0] == arrays.segments.shape[0])
        or start + room > arrays.times.shape[0]
        or sums + room * values > arrays.sums.shape[0]
        or start + sums + room * (values + 1) > arrays.counts.shape[0]
    ):
        return -1
    count = 0
    if segment < 0:
        segment = used[0]
        used[0] += 1
        arrays.segment_of[arrays.heads[table, 0] + key] = segment
    else:
        old_start, old_sums, count = arrays.segments[segment, :3]
        for i in range(count):
            arrays.times[start + i] = arrays.times[old_start + i]
        for i in range(count * values):
            arrays.sums[sums + i] = arrays.sums[old_sums + i]
        for i in range(count * (values + 1)):
            arrays.counts[start + sums + i] = arrays.counts[old_start + old_sums + i]
    arrays.segments[segment, 0], arrays.segments[segment, 1] = start, sums
    arrays.segments[segment, 2], arrays.segments[segment, 3] = count, room
    used[1] += room
    used[2] += room * values
    return segment
