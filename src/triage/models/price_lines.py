"""Lines of the log with what the price model looks at: all in sequence, or those of one order."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from triage.features.compile import Ints
from triage.history.tables import History
from triage.models.priced_line import PricedLine

_OF_ORDER = {"customer": "customer_id", "tier": "customer_tier", "channel": "channel"}
_NAMES = tuple(field.name for field in fields(PricedLine))


@dataclass(frozen=True, slots=True)
class PriceLines:
    """Priced lines; all of the same length.

    Attributes:
        lines: what the model looks at.
        known: record time of the order, UTC micros, ascending.
        order_id: of each line.
        line_no: within its order.
    """

    lines: list[PricedLine]
    known: Ints
    order_id: list[str]
    line_no: list[int]

    def between(self, start: int, end: int) -> PriceLines:
        """Return the lines known in [start, end), UTC micros."""
        low, high = (int(x) for x in np.searchsorted(self.known, [start, end]))
        part = slice(low, high)
        return PriceLines(
            self.lines[part], self.known[part], self.order_id[part], self.line_no[part]
        )


def price_lines(history: History, most: int | None = None) -> PriceLines:
    """Return the newest lines of the log that have a price, at most so many; None takes all."""
    lines = history.lines[history.lines["unit_price"].notna()].iloc[-(most or 0) :]
    orders = history.orders.iloc[lines["order"].to_numpy()]
    columns = [
        _plain(orders[_OF_ORDER[name]] if name in _OF_ORDER else lines[_of_line(name)])
        for name in _NAMES
    ]
    return PriceLines(
        [PricedLine(*values) for values in zip(*columns, strict=True)],
        orders["record_time"].to_numpy(np.int64),
        orders["order_id"].tolist(),
        lines["line_no"].tolist(),
    )


class StoredLines:
    """Lines of stored orders, found by order; numbers stay arrays, texts stay as the log has them.

    Args:
        history: the log.
    """

    def __init__(self, history: History) -> None:
        self._row_of = {name: at for at, name in enumerate(history.orders["order_id"].tolist())}
        self._starts = np.searchsorted(
            history.lines["order"].to_numpy(), np.arange(len(history.orders) + 1)
        )
        self._numbers = history.lines["line_no"].to_numpy()
        self._lines = {
            name: history.lines[_of_line(name)].array for name in _NAMES if name not in _OF_ORDER
        }
        self._orders = {name: history.orders[field].array for name, field in _OF_ORDER.items()}

    def of(self, order_id: str) -> list[tuple[int, PricedLine | None]]:
        """Return number and facts of each line of an order; None for a line without a price."""
        at = self._row_of.get(order_id)
        if at is None:
            return []
        whole = {name: _known(cells[at]) for name, cells in self._orders.items()}
        found: list[tuple[int, PricedLine | None]] = []
        for row in range(int(self._starts[at]), int(self._starts[at + 1])):
            own = {name: _known(cells[row]) for name, cells in self._lines.items()}
            line = None if own["price"] is None else PricedLine(**own, **whole)
            found.append((int(self._numbers[row]), line))
        return found


def _of_line(name: str) -> str:
    return "unit_price" if name == "price" else name


def _plain(values: pd.Series) -> list[Any]:
    return [_known(value) for value in values.tolist()]


def _known(value: Any) -> Any:  # noqa: ANN401 - text or number
    """Return a cell as a plain value; None where it is missing."""
    if value != value:  # noqa: PLR0124 - NaN
        return None
    return value.item() if isinstance(value, np.generic) else value
