"""Lines of the log with what the price model looks at, in sequence of their becoming known."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from triage.features.compile import Ints
from triage.history.tables import History
from triage.models.prices import PricedLine

_OF_ORDER = {"customer": "customer_id", "tier": "customer_tier", "channel": "channel"}
_OF_LINE = {"price": "unit_price"}


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

    def newest(self, most: int) -> PriceLines:
        """Return the last lines, at most so many."""
        start = self.known[-most] if len(self.lines) > most else 0
        return self.between(int(start), int(self.known[-1]) + 1) if self.lines else self


def price_lines(history: History) -> PriceLines:
    """Return every line of the log that has a price."""
    lines = history.lines[history.lines["unit_price"].notna()]
    orders = history.orders.iloc[lines["order"].to_numpy()]
    columns = []
    for field in fields(PricedLine):
        if field.name in _OF_ORDER:
            values = orders[_OF_ORDER[field.name]]
        else:
            values = lines[_OF_LINE.get(field.name, field.name)]
        columns.append([None if x != x else x for x in values.tolist()])  # noqa: PLR0124 - NaN
    return PriceLines(
        [PricedLine(*values) for values in zip(*columns, strict=True)],
        orders["record_time"].to_numpy(np.int64),
        orders["order_id"].tolist(),
        lines["line_no"].tolist(),
    )
