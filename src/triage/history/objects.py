"""Tables of the log as domain objects, row by row, without validating them again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd

from triage.domain.clock import UNKNOWN_TIME, from_micros
from triage.domain.records import (
    ExceptionEvent,
    ExceptionPhase,
    InboundSupply,
    InventoryPosition,
    Milestone,
    MilestoneKind,
    Record,
    Staffing,
    SupplyPhase,
)
from triage.history.tables import History

_TIMES = frozenset({"event_time", "record_time", "due_by", "expected_by"})


def milestones_of(history: History) -> Iterator[Milestone]:
    """Yield the milestones, in the order in which they became known."""
    yield from milestones_in(history.milestones.drop(columns="order"))


def milestones_in(table: pd.DataFrame) -> Iterator[Milestone]:
    """Yield the milestones of rows that have their fields, in their order."""
    kinds = {"milestone": {kind.value: kind for kind in MilestoneKind}}
    for row in _rows(table, kinds):
        yield Milestone.model_construct(**row)


def positions_of(history: History) -> Iterator[InventoryPosition]:
    """Yield the inventory positions, in the order in which they became known."""
    for row in _rows(history.positions, {}):
        yield InventoryPosition.model_construct(**row)


def staffing_of(history: History) -> Iterator[Staffing]:
    """Yield the hours of sites, in the order in which they became known."""
    for row in _rows(history.staffing, {}):
        yield Staffing.model_construct(**row)


def exceptions_of(history: History) -> Iterator[ExceptionEvent]:
    """Yield the exception records, in the order in which they became known."""
    yield from exceptions_in(history.exceptions.drop(columns="order"))


def exceptions_in(table: pd.DataFrame) -> Iterator[ExceptionEvent]:
    """Yield the exception records of rows that have their fields, in their order."""
    phases = {"phase": {phase.value: phase for phase in ExceptionPhase}}
    for row in _rows(table, phases):
        yield ExceptionEvent.model_construct(**row)


def supplies_of(history: History) -> Iterator[InboundSupply]:
    """Yield the supply records, in the order in which they became known."""
    phases = {"phase": {phase.value: phase for phase in SupplyPhase}}
    for row in _rows(history.supplies, phases):
        yield InboundSupply.model_construct(**row)


RECORDS_BESIDE_ORDERS: Mapping[str, Callable[[History], Iterator[Record]]] = {
    "milestones": milestones_of,
    "positions": positions_of,
    "exceptions": exceptions_of,
    "supplies": supplies_of,
    "staffing": staffing_of,
}
"""Table of a history -> what reads its rows, of every kind of record but orders."""


def _rows(table: pd.DataFrame, words: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield rows as plain values: None for missing, aware UTC datetimes, enumerations by word."""
    names = [str(name) for name in table.columns]
    for cells in zip(*(table[name].tolist() for name in names), strict=True):
        row = dict(zip(names, cells, strict=True))
        for name, value in row.items():
            if name in _TIMES:
                row[name] = None if value == UNKNOWN_TIME else from_micros(value)
            elif name in words:
                row[name] = words[name][value]
            elif value != value:  # noqa: PLR0124 - NaN
                row[name] = None
        yield row
