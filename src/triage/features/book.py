"""The book of orders: what is known of each order, as arrays that grow by records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import pandas as pd

from triage.domain.clock import NEVER, UNKNOWN_TIME, to_micros
from triage.domain.records import Milestone, Order
from triage.features.bulk import (
    Codes,
    Lines,
    coded,
    combined,
    line_codes,
    main_first,
    order_codes,
    order_numbers,
)
from triage.features.compile import LINE_QUANTITY_PER, Floats, Ints
from triage.features.facts import (
    DUE_BY,
    LINE_FIELDS,
    LINE_TIMES,
    MILESTONES,
    NUMBERS,
    ORDER_ID,
    PROMISED_BY,
    READY_AT,
    RECORDED,
    SHIP_BY,
    STARTS_AT,
    STOCK_KEY_FIELDS,
    TIME,
    TIMES,
    key_values,
    main_line,
    numbers,
)
from triage.features.index_filling import SubjectRows
from triage.history.objects import milestones_in
from triage.history.tables import History

A = TypeVar("A", Ints, Floats)
_CREATED, _VALIDATED = TIME["order_created"], TIME["order_validated"]
_PROMISED, _DUE, _STARTS = TIME[PROMISED_BY], TIME[DUE_BY], TIME[STARTS_AT]
_READY, _RECORDED, _SHIP_BY = TIME[READY_AT], TIME[RECORDED], TIME[SHIP_BY]


class Interner:
    """Numbers for keys, in order of first appearance; -1 for a key with a missing part.

    Args:
        keysets: fields of each key set.
        known: keys that have their numbers already, by key set (see `known`).
    """

    def __init__(
        self, keysets: tuple[tuple[str, ...], ...], known: Sequence[Sequence[Sequence[str]]] = ()
    ) -> None:
        self.keysets = keysets
        self._ids: list[dict[tuple[str, ...], int]] = [{} for _ in keysets]
        for ids, keys in zip(self._ids, known, strict=False):
            ids.update((tuple(key), number) for number, key in enumerate(keys))

    @property
    def known(self) -> list[list[tuple[str, ...]]]:
        """Return every key by key set, in the sequence of their numbers."""
        return [list(ids) for ids in self._ids]

    def add(self, values: dict[str, str | None]) -> list[int]:
        """Return the key numbers of these values, giving new ones where needed."""
        return [self._number(at, values, grow=True) for at in range(len(self.keysets))]

    def find(self, values: dict[str, str | None]) -> list[int]:
        """Return the key numbers of these values; -1 for a key that was never seen."""
        return [self._number(at, values, grow=False) for at in range(len(self.keysets))]

    def number(self, keyset: int, values: Mapping[str, str | None], *, grow: bool = True) -> int:
        """Return the number of one key, giving a new one where needed (unless told not to: -1)."""
        return self._number(keyset, values, grow=grow)

    def numbers_of(self, keyset: int, table: pd.DataFrame) -> Ints:
        """Return the key numbers of every row of a table, giving new ones where needed.

        -1 where a field is missing, or the table has no such column.
        """
        codes = {name: coded(table[name]) for name in self.keysets[keyset] if name in table}
        return self.numbers_of_codes(keyset, codes, len(table))

    def numbers_of_codes(self, keyset: int, codes: Mapping[str, Codes], rows: int) -> Ints:
        """Return the same from the fields' codes (see `bulk.coded`)."""
        fields = self.keysets[keyset]
        if not fields:
            return np.full(rows, self.number(keyset, {}), dtype=np.int64)
        if not codes.keys() >= set(fields):
            return np.full(rows, -1, dtype=np.int64)
        group, parts = combined(fields, codes)
        ids = [
            self.number(keyset, dict(zip(fields, values, strict=True)))
            for values in zip(*parts, strict=True)
        ]
        return np.array([*ids, -1], dtype=np.int64)[group]

    def _number(self, at: int, values: Mapping[str, str | None], *, grow: bool) -> int:
        parts = tuple(values.get(name) for name in self.keysets[at])
        known = tuple(part for part in parts if part is not None)
        if len(known) != len(parts):
            return -1
        ids = self._ids[at]
        if grow:
            return ids.setdefault(known, len(ids))
        return ids.get(known, -1)


