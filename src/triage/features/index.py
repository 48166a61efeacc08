"""The as-of index: per key, entries sorted by the moment they became known, with prefix sums.

A windowed value at t is `S[pos(t)] - S[pos(t - w)]` where `pos(t)` counts the entries with time
< t. Sums are 64-bit integers, so they are exact and do not depend on the order of arrival. One
layout serves both readers: bulk building sorts once; a live record is put in place.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from triage.features.book import OrderBook, OrderRow
from triage.features.compile import MAX_COLUMNS, Ints, Program
from triage.features.entries import entries_of
from triage.jit import kernel

_START, _SUMS, _COUNT, _ROOM = 0, 1, 2, 3
_FIRST_ROOM = 8


class IndexArrays(NamedTuple):
    """What the kernels read.

    Attributes:
        segment_of: (tables, keys): segment number of a key, -1 where it has no entry.
        segments: (segments, 4): start in `times`, start in `sums`, entries, room.
        times: moments of the entries, ascending within a segment.
        sums: running sums, row-major by entry and column, within a segment.
    """

    segment_of: Ints
    segments: Ints
    times: Ints
    sums: Ints


class AsOfIndex:
    """Entries of every table by key; grows in place."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._capacity = 4 * program.streams.shape[0] + 4
        tables = program.tables.shape[0]
        self._arrays = IndexArrays(
            np.full((tables, 16), -1, dtype=np.int64),
            np.zeros((16, 4), dtype=np.int64),
            np.zeros(64, dtype=np.int64),
            np.zeros(64 * MAX_COLUMNS, dtype=np.int64),
        )
        self._used = np.zeros(3, dtype=np.int64)  # segments, times, sums
        self._before = self._buffers()
        self._after = self._buffers()

    @property
    def arrays(self) -> IndexArrays:
        """Return the arrays as they are now (they are replaced when they grow)."""
        return self._arrays

    @property
    def entries(self) -> int:
        """Return the number of entries held."""
        return int(self._arrays.segments[: self._used[0], _COUNT].sum())

    def build(self, book: OrderBook) -> None:
        """Fill an empty index from every order of a book."""
        n = len(book)
        stream, time, values, order = _all_entries(
            self.program, book.event[:n], book.known[:n], book.numbers[:n], self._capacity
        )
        for table in range(self.program.tables.shape[0]):
            chosen = np.flatnonzero(stream == self.program.tables[table, 0])
            keys = book.keys[order[chosen], self.program.tables[table, 1]]
            self._load(table, keys, time[chosen], values[chosen])

    def load(self, table: int, keys: Ints, times: Ints, values: Ints) -> None:
        """Fill one empty table from n entries: key numbers, moments, columns (n, columns)."""
        self._load(table, keys, times, values)

    def entries_of(self, row: OrderRow) -> tuple[int, tuple[Ints, Ints, Ints]]:
        """Return the entries of one order, to be handed to `replace` after the order changed."""
        buffers = self._before
        n = entries_of(self.program, row.event, row.known, row.numbers, *buffers)
        return n, buffers

    def replace(self, keys: Ints, n_before: int, row: OrderRow) -> None:
        """Replace the entries that `entries_of` returned last by those of the row as it is now."""
        n_after = entries_of(self.program, row.event, row.known, row.numbers, *self._after)
        _cancel_equal(n_before, self._before, n_after, self._after)
        _take_out(self._arrays, self.program, keys, n_before, *self._before)
        stopped = 0
        while stopped < n_after * self.program.tables.shape[0]:
            stopped = _put_in(self._arrays, self.program, keys, n_after, *self._after, stopped)
            if stopped < n_after * self.program.tables.shape[0]:
                table = stopped % self.program.tables.shape[0]
                self._make_room(table, int(keys[self.program.tables[table, 1]]))

    def put(self, table: int, key: int, time: int, values: Ints) -> None:
        """Put one entry in place; among equal moments the smaller first value comes first."""
        self._make_room(table, key)
        _insert(self._arrays, table, key, time, values, int(self.program.tables[table, 2]))

    def _make_room(self, table: int, key: int) -> None:
        arrays = self._arrays
        if key >= arrays.segment_of.shape[1]:
            wider = np.full((arrays.segment_of.shape[0], 2 * key + 1), -1, dtype=np.int64)
            wider[:, : arrays.segment_of.shape[1]] = arrays.segment_of
            self._arrays = arrays = arrays._replace(segment_of=wider)
        segment = int(arrays.segment_of[table, key])
        if segment < 0:
            self._new_segment(table, key, _FIRST_ROOM)
        elif arrays.segments[segment, _COUNT] == arrays.segments[segment, _ROOM]:
            self._move(segment, int(self.program.tables[table, 2]))

    def _new_segment(self, table: int, key: int, room: int) -> int:
        columns = int(self.program.tables[table, 2])
        segment = int(self._used[0])
        self._grow(segments=1, times=room, sums=room * columns)
        self._arrays.segments[segment] = (self._used[1], self._used[2], 0, room)
        self._arrays.segment_of[table, key] = segment
        self._used += (1, room, room * columns)
        return segment

    def _move(self, segment: int, columns: int) -> None:
        start, sums, count, room = (int(v) for v in self._arrays.segments[segment])
        self._grow(segments=0, times=2 * room, sums=2 * room * columns)
        arrays = self._arrays
        to, to_sums = int(self._used[1]), int(self._used[2])
        arrays.times[to : to + count] = arrays.times[start : start + count]
        arrays.sums[to_sums : to_sums + count * columns] = arrays.sums[
            sums : sums + count * columns
        ]
        arrays.segments[segment] = (to, to_sums, count, 2 * room)
        self._used += (0, 2 * room, 2 * room * columns)

    def _grow(self, *, segments: int, times: int, sums: int) -> None:
        arrays = self._arrays
        needed = self._used + np.array((segments, times, sums))
        if needed[0] > len(arrays.segments):
            larger = np.zeros((2 * int(needed[0]), 4), dtype=np.int64)
            larger[: len(arrays.segments)] = arrays.segments
            arrays = arrays._replace(segments=larger)
        if needed[1] > len(arrays.times):
            arrays = arrays._replace(times=np.resize(arrays.times, int(needed[1] * 3 // 2)))
        if needed[2] > len(arrays.sums):
            arrays = arrays._replace(sums=np.resize(arrays.sums, int(needed[2] * 3 // 2)))
        self._arrays = arrays

    def _load(self, table: int, keys: Ints, times: Ints, values: Ints) -> None:
        have = keys >= 0
        keys, times, values = keys[have], times[have], values[have]
        if not len(keys):
            return
        columns = int(self.program.tables[table, 2])
        by_key = np.lexsort((values[:, min(1, columns - 1)], times, keys))
        keys, times, values = keys[by_key], times[by_key], values[by_key, :columns]
        unique, first = np.unique(keys, return_index=True)
        counts = np.diff(np.append(first, len(keys)))
        self._grow(segments=len(unique), times=len(keys), sums=len(keys) * columns)
        top = int(unique[-1])
        if top >= self._arrays.segment_of.shape[1]:
            wider = np.full((self._arrays.segment_of.shape[0], top + 1), -1, dtype=np.int64)
            wider[:, : self._arrays.segment_of.shape[1]] = self._arrays.segment_of
            self._arrays = self._arrays._replace(segment_of=wider)
        arrays, used = self._arrays, self._used
        running = np.cumsum(values, axis=0)
        base = np.zeros_like(running[first])
        base[1:] = running[first[1:] - 1]
        running -= np.repeat(base, counts, axis=0)
        arrays.times[used[1] : used[1] + len(keys)] = times
        arrays.sums[used[2] : used[2] + running.size] = running.ravel()
        numbers = used[0] + np.arange(len(unique))
        arrays.segment_of[table, unique] = numbers
        arrays.segments[numbers] = np.column_stack(
            [used[1] + first, used[2] + first * columns, counts, counts]
        )
        self._used += (len(unique), len(keys), running.size)

    def _buffers(self) -> tuple[Ints, Ints, Ints]:
        return (
            np.zeros(self._capacity, dtype=np.int64),
            np.zeros(self._capacity, dtype=np.int64),
            np.zeros((self._capacity, MAX_COLUMNS), dtype=np.int64),
        )


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
        step *= 2
    return low + position(times, start + low, count - low, moment)


@kernel
def _insert(
    arrays: IndexArrays, table: int, key: int, time: int, values: Ints, columns: int
) -> None:
    segment = arrays.segment_of[table, key]
    start, sums, count = (
        arrays.segments[segment, 0],
        arrays.segments[segment, 1],
        arrays.segments[segment, 2],
    )
    at = position(arrays.times, start, count, time + 1)
    while columns > 1 and at > 0 and arrays.times[start + at - 1] == time:
        before = arrays.sums[sums + (at - 2) * columns + 1] if at > 1 else 0
        if arrays.sums[sums + (at - 1) * columns + 1] - before <= values[1]:
            break
        at -= 1
    for i in range(count, at, -1):
        arrays.times[start + i] = arrays.times[start + i - 1]
        for c in range(columns):
            arrays.sums[sums + i * columns + c] = (
                arrays.sums[sums + (i - 1) * columns + c] + values[c]
            )
    arrays.times[start + at] = time
    for c in range(columns):
        before = arrays.sums[sums + (at - 1) * columns + c] if at > 0 else 0
        arrays.sums[sums + at * columns + c] = before + values[c]
    arrays.segments[segment, 2] = count + 1


@kernel
def _remove(
    arrays: IndexArrays, table: int, key: int, time: int, values: Ints, columns: int
) -> bool:
    segment = arrays.segment_of[table, key]
    if segment < 0:
        return False
    start, sums, count = (
        arrays.segments[segment, 0],
        arrays.segments[segment, 1],
        arrays.segments[segment, 2],
    )
    at = position(arrays.times, start, count, time)
    while at < count and arrays.times[start + at] == time:
        same = True
        for c in range(columns):
            before = arrays.sums[sums + (at - 1) * columns + c] if at > 0 else 0
            if arrays.sums[sums + at * columns + c] - before != values[c]:
                same = False
        if same:
            for i in range(at, count - 1):
                arrays.times[start + i] = arrays.times[start + i + 1]
                for c in range(columns):
                    arrays.sums[sums + i * columns + c] = (
                        arrays.sums[sums + (i + 1) * columns + c] - values[c]
                    )
            arrays.segments[segment, 2] = count - 1
            return True
        at += 1
    return False


@kernel
def _take_out(
    arrays: IndexArrays,
    program: Program,
    keys: Ints,
    n: int,
    stream: Ints,
    time: Ints,
    values: Ints,
) -> None:
    for i in range(n):
        for table in range(program.tables.shape[0]):
            key = keys[program.tables[table, 1]]
            if stream[i] == program.tables[table, 0] and 0 <= key < arrays.segment_of.shape[1]:
                _remove(arrays, table, key, time[i], values[i], program.tables[table, 2])


@kernel
def _put_in(
    arrays: IndexArrays, program: Program, keys: Ints, n: int, stream: Ints, time: Ints,
    values: Ints, first: int,
) -> int:  # fmt: skip
    """Put entries into all their tables; return where room is wanting, or the end."""
    tables = program.tables.shape[0]
    for step in range(first, n * tables):
        i, table = step // tables, step % tables
        key = keys[program.tables[table, 1]]
        if stream[i] != program.tables[table, 0] or key < 0:
            continue
        if key >= arrays.segment_of.shape[1] or arrays.segment_of[table, key] < 0:
            return step
        segment = arrays.segment_of[table, key]
        if arrays.segments[segment, 2] == arrays.segments[segment, 3]:
            return step
        _insert(arrays, table, key, time[i], values[i], program.tables[table, 2])
    return n * tables


@kernel
def _cancel_equal(
    n_before: int, before: tuple[Ints, Ints, Ints], n_after: int, after: tuple[Ints, Ints, Ints]
) -> None:
    for i in range(n_before):
        for j in range(n_after):
            if before[0][i] >= 0 and before[0][i] == after[0][j] and before[1][i] == after[1][j]:
                same = True
                for c in range(before[2].shape[1]):
                    if before[2][i, c] != after[2][j, c]:
                        same = False
                if same:
                    before[0][i] = -1
                    after[0][j] = -1


@kernel
def _all_entries(
    program: Program, event: Ints, known: Ints, numbers: np.ndarray, capacity: int
) -> tuple[Ints, Ints, Ints, Ints]:
    n = event.shape[0]
    stream = np.empty(capacity, dtype=np.int64)
    time = np.empty(capacity, dtype=np.int64)
    values = np.empty((capacity, MAX_COLUMNS), dtype=np.int64)
    total = 0
    for i in range(n):
        total += entries_of(program, event[i], known[i], numbers[i], stream, time, values)
    all_stream = np.empty(total, dtype=np.int64)
    all_time = np.empty(total, dtype=np.int64)
    all_values = np.empty((total, MAX_COLUMNS), dtype=np.int64)
    all_order = np.empty(total, dtype=np.int64)
    at = 0
    for i in range(n):
        k = entries_of(program, event[i], known[i], numbers[i], stream, time, values)
        all_stream[at : at + k] = stream[:k]
        all_time[at : at + k] = time[:k]
        all_values[at : at + k] = values[:k]
        all_order[at : at + k] = i
        at += k
    return all_stream, all_time, all_values, all_order
