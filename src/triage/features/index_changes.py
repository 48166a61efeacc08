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
from triage.features.index_arrays import (
    Held,
    IndexArrays,
    position_from_end,
    running,
    segment_of,
    with_room,
)
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


class Tables(NamedTuple):
    """The tables of each stream, so that an entry looks at no others.

    Attributes:
        numbers: (tables,) their numbers in the program, those of the first stream in front.
        starts: (streams + 1,) where each stream's begin among these, and where the last one ends.
    """

    numbers: Ints
    starts: Ints


def tables_of(program: Program) -> Tables:
    """Return the tables of each stream of a program."""
    streams = program.tables[:, 0]
    numbers = np.argsort(streams, kind="stable")
    starts = np.searchsorted(streams[numbers], np.arange(program.streams.shape[0] + 1))
    return Tables(numbers.astype(np.int64), starts.astype(np.int64))


@kernel
def change_rows(
    arrays: IndexArrays, used: Ints, program: Program, tables: Tables, calendar: Calendar,
    subject: int, before: Rows, after: Rows, old: Scratch, new: Scratch, row: int, step: int,
) -> tuple[int, int]:  # fmt: skip
    """Put the entries of rows in place of those that they had.

    Args:
        arrays: the index.
        used: segments, times and sums of it that are taken.
        program: the compiled features.
        tables: the tables of each of its streams.
        calendar: local days.
        subject: what the rows are (`facts.Subject`).
        before: the rows as they were.
        after: the same rows as they are now.
        old: room for the entries of one row before.
        new: room for the entries of one row now.
        row: the row to go on with.
        step: where to go on in it, as returned; `START` at first.

    Returns:
        Row and step where the arrays have to grow, or the number of rows. A step is the entry times
        the number of tables, plus the place of the table among `tables`.
    """
    streams, every = program.streams.shape[0], program.tables.shape[0]
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
            _take_out(arrays, program, tables, before.keys[at], n_old, old)
            step = 0
        step = _put_in(arrays, used, program, tables, after.keys[at], n_new, new, step)
        if step < n_new * every:
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
def _take_out(
    arrays: IndexArrays, program: Program, tables: Tables, keys: Ints, n: int, old: Scratch
) -> None:
    for i in range(n):
        stream = old.stream[i]
        if stream < 0:
            continue
        for at in range(tables.starts[stream], tables.starts[stream + 1]):
            table = tables.numbers[at]
            key, columns = keys[program.tables[table, 1]], program.tables[table, 2]
            _remove(arrays, table, key, old.time[i], old.values[i], columns)


@kernel
def _put_in(
    arrays: IndexArrays, used: Ints, program: Program, tables: Tables, keys: Ints, n: int,
    new: Scratch, first: int,
) -> int:  # fmt: skip
    """Put entries into all their tables; return the step before which they have to grow."""
    every = program.tables.shape[0]
    for i in range(first // every if every else n, n):
        stream = new.stream[i]
        if stream < 0:
            continue
        for at in range(tables.starts[stream], tables.starts[stream + 1]):
            if i * every + at < first:
                continue
            table = tables.numbers[at]
            key, columns = keys[program.tables[table, 1]], program.tables[table, 2]
            if key < 0:
                continue
            segment = with_room(arrays, used, table, key, columns)
            if segment < 0:
                return i * every + at
            _insert(arrays, segment, new.time[i], new.values[i], columns)
    return n * every


@kernel
def _insert(arrays: IndexArrays, segment: int, time: int, values: Ints, columns: int) -> None:
    start, sums, count = arrays.segments[segment, :3]
    at = position_from_end(arrays.times, start, count, time + 1)
    while columns > 1 and at > 0 and arrays.times[start + at - 1] == time:
        before = running(arrays, segment, columns, 1, at - 2)
        if running(arrays, segment, columns, 1, at - 1) - before <= values[1]:
            break
        at -= 1
    for i in range(start + count, start + at, -1):
        arrays.times[i] = arrays.times[i - 1]
    arrays.times[start + at] = time
    wide = columns >> 1
    for c in range(wide + 1):
        _open(arrays.counts[start + sums + c :], wide + 1, at, count, values[2 * c])
    for c in range(wide):
        _open(arrays.sums[sums + c :], wide, at, count, values[2 * c + 1])
    arrays.segments[segment, 2] = count + 1


@kernel
def _open(column: Held, wide: int, at: int, count: int, value: int) -> None:
    """Put a value in before a place of so many running sums, each `wide` behind the one before."""
    for i in range(count * wide, at * wide, -wide):
        column[i] = column[i - wide] + value
    column[at * wide] = value + (column[(at - 1) * wide] if at > 0 else 0)


@kernel
def _close(column: Held, wide: int, at: int, count: int, value: int) -> None:
    """Take the value at a place out of so many running sums."""
    for i in range(at * wide, (count - 1) * wide, wide):
        column[i] = column[i + wide] - value


@kernel
def _remove(
    arrays: IndexArrays, table: int, key: int, time: int, values: Ints, columns: int
) -> bool:
    segment = segment_of(arrays, table, key)
    if segment < 0:
        return False
    start, sums, count = arrays.segments[segment, :3]
    at = position_from_end(arrays.times, start, count, time)
    while at < count and arrays.times[start + at] == time:
        same = True
        for c in range(columns):
            before = running(arrays, segment, columns, c, at - 1)
            if running(arrays, segment, columns, c, at) - before != values[c]:
                same = False
        if same:
            for i in range(start + at, start + count - 1):
                arrays.times[i] = arrays.times[i + 1]
            wide = columns >> 1
            for c in range(wide + 1):
                _close(arrays.counts[start + sums + c :], wide + 1, at, count, values[2 * c])
            for c in range(wide):
                _close(arrays.sums[sums + c :], wide, at, count, values[2 * c + 1])
            arrays.segments[segment, 2] = count - 1
            return True
        at += 1
    return False
