"""Exceptions and inbound supplies as rows of times, numbers and keys: opened once, closed once.

Each is a pure function of its two records (and of when its order was known), so they may arrive in
any sequence. Of two records of one phase the one that was known first counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import NamedTuple

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


class CaseRecord(NamedTuple):
    """What one record says of a case; times in UTC micros.

    Attributes:
        known: when it became known.
        event: when it happened.
        order_id: order of an exception, if it names one.
        site: where a supply comes to.
        sku: what comes.
        quantity: how many pieces.
        expected_by: until when; UNKNOWN_TIME where that is not said.
    """

    known: int
    event: int
    order_id: str | None = None
    site: str = ""
    sku: str = ""
    quantity: float = math.nan
    expected_by: int = UNKNOWN_TIME


Noted = tuple[str, bool, CaseRecord]
"""Id of a case, whether the record opens it, and what the record says."""


def noted(record: Case) -> Noted:
    """Return what one record says of which case."""
    known, event = to_micros(record.record_time), to_micros(record.event_time)
    opens = record.phase.value in _OPENING
    if isinstance(record, ExceptionEvent):
        return record.exception_id, opens, CaseRecord(known, event, record.order_id)
    due = UNKNOWN_TIME if record.expected_by is None else to_micros(record.expected_by)
    said = CaseRecord(known, event, None, record.site, record.sku, record.quantity, due)
    return record.supply_id, opens, said


def exceptions_noted(history: History) -> Iterator[Noted]:
    """Yield what each record of a history says of exceptions."""
    table = history.exceptions
    orders = table["order_id"].astype(object).where(table["order_id"].notna(), None)
    said = map(CaseRecord, *_times(table), orders.tolist())
    return zip(table["exception_id"].tolist(), _opens(table), said, strict=True)


def supplies_noted(history: History) -> Iterator[Noted]:
    """Yield what each record of a history says of inbound supplies."""
    table = history.supplies
    names = ("site", "sku", "quantity", "expected_by")
    more = (table[name].tolist() for name in names)
    said = map(CaseRecord, *_times(table), repeat(None), *more)
    return zip(table["supply_id"].tolist(), _opens(table), said, strict=True)


def _times(table: pd.DataFrame) -> tuple[list[int], list[int]]:
    return table["record_time"].tolist(), table["event_time"].tolist()


def _opens(table: pd.DataFrame) -> list[bool]:
    found: list[bool] = table["phase"].isin(_OPENING).tolist()
    return found


class Cases:
    """The records of each case by its id, for one subject: exceptions or supplies."""

    def __init__(self, subject: Subject, records: Iterable[Noted] = ()) -> None:
        self._subject = subject
        self._opened: dict[str, CaseRecord] = {}
        self._closed: dict[str, CaseRecord] = {}
        self._of_order: dict[str, dict[str, None]] = {}
        for each in records:
            self.note(*each)

    def note(self, case_id: str, opens: bool, said: CaseRecord) -> None:
        """Take in one record; see `Noted`."""
        held = self._opened if opens else self._closed
        have = held.get(case_id)
        if have is None or said[:2] < have[:2]:  # known first, then happened first
            held[case_id] = said
            if said.order_id is not None:
                self._of_order.setdefault(said.order_id, {})[case_id] = None

    def of_order(self, order_id: str) -> tuple[str, ...]:
        """Return the ids of the cases that belong to this order."""
        named = self._of_order.get(order_id, ())
        return tuple(
            name for name in named
            if (opened := self._opened.get(name)) is not None and opened.order_id == order_id
        )  # fmt: skip

    def row(self, case_id: str, book: OrderBook, keysets: Iterable[int]) -> OrderRow:
        """Return what is known of a case; a row without times where it belongs to nobody yet."""
        opened, closed = self._opened.get(case_id), self._closed.get(case_id)
        row = _blank(self._subject, book)
        if opened is not None:
            fill = _fill_supply if self._subject == Subject.SUPPLY else _fill_exception
            fill(row, opened, book, keysets)
        if closed is not None and row.known[0] != UNKNOWN_TIME:
            row.event[1], row.known[1] = closed.event, max(closed.known, int(row.known[0]))
        return row


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


def _fill_exception(
    row: OrderRow, opened: CaseRecord, book: OrderBook, _keysets: Iterable[int]
) -> None:
    known = opened.known
    if opened.order_id is None:
        row.keys[:] = book.interner.add({})
    else:
        at = book.row_of.get(opened.order_id)
        if at is None:
            return
        row.keys[:] = book.keys[at]
        known = max(known, int(book.known[at, _CREATED]))
    row.event[0], row.known[0] = opened.event, known


def _fill_supply(
    row: OrderRow, opened: CaseRecord, book: OrderBook, keysets: Iterable[int]
) -> None:
    for at in keysets:
        row.keys[at] = book.interner.number(at, {"site": opened.site, "sku": opened.sku})
    row.numbers = np.array([opened.quantity], dtype=np.float64)
    row.event[0], row.known[0] = opened.event, opened.known
    if opened.expected_by != UNKNOWN_TIME:
        row.event[2], row.known[2] = opened.expected_by, opened.known


def _blank(subject: Subject, book: OrderBook) -> OrderRow:
    times = len(TIMES_OF[subject])
    return OrderRow(
        np.full(times, UNKNOWN_TIME, dtype=np.int64),
        np.full(times, UNKNOWN_TIME, dtype=np.int64),
        _NO_NUMBERS,
        np.full(len(book.interner.keysets), -1, dtype=np.int64),
    )
