"""Records into book and index as they come, one or many at a time.

Many at once cost little more than one: the book takes them in one after another, then each row that
they changed moves the index once. The state afterwards depends neither on the sequence of the
records nor on how they are divided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from triage.domain.clock import UNKNOWN_TIME, to_micros
from triage.domain.records import (
    ExceptionEvent,
    InboundSupply,
    InventoryPosition,
    Milestone,
    Order,
    Record,
    Staffing,
    kind_of,
)
from triage.features.book import OrderBook, OrderRow, line_times
from triage.features.cases import Case, Cases, noted
from triage.features.compile import Ints
from triage.features.facts import NUMBERS_OF, TIMES_OF, Subject
from triage.features.index import AsOfIndex
from triage.features.index_changes import Rows

Single = InventoryPosition | Staffing
"""A record that stands for itself and never changes."""
Cell = tuple[str | None, str, int]
"""What makes a single record one: product (None for the hours of a site), site, moment of the count
or the day (UTC micros)."""


class Taking:
    """Takes records into a book and its index.

    Args:
        book: the orders.
        index: their entries, and those of everything else.
        keysets: under which key sets each subject is held; none: no feature looks at it.
        cells: positions and hours of sites that the index holds.
        cases: exceptions and supplies that it holds.
    """

    def __init__(
        self, book: OrderBook, index: AsOfIndex, keysets: Mapping[Subject, tuple[int, ...]],
        cells: Iterable[Cell] = (), cases: Mapping[Subject, Cases] | None = None,
    ) -> None:  # fmt: skip
        self._book, self._index, self._keysets = book, index, keysets
        self._cells = set(cells)
        none = {each: Cases(each) for each in (Subject.EXCEPTION, Subject.SUPPLY)}
        self._cases = none | dict(cases or {})
        self._width = len(book.interner.keysets)
        self._keys_of_cell: dict[tuple[str | None, str], list[int]] = {}

    def holds(self, cell: Cell) -> bool:
        """Return whether a position, or a site's hours, of this cell was taken in."""
        return cell in self._cells

    def take(self, records: Sequence[Record]) -> None:
        """Take in records."""
        of_kind: dict[type[Any], list[Any]] = {}
        for record in records:
            of_kind.setdefault(kind_of(record), []).append(record)
        orders, steps = of_kind.get(Order, ()), of_kind.get(Milestone, ())
        opened = self._take_orders(orders, steps) if orders or steps else ()
        exceptions = of_kind.get(ExceptionEvent, ())
        if opened or exceptions:
            self._take_cases(Subject.EXCEPTION, exceptions, opened)
        if supplies := of_kind.get(InboundSupply):
            self._take_cases(Subject.SUPPLY, supplies)
        if positions := of_kind.get(InventoryPosition):
            self._take_single(Subject.POSITION, positions)
        if staffing := of_kind.get(Staffing):
            self._take_single(Subject.STAFFING, staffing)

    def _take_orders(self, orders: Sequence[Order], steps: Sequence[Milestone]) -> list[str]:
        """Take in orders and what happened to them; return the ids of the orders that are new."""
        book, first = self._book, len(self._book)
        fresh: dict[str, Order] = {}
        for order in orders:
            if order.order_id not in book.row_of:
                fresh.setdefault(order.order_id, order)
        moved = {at for each in steps if (at := book.row_of.get(each.order_id)) is not None}
        rows = np.array(sorted(moved), dtype=np.int64)
        before = book.event[rows], book.known[rows]
        for order in fresh.values():
            book.add_order(order)
        for milestone in steps:
            book.add_milestone(milestone)
        rows = np.append(rows, np.arange(first, len(book)))
        event, known, numbers, keys = (
            book.event[rows], book.known[rows], book.numbers[rows], book.keys[rows],
        )  # fmt: skip
        was_event, was_known = _unknown(event), _unknown(known)
        was_event[: len(moved)], was_known[: len(moved)] = before
        self._index.change(
            Subject.ORDER, Rows(was_event, was_known, numbers, keys),
            Rows(event, known, numbers, keys),
        )  # fmt: skip
        if self._keysets[Subject.LINE]:
            self._move_lines(rows, was_event, was_known)
        return list(fresh)

    def _move_lines(self, orders: Ints, was_event: Ints, was_known: Ints) -> None:
        """Move the lines of orders (rows of the book) that had such times before."""
        now, count = self._book.line_rows(orders), self._book.line_at[orders, 1]
        was_event, was_known = (
            np.repeat(times, count, axis=0) for times in line_times(was_event, was_known)
        )
        if np.array_equal(was_event, now.event) and np.array_equal(was_known, now.known):
            return
        keys = np.full((len(now.event), self._width), -1, dtype=np.int64)
        for keyset, of_lines in now.keys.items():
            keys[:, keyset] = of_lines
        self._index.change(
            Subject.LINE,
            Rows(was_event, was_known, now.numbers, keys),
            Rows(now.event, now.known, now.numbers, keys),
        )

    def _take_single(self, subject: Subject, records: Sequence[Single]) -> None:
        """Take in records that stand for themselves; the first of a cell counts."""
        events, knowns, numbers, keys = [], [], [], []
        for record in records:
            cell = cell_of(record)
            if cell in self._cells:
                continue
            self._cells.add(cell)
            events.append(cell[2])
            knowns.append(to_micros(record.record_time))
            numbers.append(_numbers(record))
            keys.append(self._keys_at(subject, *cell[:2]))
        if not events or not self._keysets[subject]:
            return
        now = np.array(events, dtype=np.int64)[:, None], np.array(knowns, dtype=np.int64)[:, None]
        rest = np.array(numbers, dtype=np.float64), np.array(keys, dtype=np.int64)
        self._index.change(subject, Rows(now[0], _unknown(now[1]), *rest), Rows(*now, *rest))

    def _take_cases(
        self, subject: Subject, records: Sequence[Case], opened: Sequence[str] = ()
    ) -> None:
        """Take in records of cases, and those cases that belong to somebody only now.

        Args:
            subject: what they are.
            records: what became known of them.
            opened: orders that the book has only now; nothing of their cases was put in.
        """
        cases, keysets = self._cases[subject], self._keysets[subject]
        if not keysets:
            return
        before: dict[str, OrderRow | None] = {
            case_id: None for order_id in opened for case_id in cases.of_order(order_id)
        }
        for record in records:
            case_id, opens, said = noted(record)
            if case_id not in before:
                before[case_id] = cases.row(case_id, self._book, keysets)
            cases.note(case_id, opens, said)
        after = [cases.row(case_id, self._book, keysets) for case_id in before]
        was, now = self._stacked(subject, list(before.values())), self._stacked(subject, after)
        self._index.change(subject, was, now)

    def _stacked(self, subject: Subject, rows: Sequence[OrderRow | None]) -> Rows:
        """Return rows one below the other; those of nobody have no times."""
        times = np.full((len(rows), len(TIMES_OF[subject])), UNKNOWN_TIME, dtype=np.int64)
        stacked = Rows(
            times, times.copy(), np.full((len(rows), len(NUMBERS_OF[subject])), np.nan),
            np.full((len(rows), self._width), -1, dtype=np.int64),
        )  # fmt: skip
        for at, row in enumerate(rows):
            if row is not None and row.known[0] != UNKNOWN_TIME:
                for part, of_row in zip(
                    stacked, (row.event, row.known, row.numbers, row.keys), strict=True
                ):
                    part[at] = of_row
        return stacked

    def _keys_at(self, subject: Subject, sku: str | None, site: str) -> list[int]:
        """Return the keys under which single records of a product (None: none) at a site are."""
        keys = self._keys_of_cell.get((sku, site))
        if keys is None:
            keys = [-1] * self._width
            for keyset in self._keysets[subject]:
                keys[keyset] = self._book.interner.number(keyset, {"site": site, "sku": sku})
            self._keys_of_cell[sku, site] = keys
        return keys


def _numbers(record: Single) -> tuple[float, ...]:
    """Return the numbers of a single record in the order of `NUMBERS_OF`."""
    if isinstance(record, Staffing):
        return (record.hours,)
    free = record.on_hand - record.allocated
    return free, float(free <= 0)


def _unknown(times: Ints) -> Ints:
    return np.full_like(times, UNKNOWN_TIME)


def cell_of(record: Single) -> Cell:
    """Return what makes a single record one."""
    sku = None if isinstance(record, Staffing) else record.sku
    return sku, record.site, to_micros(record.event_time)
