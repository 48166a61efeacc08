"""The engine: one book, one index, one kernel, for many moments and for one.

Data's path: records -> book (what is known of each order) -> index (entries by key, prefix sums) ->
feature rows, whose columns are bound by name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import numpy as np
import pandas as pd

from triage.domain.records import Record
from triage.features import calendar
from triage.features.book import Interner, OrderBook, OrderRow
from triage.features.cases import (
    Cases,
    exception_table,
    exceptions_noted,
    supplies_noted,
    supply_table,
)
from triage.features.compile import FeatureSet, Floats, Ints
from triage.features.facts import Subject
from triage.features.index import AsOfIndex
from triage.features.index_filling import SubjectRows
from triage.features.index_kept import NOTHING, KeptIndexes, all_in_use, name_of
from triage.features.kernel import fill_matrix, fill_row
from triage.features.needs import Needs, needs, tables
from triage.features.taking import Cell, Taking
from triage.history.tables import History, SourceInfo

_BLOCK = 4096
"""Rows that one thread computes at a time; every row stands by itself."""
_THREADS = 2


class FeatureEngine:
    """As-of features over a history that may still grow.

    Args:
        features: the compiled declarations.
        time_zone: IANA zone in which days and hours are local.
        country: ISO 3166 code whose public holidays count.
        worked_holidays: names of those that do not, since the company works on them.
    """

    def __init__(
        self, features: FeatureSet, *, time_zone: str, country: str,
        worked_holidays: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self.features = features
        self.calendar = calendar.build(time_zone, country, worked_holidays)
        self._keysets = {subject: features.keysets_of(subject) for subject in Subject}
        self.book = OrderBook(features.keysets, self._keysets[Subject.LINE])
        self.index = AsOfIndex(features.program, self.calendar)
        self._history: History | None = None
        self._taking: Taking | None = None
        self._cursor_of = _cursors_by_field(features)
        self._spans = np.empty((features.program.cursors.shape[0], 4), dtype=np.int64)
        self._everything = self.needs(self.names)
        self._writing = NOTHING

    @classmethod
    def empty_for(cls, source: SourceInfo, features: FeatureSet) -> FeatureEngine:
        """Return an engine without records, with the zone and the working days of a source."""
        return cls(
            features, time_zone=source.time_zone, country=source.country,
            worked_holidays=source.worked_holidays,
        )  # fmt: skip

    @classmethod
    def of(
        cls, history: History, features: FeatureSet, *, book: OrderBook | None = None,
        columns: Collection[str] | None = None, kept: KeptIndexes | None = None,
    ) -> FeatureEngine:  # fmt: skip
        """Build the engine from a whole history; zone and country are its first source's.

        Args:
            history: the records.
            features: the compiled declarations.
            book: its orders, if they were read already.
            columns: the only ones that it will be asked for; it takes in no records then.
            kept: where its index may lie on the disk, and is to be kept; all columns, no book.
        """
        engine = cls.empty_for(history.sources[0], features)
        if kept is not None:
            engine._from_disk(history, kept)
        else:
            engine.book = engine._book_of(history) if book is None else book
            if columns is not None:
                only = tables(features, columns)
                engine.index = AsOfIndex(features.program, engine.calendar, only)
            for subject, rows in engine._subjects(history):
                engine.index.fill(subject, rows)
        engine._history = history
        return engine

    @property
    def names(self) -> tuple[str, ...]:
        """Return the column names of a row."""
        return self.features.names

    def needs(self, columns: Collection[str]) -> Needs:
        """Return what has to be computed for some columns (and for `seen`)."""
        return needs(self.features, columns, self._cursor_of.values())

    def holds(self, one: str | Cell) -> bool:
        """Return whether the order of an id, or the single record of a cell, was taken in."""
        if isinstance(one, str):
            return one in self.book.row_of
        return self.recall().holds(one)

    def apply(self, record: Record) -> None:
        """Take in one record; see `apply_all`."""
        self.apply_all((record,))

    def apply_all(self, records: Sequence[Record]) -> None:
        """Take in records; many at once take a fraction of the time.

        The state afterwards does not depend on the order in which records arrive.
        """
        self.recall().take(records)

    @property
    def recalled(self) -> bool:
        """Return whether the first record need not wait for `recall`."""
        return self._taking is not None

    def recall(self) -> Taking:
        """Note the single records of the whole history, for which the first one would wait else."""
        if self._taking is None:
            self._writing.wait()
            self._taking = self._recalled()
        return self._taking

    def matrix(self, rows: Ints, as_of: Ints, columns: Sequence[str] | None = None) -> Floats:
        """Return features of many moments.

        Args:
            rows: (n,) row numbers of the book.
            as_of: (n,) moments in UTC micros.
            columns: names of the features that are wanted; all of them if left out.

        Returns:
            (n, columns) float64; NaN where there is no history or a fact is not known.
        """
        wanted = self.names if columns is None else tuple(columns)
        place = {name: at for at, name in enumerate(self.names)}
        chosen = np.array([place[name] for name in wanted], dtype=np.int64)
        needed = self.needs(wanted)
        out = np.empty((len(rows), len(wanted)), dtype=np.float64)

        def fill(first: int) -> None:
            block = slice(first, first + _BLOCK)
            values = np.empty((len(rows[block]), len(self.names)), dtype=np.float64)
            fill_matrix(
                self.features.program, needed, self.calendar, self.index.arrays,
                self.book.event, self.book.known, self.book.numbers, self.book.keys,
                self.book.lines, self.book.line_at, rows[block], as_of[block], values,
            )  # fmt: skip
            out[block] = values[:, chosen]

        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(fill, range(0, len(rows), _BLOCK)))
        return out

    def vector(self, row: OrderRow, as_of: int, out: Floats, needed: Needs | None = None) -> None:
        """Fill one preallocated feature row for an order as of one moment (UTC micros).

        Only what is needed is filled, where that is given (see `needs`).
        """
        needed = self._everything if needed is None else needed
        fill_row(
            self.features.program, needed, self.calendar, self.index.arrays, row.event,
            row.known, row.numbers, row.keys, row.lines, as_of, self._spans, out,
        )  # fmt: skip

    def seen(self, field: str) -> bool | None:
        """Return whether the field's value had any history in the last call of `vector`.

        None if no feature is keyed by this field alone.
        """
        cursor = self._cursor_of.get(field)
        return None if cursor is None else bool(self._spans[cursor, 2] > 0)

    def close(self) -> None:
        """Let go of the records that the engine was built from; it must take in no others then."""
        self._history = None

    def stream(self, records: Iterable[Record]) -> None:
        """Take in records one by one."""
        for record in records:
            self.apply(record)

    def _from_disk(self, history: History, kept: KeptIndexes) -> None:
        """Read book and index of a history, the index from the disk where that is less work."""
        name, spent = name_of(self.features, self.calendar), None
        found = kept.read(name)
        subjects = self._read(history, () if found is None else found.keys)
        if found is not None:
            looked_up = [*(rows.keys for rows in subjects.values()), self.book.stock_keys]
            if all_in_use(self.book.interner, looked_up):
                spent = found.restore(self.index, subjects)
            else:
                subjects = self._read(history, ())
        if spent is None:
            self.index = AsOfIndex(self.features.program, self.calendar)
            for subject, rows in subjects.items():
                self.index.fill(subject, rows)
        self._writing = kept.write_if_worth(name, self.index, self.book.interner, subjects, spent)

    def _read(
        self, history: History, known: Sequence[Sequence[Sequence[str]]]
    ) -> dict[Subject, SubjectRows]:
        """Read the book of a history, whose keys may have numbers already; return all rows."""
        self.book = self._book_of(history, Interner(self.features.keysets, known))
        return dict(self._subjects(history))

    def _book_of(self, history: History, interner: Interner | None = None) -> OrderBook:
        keysets, of_lines = self.features.keysets, self._keysets[Subject.LINE]
        return OrderBook.of(history, keysets, of_lines, interner)

    def _subjects(self, history: History) -> Iterator[tuple[Subject, SubjectRows]]:
        """Yield the rows of every subject that a feature looks at; the book is filled already."""
        yield Subject.ORDER, self.book.rows()
        if self._keysets[Subject.POSITION]:
            positions = history.positions
            free = positions["on_hand"].to_numpy(float) - positions["allocated"].to_numpy(float)
            numbers = np.column_stack([free, free <= 0])
            yield Subject.POSITION, self._single(Subject.POSITION, positions, numbers)
        if self._keysets[Subject.LINE]:
            yield Subject.LINE, self.book.line_rows()
        if self._keysets[Subject.EXCEPTION]:
            yield Subject.EXCEPTION, exception_table(history, self.book)
        if keysets := self._keysets[Subject.SUPPLY]:
            yield Subject.SUPPLY, supply_table(history, self.book, keysets)
        if self._keysets[Subject.STAFFING]:
            staffing = history.staffing
            hours = staffing[["hours"]].to_numpy(float)
            yield Subject.STAFFING, self._single(Subject.STAFFING, staffing, hours)

    def _single(self, subject: Subject, table: pd.DataFrame, numbers: Floats) -> SubjectRows:
        """Return rows that have one time and never change."""
        return SubjectRows(
            table["event_time"].to_numpy(np.int64)[:, None],
            table["record_time"].to_numpy(np.int64)[:, None],
            numbers,
            {at: self.book.interner.numbers_of(at, table) for at in self._keysets[subject]},
        )

    def _recalled(self) -> Taking:
        history, self._history = self._history, None
        if history is None:
            return Taking(self.book, self.index, self._keysets)
        cases: dict[Subject, Cases] = {}
        if self._keysets[Subject.EXCEPTION]:
            cases[Subject.EXCEPTION] = Cases(Subject.EXCEPTION, exceptions_noted(history))
        if self._keysets[Subject.SUPPLY]:
            cases[Subject.SUPPLY] = Cases(Subject.SUPPLY, supplies_noted(history))
        positions = (history.positions[name].tolist() for name in ("sku", "site", "event_time"))
        staffing = (history.staffing[name].tolist() for name in ("site", "event_time"))
        cells = chain(
            zip(*positions, strict=True), ((None, *each) for each in zip(*staffing, strict=True))
        )
        return Taking(self.book, self.index, self._keysets, cells, cases)


def _cursors_by_field(features: FeatureSet) -> dict[str, int]:
    """Return, for each field that is a key by itself, a cursor that looks at its whole history."""
    program = features.program
    found: dict[str, int] = {}
    for cursor in range(program.cursors.shape[0]):
        stream, keyset = program.tables[program.cursors[cursor, 0], :2].tolist()
        fields = features.keysets[keyset]
        if len(fields) == 1 and program.streams[stream, 9] == Subject.ORDER:
            found.setdefault(fields[0], cursor)
    return found
