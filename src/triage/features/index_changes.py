"""How rows that changed move the as-of index: entries of before go, those of now come.

Both are a pure function of what is known of a row (see `entries`), so one call can take in many
records: only the row before the first of them and the row after the last of them count.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from triage.features.calendar import Calendar
from triage.features.compile import MAX_COLUMNS, Floats, Ints, Program
from triage.features.entries import entries_of
from triage.features.index_arrays import IndexArrays, position, running, segment_of
from triage.jit import kernel

START = -1
"""The step of a row of which nothing was done yet."""


class Rows(NamedTuple):
    """Rows of one subject: orders, lines, positions, ...

    Attributes:
        event: (n, times of the subject) when each was, micros.
        known: (n, times) when each became known, micros; a row whose first is not known puts in
            nothing.
        numbers: (n, numbers of the subject).
        keys: (n, key sets) key numbers, -1 where a key is not known.
    """

    event: Ints
    known: Ints
    numbers: Floats
    keys: Ints


class Scratch(NamedTuple):
    """Room for the entries of one row.

    Attributes:
        stream: (most entries,) stream of each; -1 where it is not to be put in or taken out.
        time: (most entries,) moment of each, micros.
        values: (most entries, columns).
    """

    stream: Ints
    time: Ints
    values: Ints


def scratch(entries: int) -> Scratch:
    """Return room for so many entries."""
    return Scratch(
        np.zeros(entries, dtype=np.int64),
        np.zeros(entries, dtype=np.int64),
        np.zeros((entries, MAX_COLUMNS), dtype=np.int64),
    )


@kernel
def change_rows(
    arrays: IndexArrays, program: Program, calendar: Calendar, subject: int, before: Rows,
    after: Rows, old: Scratch, new: Scratch, row: int, step: int,
) -> tuple[int, int]:  # fmt: skip
    """Put the entries of rows in place of those that they had.

    Args:
        arrays: the index.
        program: the compiled features.
        calendar: local days.
        subject: what the rows are (`facts.Subject`).
        before: the rows as they were.
        after: the same rows as they are now.
        old: room for the entries of one row before.
        new: room for the entries of one row now.
        row: the row to go on with.
        step: where to go on in it, as returned; `START` at first.

    Returns:
        Row and step where a table wants room, or the number of rows.
    """
    streams = program.streams.shape[0]
    tables = program.tables.shape[0]
    for at in range(row, after.event.shape[0]):
        n_old = entries_of(
            program, calendar, subject, 0, streams, before.event[at], before.known[at],
            before.numbers[at], old.stream, old.time, old.values,
        )  # fmt: skip
        n_new = entries_of(
            program, calendar, subject, 0, streams, after.event[at], after.known[at],
            after.numbers[at], new.stream, new.time, new.values,
        )  # fmt: skip
        if n_old > 0 and _same(before.keys[at], after.keys[at]):
            _cancel_equal(n_old, old, n_new, new)
        if step == START:
            _take_out(arrays, program, before.keys[at], n_old, old)
            step = 0
        step = _put_in(arrays, program, after.keys[at], n_new, new, step)
        if step < n_new * tables:
            return at, step
        step = START
    return after.event.shape[0], START


@kernel
def _same(one: Ints, other: Ints) -> bool:
    return bool(np.array_equal(one, other))


@kernel
def _cancel_equal(n_old: int, old: Scratch, n_new: int, new: Scratch) -> None:
    """Mark the entries that are there before and after: they stay where they are."""
    for i in range(n_old):
        for j in range(n_new):
            if old.stream[i] >= 0 and old.stream[i] == new.stream[j] and old.time[i] == new.time[j]:
                same = True
                for c in range(old.values.shape[1]):
                    if old.values[i, c] != new.values[j, c]:
                        same = False
                if same:
                    old.stream[i] = -1
                    new.stream[j] = -1


@kernel
def _take_out(arrays: IndexArrays, program: Program, keys: Ints, n: int, old: Scratch) -> None:
    for i in range(n):
        for table in range(program.tables.shape[0]):
            if old.stream[i] == program.tables[table, 0]:
                key = keys[program.tables[table, 1]]
                columns = program.tables[table, 2]
                _remove(arrays, table, key, old.time[i], old.values[i], columns)


@kernel
def _put_in(
    arrays: IndexArrays, program: Program, keys: Ints, n: int, new: Scratch, first: int
) -> int:
    """Put entries into all their tables; return the step where room is wanting, or the end."""
    tables = program.tables.shape[0]
    for step in range(first, n * tables):
        i, table = step // tables, step % tables
        key = keys[program.tables[table, 1]]
        if new.stream[i] != program.tables[table, 0] or key < 0:
            continue
        segment = segment_of(arrays, table, key)
        if segment < 0 or arrays.segments[segment, 2] == arrays.segments[segment, 3]:
            return step
        _insert(arrays, table, key, new.time[i], new.values[i], program.tables[table, 2])
    return n * tables


@kernel
def _set_running(
    arrays: IndexArrays, segment: int, columns: int, column: int, at: int, value: int
) -> None:
    values, place = columns >> 1, column >> 1
    start, sums = arrays.segments[segment, 0], arrays.segments[segment, 1]
    if column & 1:
        arrays.sums[sums + at * values + place] = value
    else:
        arrays.counts[start + sums + at * (values + 1) + place] = value


@kernel
def _insert(
    arrays: IndexArrays, table: int, key: int, time: int, values: Ints, columns: int
) -> None:
    segment = segment_of(arrays, table, key)
    start, count = arrays.segments[segment, 0], arrays.segments[segment, 2]
    at = position(arrays.times, start, count, time + 1)
    while columns > 1 and at > 0 and arrays.times[start + at - 1] == time:
        before = running(arrays, segment, columns, 1, at - 2)
        if running(arrays, segment, columns, 1, at - 1) - before <= values[1]:
            break
        at -= 1
    for i in range(count, at, -1):
        arrays.times[start + i] = arrays.times[start + i - 1]
        for c in range(columns):
            moved = running(arrays, segment, columns, c, i - 1) + values[c]
            _set_running(arrays, segment, columns, c, i, moved)
    arrays.times[start + at] = time
    for c in range(columns):
        before = running(arrays, segment, columns, c, at - 1)
        _set_running(arrays, segment, columns, c, at, before + values[c])
    arrays.segments[segment, 2] = count + 1


@kernel
def _remove(
    arrays: IndexArrays, table: int, key: int, time: int, values: Ints, columns: int
) -> bool:
    segment = segment_of(arrays, table, key)
    if segment < 0:
        return False
    start, count = arrays.segments[segment, 0], arrays.segments[segment, 2]
    at = position(arrays.times, start, count, time)
    while at < count and arrays.times[start + at] == time:
        same = True
        for c in range(columns):
            before = running(arrays, segment, columns, c, at - 1)
            if running(arrays, segment, columns, c, at) - before != values[c]:
                same = False
        if same:
            for i in range(at, count - 1):
                arrays.times[start + i] = arrays.times[start + i + 1]
                for c in range(columns):
                    moved = running(arrays, segment, columns, c, i + 1) - values[c]
                    _set_running(arrays, segment, columns, c, i, moved)
            arrays.segments[segment, 2] = count - 1
            return True
        at += 1
    return False
