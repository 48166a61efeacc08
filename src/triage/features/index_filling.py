"""Filling tables of the index from a whole history: entries of a stream, then each key's in place.

The entries of the next stream are worked out by another thread while those of one are put in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np

from triage.domain.clock import UNKNOWN_TIME
from triage.features.calendar import Calendar
from triage.features.compile import MAX_COLUMNS, Floats, Ints, Program, StreamKind
from triage.features.entries import entries_of
from triage.features.index_arrays import IndexArrays
from triage.jit import kernel

Whole = TypeVar("Whole", int, Ints)
MOST_ENTRIES = 2
"""What one row puts into one stream at most: begin and end, or an outcome and its correction."""
_START = 1
_SINGLE = frozenset({StreamKind.EVENT, StreamKind.POSITION, StreamKind.CHECKPOINT})


class StreamEntries(NamedTuple):
    """What rows put into a stream, in the order of their times (ties: of their first value).

    Attributes:
        time: (n,) the moment from which each is known, micros.
        values: (n, columns) count, then sum and number of each value.
        row: (n,) the row that each comes from.
    """

    time: Ints
    values: Ints
    row: Ints


class SubjectRows(NamedTuple):
    """Every row of one subject: orders, lines, positions, ...

    Attributes:
        event: (n, times of the subject) when each was, micros.
        known: (n, times) when each became known, micros.
        numbers: (n, numbers of the subject).
        keys: (n,) key numbers by key set, -1 where a key is not known.
    """

    event: Ints
    known: Ints
    numbers: Floats
    keys: Mapping[int, Ints]


class Filling(NamedTuple):
    """The rows that tables are filled from; see `AsOfIndex.fill`."""

    program: Program
    calendar: Calendar
    subject: int
    rows: SubjectRows

    def by_stream(self, streams: Sequence[int]) -> Iterator[StreamEntries]:
        """Yield the entries of some streams in turn, those of one more worked out beside."""
        with ThreadPoolExecutor(1) as pool:
            waiting = [pool.submit(self._entries, stream) for stream in streams[:2]]
            for at in range(len(streams)):
                found = waiting.pop(0).result()
                if at + 2 < len(streams):
                    waiting.append(pool.submit(self._entries, streams[at + 2]))
                yield found

    def most(self, stream: int, keys: Ints) -> int:
        """Return more than how many entries of a stream have one of these keys, if not as many."""
        kind, start = self.program.streams[stream, :2]
        held = keys >= 0
        if start >= 0:
            held &= self.rows.known[:, start] != UNKNOWN_TIME
        return int(held.sum()) * (1 if kind in _SINGLE else MOST_ENTRIES)

    def _entries(self, stream: int) -> StreamEntries:
        columns = int(self.program.streams[stream, 5])
        time, values, row = _stream_entries(
            self.program, self.calendar, self.subject, stream, self.rows.event,
            self.rows.known, self.rows.numbers, columns,
        )  # fmt: skip
        by_time = np.lexsort((values[:, min(1, columns - 1)], time))
        return StreamEntries(time[by_time], values[by_time], row[by_time])


@kernel
def counted_by(keys: Ints) -> Ints:
    """Return (largest key + 1,) how often each key occurs; -1 is none."""
    most = -1
    for key in keys:
        most = max(most, key)
    counts = np.zeros(most + 1, dtype=np.int64)
    for key in keys:
        if key >= 0:
            counts[key] += 1
    return counts


def with_headroom(entries: Whole) -> Whole:
    """Return for how many entries there is room where so many are filled in.

    With a sixteenth more a long segment need not move for the first record that comes after.
    """
    return entries + (entries >> 4)


@kernel
def put_in_place(
    arrays: IndexArrays, head: int, used: Ints, columns: int, counts: Ints, rooms: Ints, keys: Ints,
    time: Ints, values: Ints,
) -> None:  # fmt: skip
    """Write entries into new segments by key, ascending, with their running sums.

    Args:
        arrays: the index; there is room.
        head: where the table's keys begin in `segment_of`.
        used: segments, times and sums that are taken.
        columns: of the table.
        counts: entries by key (see `counted_by`).
        rooms: for how many entries each key gets room.
        keys: (n,) key of each entry; -1 is left out.
        time: (n,) ascending.
        values: (n, at least `columns`).
    """
    wide = columns >> 1
    segment, start, sums = used[0], used[1], used[2]
    for key in range(counts.shape[0]):
        if counts[key]:
            room = rooms[key]
            arrays.segment_of[head + key] = segment
            arrays.segments[segment, 0] = start
            arrays.segments[segment, 1] = sums
            arrays.segments[segment, 2] = 0
            arrays.segments[segment, 3] = room
            segment, start, sums = segment + 1, start + room, sums + room * wide
    for i in range(keys.shape[0]):
        if keys[i] < 0:
            continue
        own = arrays.segments[arrays.segment_of[head + keys[i]]]
        at = own[2]
        own[2] = at + 1
        arrays.times[own[0] + at] = time[i]
        of_count = own[0] + own[1] + at * (wide + 1)
        of_sum = own[1] + at * wide
        for c in range(columns):
            place = c >> 1
            if c & 1:
                before = arrays.sums[of_sum - wide + place] if at else 0
                arrays.sums[of_sum + place] = before + values[i, c]
            else:
                held = int(arrays.counts[of_count - wide - 1 + place]) if at else 0
                arrays.counts[of_count + place] = held + values[i, c]


@kernel
def _stream_entries(
    program: Program, calendar: Calendar, subject: int, stream: int, event: Ints, known: Ints,
    numbers: Floats, columns: int,
) -> tuple[Ints, Ints, Ints]:  # fmt: skip
    """Return moments, columns and row numbers of what many rows put into one stream."""
    n = event.shape[0]
    streams = np.empty(MOST_ENTRIES, dtype=np.int64)
    time = np.empty(MOST_ENTRIES, dtype=np.int64)
    values = np.empty((MOST_ENTRIES, MAX_COLUMNS), dtype=np.int64)
    all_time = np.empty(MOST_ENTRIES * n, dtype=np.int64)
    all_values = np.empty((MOST_ENTRIES * n, columns), dtype=np.int64)
    all_rows = np.empty(MOST_ENTRIES * n, dtype=np.int64)
    at = 0
    for i in range(n):
        k = entries_of(
            program, calendar, subject, stream, stream + 1, event[i], known[i], numbers[i],
            streams, time, values,
        )  # fmt: skip
        for j in range(k):
            all_time[at + j] = time[j]
            for c in range(columns):
                all_values[at + j, c] = values[j, c]
            all_rows[at + j] = i
        at += k
    return all_time[:at], all_values[:at], all_rows[:at]
