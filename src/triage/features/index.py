"""The as-of index: per key, entries sorted by the moment they became known, with prefix sums.

A windowed value at t is `S[pos(t)] - S[pos(t - w)]` where `pos(t)` counts the entries with time
< t. Sums are 64-bit integers, so they are exact and do not depend on the order of arrival. One
layout serves both readers: bulk building sorts once; a live record is put in place.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from triage.features.calendar import Calendar
from triage.features.compile import Ints, Program
from triage.features.facts import Subject
from triage.features.index_arrays import FIRST_ROOM, Held, IndexArrays
from triage.features.index_changes import START, Rows, change_rows, scratch, tables_of
from triage.features.index_filling import (
    MOST_ENTRIES,
    Filling,
    StreamEntries,
    SubjectRows,
    counted_by,
    put_in_place,
    with_headroom,
)

_COUNT, _ROOM = 2, 3


class AsOfIndex:
    """Entries of every table by key; grows in place.

    Args:
        program: the compiled features.
        calendar: local days.
        only: tables that are filled from a whole history; all of them if left out. One that holds
            some tables only takes in no single records.
    """

    def __init__(
        self, program: Program, calendar: Calendar, only: Collection[int] | None = None
    ) -> None:
        self.program, self.calendar = program, calendar
        self._only = only
        most = MOST_ENTRIES * program.streams.shape[0]
        self._scratch = scratch(most), scratch(most)
        self._tables = tables_of(program)
        self._arrays = IndexArrays(
            np.zeros((program.tables.shape[0], 2), dtype=np.int64),
            np.zeros(0, dtype=np.int64),
            np.zeros((16, 4), dtype=np.int64),
            np.empty(0, dtype=np.int64),
            np.empty(0, dtype=np.int64),
            np.empty(0, dtype=np.int32),
        )
        self._used = np.zeros(3, dtype=np.int64)  # segments, times, sums
        self._keys_used = 0

    @property
    def arrays(self) -> IndexArrays:
        """Return the arrays as they are now (they are replaced when they grow)."""
        return self._arrays

    @property
    def entries(self) -> int:
        """Return the number of entries held."""
        return int(self._arrays.segments[: self._used[0], _COUNT].sum())

    def kept(self) -> tuple[IndexArrays, Ints]:
        """Return the arrays, and how much of segments, times, sums and `segment_of` is taken."""
        return self._arrays, np.append(self._used, self._keys_used)

    def restore(self, arrays: IndexArrays, used: Ints) -> None:
        """Take arrays that are as `kept` gave them, in place of nothing."""
        self._arrays, self._used, self._keys_used = arrays, used[:3].copy(), int(used[3])

    def fill(self, subject: Subject, rows: SubjectRows) -> None:
        """Fill the empty tables of one subject, stream by stream, so that memory stays small."""
        tables, streams = self.program.tables, self.program.streams
        own, starts = self._tables
        of_stream = {
            stream: [
                table
                for table in own[starts[stream] : starts[stream + 1]].tolist()
                if self._only is None or table in self._only
            ]
            for stream in np.flatnonzero(streams[:, 9] == int(subject)).tolist()
        }
        wanted = [stream for stream, held in of_stream.items() if held]
        filling, keys = Filling(self.program, self.calendar, int(subject), rows), rows.keys
        needed = np.zeros(2, dtype=np.int64)
        for stream in wanted:
            for table in of_stream[stream]:
                most = with_headroom(filling.most(stream, keys[int(tables[table, 1])]))
                needed += (most, most * int(tables[table, 2] // 2))
        self._grow(segments=0, times=int(needed[0]), sums=int(needed[1]))
        for stream, entries in zip(wanted, filling.by_stream(wanted), strict=True):
            for table in of_stream[stream]:
                self._load(table, keys[int(tables[table, 1])][entries.row], entries)

    def change(self, subject: Subject, before: Rows, after: Rows) -> None:
        """Put the entries of rows in place of those that they had, if any.

        Args:
            subject: what the rows are.
            before: the rows as they were.
            after: the same rows as they are now.
        """
        row, step = 0, START
        while row < len(after.event):
            row, step = change_rows(
                self._arrays, self._used, self.program, self._tables, self.calendar, int(subject),
                before, after, *self._scratch, row, step,
            )  # fmt: skip
            if row < len(after.event):
                table = int(self._tables.numbers[step % len(self._tables.numbers)])
                self._make_room(table, int(after.keys[row, self.program.tables[table, 1]]))

    def _reserve_keys(self, table: int, keys: int) -> None:
        """Give a table room for this many keys; a table that outgrows its room moves to the end."""
        start, room = (int(v) for v in self._arrays.heads[table])
        if keys <= room:
            return
        held, used = self._arrays.segment_of, self._keys_used
        if used + keys > len(held):
            larger = np.full(max(used + keys, len(held) * 3 // 2), -1, dtype=np.int64)
            larger[:used] = held[:used]
            self._arrays = self._arrays._replace(segment_of=larger)
            held = larger
        held[used : used + room] = held[start : start + room]
        self._arrays.heads[table] = (used, keys)
        self._keys_used += keys

    def _make_room(self, table: int, key: int) -> None:
        """Let the arrays grow so that a key of a table can have one more entry."""
        if key >= self._arrays.heads[table, 1]:
            self._reserve_keys(table, max(2 * key + 1, FIRST_ROOM))
        segment = int(self._arrays.segment_of[self._arrays.heads[table, 0] + key])
        held = 0 if segment < 0 else int(self._arrays.segments[segment, _ROOM])
        room = max(2 * held, FIRST_ROOM)
        values = int(self.program.tables[table, 2]) // 2
        self._grow(segments=1, times=room, sums=room * values)

    def _grow(self, *, segments: int, times: int, sums: int) -> None:
        arrays = self._arrays
        needed = self._used + np.array((segments, times, sums))
        if needed[0] > len(arrays.segments):
            larger = np.zeros((2 * int(needed[0]), 4), dtype=np.int64)
            larger[: len(arrays.segments)] = arrays.segments
            arrays = arrays._replace(segments=larger)
        if needed[1] > len(arrays.times):
            arrays = arrays._replace(times=_larger(arrays.times, self._used[1], needed[1]))
        if needed[2] > len(arrays.sums):
            arrays = arrays._replace(sums=_larger(arrays.sums, self._used[2], needed[2]))
        if needed[1] + needed[2] > len(arrays.counts):
            used = self._used[1] + self._used[2]
            counts = _larger(arrays.counts, used, needed[1] + needed[2])
            arrays = arrays._replace(counts=counts)
        self._arrays = arrays

    def _load(self, table: int, keys: Ints, entries: StreamEntries) -> None:
        """Fill a table from the entries of its stream, which have these keys."""
        counts = counted_by(keys)
        rooms = with_headroom(counts)
        room, segments = int(rooms.sum()), int((counts > 0).sum())
        if not room:
            return
        columns = int(self.program.tables[table, 2])
        sums = room * (columns // 2)
        self._grow(segments=segments, times=room, sums=sums)
        self._reserve_keys(table, len(counts))
        head = int(self._arrays.heads[table, 0])
        put_in_place(
            self._arrays, head, self._used, columns, counts, rooms, keys, entries.time,
            entries.values,
        )  # fmt: skip
        self._used += (segments, room, sums)


def _larger(array: Held, used: int, size: int) -> Held:
    """Return an array with room for half as much again; what was used of it is copied."""
    larger: Held = np.zeros(int(size) * 3 // 2, dtype=array.dtype)
    larger[:used] = array[:used]
    return larger