@dataclass(slots=True)
class OrderRow:
    """What is known of one order, ready for the kernel.

    Attributes:
        event: when each time of `facts.TIMES` was (micros).
        known: when each became known (micros).
        numbers: facts of `facts.NUMBERS`.
        keys: number of each key set, -1 where not known.
        lines: (lines, 2 or more) stock key, quantity (thousandths) and further keys of each line,
            the main line first.
    """

    event: Ints
    known: Ints
    numbers: Floats
    keys: Ints
    lines: Ints = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))


class OrderBook:
    """Every order by row number, with times, numbers and keys.

    A milestone that arrives before its order waits until the order is known. Of two milestones of
    one kind the one that was known first counts (ties: the one that happened first).

    Args:
        keysets: fields of each key set.
        of_lines: numbers of those by which single lines are held.
    """

    def __init__(self, keysets: tuple[tuple[str, ...], ...], of_lines: Sequence[int] = ()) -> None:
        self.interner = Interner(keysets)
        self.ids: list[str] = []
        self.row_of: dict[str, int] = {}
        self.event = np.empty((0, len(TIMES)), dtype=np.int64)
        self.known = np.empty((0, len(TIMES)), dtype=np.int64)
        self.numbers = np.empty((0, len(NUMBERS)), dtype=np.float64)
        self.keys = np.empty((0, len(keysets)), dtype=np.int64)
        self._stock = keysets.index(STOCK_KEY_FIELDS) if STOCK_KEY_FIELDS in keysets else -1
        self._of_lines = tuple(of_lines)
        self._further = tuple(keyset for keyset in of_lines if keyset != self._stock)
        self.lines = np.empty((0, 2 + len(self._further)), dtype=np.int64)
        self.line_at = np.empty((0, 2), dtype=np.int64)
        self._lines_used = 0
        self._own = keysets.index((ORDER_ID,)) if (ORDER_ID,) in keysets else -1
        self._waiting: dict[str, list[Milestone]] = {}

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of(
        cls, history: History, keysets: tuple[tuple[str, ...], ...], of_lines: Sequence[int] = (),
        interner: Interner | None = None,
    ) -> OrderBook:  # fmt: skip
        """Fill a book from a whole history at once; an interner's keys keep their numbers."""
        book = cls(keysets, of_lines)
        book.interner = interner or book.interner
        n = len(history.orders)
        book._reserve(n)
        book._describe_all(history)
        book.ids = history.orders["order_id"].tolist()
        book.row_of = {order_id: at for at, order_id in enumerate(book.ids)}
        created = history.orders["record_time"].to_numpy(np.int64)
        book.event[:n, _CREATED] = history.orders["event_time"].to_numpy(np.int64)
        book.event[:n, _PROMISED] = history.orders["promised_by"].to_numpy(np.int64)
        not_before = history.orders["not_before"].to_numpy(np.int64)
        book.event[:n, _STARTS] = np.maximum(book.event[:n, _CREATED], not_before)
        book.event[:n, _RECORDED] = created
        for column in (_CREATED, _PROMISED, _STARTS, _RECORDED):
            book.known[:n, column] = created
        ship_by = history.orders["ship_by"].to_numpy(np.int64)
        planned = np.flatnonzero(ship_by != UNKNOWN_TIME)
        for column in (_SHIP_BY, _DUE):
            book.event[planned, column], book.known[planned, column] = (
                ship_by[planned], created[planned],
            )  # fmt: skip
        of_nobody = (history.milestones["order"] < 0).to_numpy(bool)
        _fill_milestones(book, history.milestones[~of_nobody])
        for milestone in milestones_in(history.milestones[of_nobody].drop(columns="order")):
            book.add_milestone(milestone)
        return book

    def rows(self) -> SubjectRows:
        """Return every order's times, numbers and keys (views, not copies)."""
        n = len(self)
        keys = {at: self.keys[:n, at] for at in range(self.keys.shape[1])}
        return SubjectRows(self.event[:n], self.known[:n], self.numbers[:n], keys)

    def line_rows(self, orders: Ints | None = None) -> SubjectRows:
        """Return the lines of all orders, or of some rows: times, quantity and keys."""
        chosen = np.arange(len(self)) if orders is None else orders
        count = self.line_at[chosen, 1]
        first = self.line_at[chosen, 0] - np.cumsum(count) + count
        lines = self.lines[np.repeat(first, count) + np.arange(count.sum())]
        event, known = line_times(self.event[chosen], self.known[chosen])
        column = {self._stock: 0} | {keyset: 2 + at for at, keyset in enumerate(self._further)}
        return SubjectRows(
            np.repeat(event, count, axis=0), np.repeat(known, count, axis=0),
            lines[:, 1:2] / LINE_QUANTITY_PER,
            {keyset: lines[:, column[keyset]] for keyset in self._of_lines},
        )  # fmt: skip

    @property
    def stock_keys(self) -> dict[int, Ints]:
        """Return the keys of stock of every line, by their key set."""
        return {self._stock: self.lines[: self._lines_used, 0]} if self._stock >= 0 else {}

    def row(self, at: int) -> OrderRow:
        """Return one order's row (views, not copies)."""
        start, count = self.line_at[at]
        return OrderRow(
            self.event[at], self.known[at], self.numbers[at], self.keys[at],
            self.lines[start : start + count],
        )  # fmt: skip

    def draft(self, order: Order, milestones: Iterable[Milestone] = ()) -> OrderRow:
        """Return the row of an order that is not in the book, without adding it."""
        row = OrderRow(
            np.full(len(TIMES), UNKNOWN_TIME, dtype=np.int64),
            np.full(len(TIMES), UNKNOWN_TIME, dtype=np.int64),
            np.array(numbers(order), dtype=np.float64),
            np.array(self.interner.find(key_values(order)), dtype=np.int64),
            self._lines_of(order, grow=False),
        )
        if self._own >= 0:
            row.keys[self._own] = self.row_of.get(order.order_id, -1)
        _set_order(row, order)
        for milestone in milestones:
            _set_milestone(row, milestone)
        return row

    def add_order(self, order: Order) -> int:
        """Add an order and what waited for it; return its row number (unchanged if known)."""
        at = self.row_of.get(order.order_id)
        if at is not None:
            return at
        at = len(self.ids)
        self._reserve(at + 1)
        self.ids.append(order.order_id)
        self.row_of[order.order_id] = at
        self._describe(at, order)
        row = self.row(at)
        _set_order(row, order)
        for milestone in self._waiting.pop(order.order_id, ()):
            _set_milestone(row, milestone)
        return at

    def add_milestone(self, milestone: Milestone) -> int:
        """Note a milestone; return the order's row number, or -1 if the order is not known yet."""
        at = self.row_of.get(milestone.order_id)
        if at is None:
            self._waiting.setdefault(milestone.order_id, []).append(milestone)
            return -1
        _set_milestone(self.row(at), milestone)
        return at

    def _describe(self, at: int, order: Order) -> None:
        """Note numbers, keys and lines; the key by order is its row number."""
        self.numbers[at] = numbers(order)
        self.keys[at] = self.interner.add(key_values(order))
        if self._own >= 0:
            self.keys[at, self._own] = at
        lines = self._lines_of(order, grow=True)
        start, end = self._lines_used, self._lines_used + len(lines)
        if end > len(self.lines):
            self.lines = _grown(self.lines, max(end, 2 * start), -1)
        self.lines[start:end] = lines
        self.line_at[at] = start, len(lines)
        self._lines_used = end

    def _describe_all(self, history: History) -> None:
        """Note numbers, keys and lines of every order of a history."""
        orders, lines = history.orders, Lines.of(history)
        n = len(orders)
        self.numbers[:n] = order_numbers(orders, lines)
        codes = order_codes(orders, lines)
        for at in range(len(self.interner.keysets)):
            self.keys[:n, at] = self.interner.numbers_of_codes(at, codes, n)
        if self._own >= 0:
            self.keys[:n, self._own] = np.arange(n)
        if self._holds_lines:
            of_line, rows = line_codes(lines), len(lines.order)
            held = [
                np.full(rows, -1) if at < 0 else self.interner.numbers_of_codes(at, of_line, rows)
                for at in (self._stock, *self._further)
            ]
            self.lines, self.line_at[:n] = main_first(lines, held)
            self._lines_used = len(self.lines)

    @property
    def _holds_lines(self) -> bool:
        return self._stock >= 0 or bool(self._of_lines)

    def _lines_of(self, order: Order, *, grow: bool) -> Ints:
        width = self.lines.shape[1]
        if not self._holds_lines:
            return np.empty((0, width), dtype=np.int64)
        main = main_line(order)
        rows = []
        for line in sorted(order.lines, key=lambda x: (x is not main, x.line_no)):
            values = {name: getattr(line, name) for name in LINE_FIELDS}
            stock, *others = (
                -1 if keyset < 0 else self.interner.number(keyset, values, grow=grow)
                for keyset in (self._stock, *self._further)
            )
            rows.append((stock, max(round(line.quantity * LINE_QUANTITY_PER), 1), *others))
        return np.array(rows, dtype=np.int64).reshape(-1, width)

    def _reserve(self, n: int) -> None:
        have = len(self.event)
        if n <= have:
            return
        size = max(n, have + have // 2, 16) if have else n
        self.event = _grown(self.event, size, UNKNOWN_TIME)
        self.known = _grown(self.known, size, UNKNOWN_TIME)
        self.numbers = _grown(self.numbers, size, np.nan)
        self.keys = _grown(self.keys, size, -1)
        self.line_at = _grown(self.line_at, size, 0)


def line_times(event: Ints, known: Ints) -> tuple[Ints, Ints]:
    """Return when each time of a line was and became known, from those of its order.

    Args:
        event: (n, times of an order), micros.
        known: (n, times of an order).
    """
    moments = np.where(known == UNKNOWN_TIME, NEVER, known)
    first = [np.array(names)[np.argmin(moments[:, names], axis=1)] for names in LINE_TIMES]
    at = np.column_stack(first)
    return np.take_along_axis(event, at, axis=1), np.take_along_axis(known, at, axis=1)


def _grown(array: A, size: int, fill: float) -> A:
    larger = np.full((size, array.shape[1]), fill, dtype=array.dtype)
    larger[: len(array)] = array
    return larger


def _set_order(row: OrderRow, order: Order) -> None:
    created = to_micros(order.record_time)
    row.event[_CREATED], row.known[_CREATED] = to_micros(order.event_time), created
    row.event[_PROMISED], row.known[_PROMISED] = to_micros(order.promised_by), created
    starts = order.event_time if order.not_before is None else order.not_before
    row.event[_STARTS], row.known[_STARTS] = to_micros(max(starts, order.event_time)), created
    row.event[_RECORDED], row.known[_RECORDED] = created, created
    if order.ship_by is not None:
        for column in (_SHIP_BY, _DUE):
            row.event[column], row.known[column] = to_micros(order.ship_by), created


def _set_milestone(row: OrderRow, milestone: Milestone) -> None:
    column = TIME.get(milestone.milestone.value)
    if column is None or column == _CREATED:
        return
    event = to_micros(milestone.event_time)
    known = max(to_micros(milestone.record_time), int(row.known[_CREATED]))
    have = (int(row.known[column]), int(row.event[column]))
    if have[0] != UNKNOWN_TIME and have <= (known, event):
        return
    row.event[column], row.known[column] = event, known
    if column == _VALIDATED:
        row.event[_READY], row.known[_READY] = max(event, int(row.event[_STARTS])), known
    if column == _VALIDATED and row.known[_SHIP_BY] == UNKNOWN_TIME:
        due_by = milestone.due_by
        row.event[_DUE] = UNKNOWN_TIME if due_by is None else to_micros(due_by)
        row.known[_DUE] = UNKNOWN_TIME if due_by is None else known


def _fill_milestones(book: OrderBook, milestones: pd.DataFrame) -> None:
    rows = milestones["order"].to_numpy(np.int64)
    event = milestones["event_time"].to_numpy(np.int64)
    known = milestones["record_time"].to_numpy(np.int64)
    due = milestones["due_by"].to_numpy(np.int64)
    for kind in MILESTONES[1:]:
        of_kind = (milestones["milestone"] == kind).to_numpy(bool)
        book.event[rows[of_kind], TIME[kind]] = event[of_kind]
        book.known[rows[of_kind], TIME[kind]] = known[of_kind]
        if TIME[kind] == _VALIDATED:
            ready = np.maximum(event[of_kind], book.event[rows[of_kind], _STARTS])
            book.event[rows[of_kind], _READY] = ready
            book.known[rows[of_kind], _READY] = known[of_kind]
            planned = book.known[rows, _SHIP_BY] != UNKNOWN_TIME
            with_due = of_kind & (due != UNKNOWN_TIME) & ~planned
            book.event[rows[with_due], _DUE] = due[with_due]
            book.known[rows[with_due], _DUE] = known[with_due]
