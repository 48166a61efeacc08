"""What the log holds, as tables in memory: one order of rows, times as UTC microseconds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from triage.domain.clock import UNKNOWN_TIME, from_micros
from triage.domain.records import Order, OrderLine
from triage.errors import HistoryError

if TYPE_CHECKING:
    from triage.history.came import Came

_TIMES = frozenset({"event_time", "record_time", "promised_by"})
_OPTIONAL_TIMES = frozenset({"not_before", "ship_by"})


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """A source as its mapping describes it, and when its latest extract was taken (UTC micros).

    `worked_holidays` names the public holidays of the country on which the company works.
    """

    name: str
    title: str
    time_zone: str
    promise: str
    currency: str
    country: str
    extracted_at: int
    worked_holidays: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """All records known before one moment.

    Attributes:
        orders: Order fields without lines, sorted by (record_time, order_id); `not_before` and
            `ship_by` are UNKNOWN_TIME where there is none.
        lines: order_id and OrderLine fields plus `order` = row number in `orders`, sorted by
            (order, line_no).
        milestones: Milestone fields plus `order`, sorted by (record_time, order_id, milestone);
            one per order and kind; `due_by` is UNKNOWN_TIME where there is none.
        positions: InventoryPosition fields, sorted by (record_time, site, sku).
        exceptions: ExceptionEvent fields plus `order` = row number in `orders`, -1 where it names
            none that is known; sorted by (record_time, exception_id, phase).
        supplies: InboundSupply fields, sorted by (record_time, supply_id, phase); `expected_by` is
            UNKNOWN_TIME where there is none.
        staffing: Staffing fields, sorted by (record_time, site, event_time).
        sources: where the records came from.
        parts: the log and what came as events since, where these were put together (see
            `came.joined`, which also says in which sequence rows are then); None for a log.

    Times are int64 UTC microseconds, text is `str` (missing = NaN), numbers are float64.
    """

    orders: pd.DataFrame
    lines: pd.DataFrame
    milestones: pd.DataFrame
    positions: pd.DataFrame
    exceptions: pd.DataFrame
    supplies: pd.DataFrame
    staffing: pd.DataFrame
    sources: tuple[SourceInfo, ...]
    parts: tuple[History, Came] | None = None

    @property
    def imported(self) -> History:
        """Return what was imported, without what came as events."""
        return self if self.parts is None else self.parts[0]

    @property
    def extracted_at(self) -> int:
        """Latest moment at which an extract was taken, UTC microseconds.

        Raises:
            HistoryError: if there is no source.
        """
        if not self.sources:
            raise HistoryError("the history has no source; run `triage import NAME DIR`")
        return max(source.extracted_at for source in self.sources)

    def before(self, moment: int) -> History:
        """Return what was known strictly before a moment (UTC microseconds of record_time).

        Equal to reading a log into which nothing later had been imported.
        """
        orders = _until(self.orders, moment)
        lines = self.lines.iloc[: int(np.searchsorted(self.lines["order"], len(orders)))]
        return History(
            orders=orders,
            lines=lines,
            milestones=_until(self.milestones, moment),
            positions=_until(self.positions, moment),
            exceptions=_of_orders(_until(self.exceptions, moment), len(orders)),
            supplies=_until(self.supplies, moment),
            staffing=_until(self.staffing, moment),
            sources=cut_sources(self.sources, moment),
        )

    def orders_alone(self) -> History:
        """Return orders and sources without the other records, to free the memory of these."""
        return replace(
            self,
            lines=_emptied(self.lines),
            milestones=_emptied(self.milestones),
            positions=_emptied(self.positions),
            exceptions=_emptied(self.exceptions),
            supplies=_emptied(self.supplies),
            staffing=_emptied(self.staffing),
        )

    def order_objects(self) -> Iterator[Order]:
        """Yield the orders as domain objects in row order, without validating them again."""
        columns = _cells(self.orders)
        lines = _cells(self.lines.drop(columns=["order_id", "order"]))
        starts = np.searchsorted(self.lines["order"], np.arange(len(self.orders) + 1))
        for row in range(len(self.orders)):
            own = tuple(
                OrderLine.model_construct(**{name: cells[at] for name, cells in lines.items()})
                for at in range(starts[row], starts[row + 1])
            )
            values = {name: cells[row] for name, cells in columns.items()}
            yield Order.model_construct(**values, lines=own)


def cut_sources(sources: tuple[SourceInfo, ...], moment: int) -> tuple[SourceInfo, ...]:
    """Return the sources as if each extract had been taken at `moment` at the latest."""
    return tuple(
        replace(source, extracted_at=min(source.extracted_at, moment)) for source in sources
    )


def _emptied(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in table.dtypes.items()})


def _until(table: pd.DataFrame, moment: int) -> pd.DataFrame:
    return table.iloc[: int(np.searchsorted(table["record_time"], moment))]


def _of_orders(table: pd.DataFrame, orders: int) -> pd.DataFrame:
    """Return a table whose rows name only the first `orders` orders; -1 for a later one."""
    return table.assign(order=table["order"].where(table["order"] < orders, -1))


def _cells(table: pd.DataFrame) -> dict[str, list[Any]]:
    """Return columns as lists of plain Python values: None for missing, aware UTC datetimes."""
    cells: dict[str, list[Any]] = {}
    for name in table.columns:
        values = table[name].tolist()
        if name in _TIMES:
            cells[str(name)] = [from_micros(value) for value in values]
        elif name in _OPTIONAL_TIMES:
            cells[str(name)] = [
                None if value == UNKNOWN_TIME else from_micros(value) for value in values
            ]
        elif name == "payment_installments":
            cells[str(name)] = [None if math.isnan(value) else int(value) for value in values]
        else:
            cells[str(name)] = [None if value != value else value for value in values]  # noqa: PLR0124
    return cells
