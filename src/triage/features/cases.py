"""Exceptions and inbound supplies as rows of times, numbers and keys: opened once, closed once.

Each is a pure function of its two records (and of when its order was known), so they may arrive in
any sequence. Of two records of one phase the one that was known first counts.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from triage.domain.clock import UNKNOWN_TIME, to_micros
from triage.domain.records import ExceptionEvent, ExceptionPhase, InboundSupply, SupplyPhase
from triage.features.book import OrderBook, OrderRow
from triage.features.compile import Ints
from triage.features.facts import TIMES_OF, Subject
from triage.features.index_filling import SubjectRows
from triage.history.tables import History

Case = ExceptionEvent | InboundSupply
_CREATED = 0
_NO_NUMBERS = np.empty(0, dtype=np.float64)
_OPENING = frozenset({ExceptionPhase.RAISED.value, SupplyPhase.ORDERED.value})


class Cases:
    """The records of each case by its id, for one subject."""

    def __init__(self, records: Iterable[Case] = ()) -> None:
        self._opened: dict[str, Case] = {}
        self._closed: dict[str, Case] = {}
        self._of_order: dict[str, dict[str, None]] = {}
        for record in records:
            self.note(record)

    def note(self, record: Case) -> str:
        """Take in one record; return the id of its case."""
        case_id = case_id_of(record)
        held = self._opened if record.phase.value in _OPENING else self._closed
        have = held.get(case_id)
        if have is None or _rank(record) < _rank(have):
            held[case_id] = record
            if isinstance(record, ExceptionEvent) and record.order_id is not None:
                self._of_order.setdefault(record.order_id, {})[case_id] = None
        return case_id

    def of_order(self, order_id: str) -> tuple[str, ...]:
        """Return the ids of the cases that belong to this order."""
        named = self._of_order.get(order_id, ())
        return tuple(name for name in named if self._owner(name) == order_id)

    def _owner(self, case_id: str) -> str | None:
        opened = self._opened.get(case_id)
        return opened.order_id if isinstance(opened, ExceptionEvent) else None

    def row(self, case_id: str, book: OrderBook, keysets: Iterable[int]) -> OrderRow:
        """Return what is known of a case; a row without times where it belongs to nobody yet."""
        opened, closed = self._opened.get(case_id), self._closed.get(case_id)
        if opened is None:
            return _blank(Subject.EXCEPTION, book)
        if isinstance(opened, InboundSupply):
            return _supply_row(opened, closed, book, keysets)
        return _exception_row(opened, closed, book)


def exception_table(history: History, book: OrderBook) -> SubjectRows:
    """Return every exception whose order is known, or that names none."""
    table = _paired(history.exceptions, "exception_id", ExceptionPhase.RAISED.value)
    order = table["order"].to_numpy(np.int64)
    table = table[(order >= 0) | table["order_id"].isna().to_numpy()]
    order = table["order"].to_numpy(np.int64)
    known = table["record_time"].to_numpy(np.int64)
    if len(book):
        created = book.known[np.maximum(order, 0), _CREATED]
        known = np.where(order >= 0, np.maximum(known, created), known)
    event = np.column_stack([table["event_time"], table["closed"]]).astype(np.int64)
    closed_known = _after(table["closed_known"].to_numpy(np.int64), known)
    keys = {}
    for at, fields in enumerate(book.interner.keysets):
        nobody = book.interner.number(at, {}) if not fields else -1
        of_order = book.keys[np.maximum(order, 0), at] if len(book) else nobody
        keys[at] = np.where(order >= 0, of_order, nobody)
    times = np.column_stack([known, closed_known])
    return SubjectRows(event, times, np.empty((len(table), 0)), keys)


def supply_table(history: History, book: OrderBook, keysets: Iterable[int]) -> SubjectRows:
    """Return every inbound supply, received or not."""
    table = _paired(history.supplies, "supply_id", SupplyPhase.ORDERED.value)
    known = table["record_time"].to_numpy(np.int64)
    due = table["expected_by"].to_numpy(np.int64)
    event = np.column_stack([table["event_time"], table["closed"], due]).astype(np.int64)
    due_known = np.where(due == UNKNOWN_TIME, UNKNOWN_TIME, known)
    received = _after(table["closed_known"].to_numpy(np.int64), known)
    keys = {at: book.interner.numbers_of(at, table[["site", "sku"]]) for at in keysets}
    numbers = table[["quantity"]].to_numpy(np.float64)
    return SubjectRows(event, np.column_stack([known, received, due_known]), numbers, keys)


def _paired(records: pd.DataFrame, case_id: str, opening: str) -> pd.DataFrame:
    """Return the opening records with `closed` and `closed_known` (UNKNOWN_TIME: not closed)."""
    opens = records["phase"] == opening
    closing = records.loc[~opens, [case_id, "event_time", "record_time"]]
    closing = closing.rename(columns={"event_time": "closed", "record_time": "closed_known"})
    table = records[opens].merge(closing, on=case_id, how="left")
    for name in ("closed", "closed_known"):
        table[name] = table[name].astype("Int64").fillna(UNKNOWN_TIME).astype(np.int64)
    return table


def _after(known: Ints, opened: Ints) -> Ints:
    return np.where(known == UNKNOWN_TIME, UNKNOWN_TIME, np.maximum(known, opened))


def _exception_row(opened: ExceptionEvent, closed: Case | None, book: OrderBook) -> OrderRow:
    row = _blank(Subject.EXCEPTION, book)
    known = to_micros(opened.record_time)
    if opened.order_id is None:
        row.keys[:] = book.interner.add({})
    else:
        at = book.row_of.get(opened.order_id)
        if at is None:
            return row
        row.keys[:] = book.keys[at]
        known = max(known, int(book.known[at, _CREATED]))
    row.event[0], row.known[0] = to_micros(opened.event_time), known
    _close(row, closed)
    return row


def _supply_row(
    opened: InboundSupply, closed: Case | None, book: OrderBook, keysets: Iterable[int]
) -> OrderRow:
    row = _blank(Subject.SUPPLY, book)
    for at in keysets:
        row.keys[at] = book.interner.number(at, {"site": opened.site, "sku": opened.sku})
    row.numbers = np.array([opened.quantity], dtype=np.float64)
    row.event[0], row.known[0] = to_micros(opened.event_time), to_micros(opened.record_time)
    if opened.expected_by is not None:
        row.event[2], row.known[2] = to_micros(opened.expected_by), row.known[0]
    _close(row, closed)
    return row


def _close(row: OrderRow, closed: Case | None) -> None:
    if closed is not None:
        row.event[1] = to_micros(closed.event_time)
        row.known[1] = max(to_micros(closed.record_time), int(row.known[0]))


def _blank(subject: Subject, book: OrderBook) -> OrderRow:
    times = len(TIMES_OF[subject])
    return OrderRow(
        np.full(times, UNKNOWN_TIME, dtype=np.int64),
        np.full(times, UNKNOWN_TIME, dtype=np.int64),
        _NO_NUMBERS,
        np.full(len(book.interner.keysets), -1, dtype=np.int64),
    )


def case_id_of(record: Case) -> str:
    """Return the id of the exception or supply that a record speaks of."""
    return record.exception_id if isinstance(record, ExceptionEvent) else record.supply_id


def _rank(record: Case) -> tuple[int, int]:
    return to_micros(record.record_time), to_micros(record.event_time)
