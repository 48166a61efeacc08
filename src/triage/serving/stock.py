"""Free stock as last recorded, at any moment of the past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from triage.features.compile import Floats, Ints
from triage.history.tables import History


@dataclass(frozen=True, slots=True)
class StockBook:
    """Positions by site and product, each cell's in the order in which they became known.

    Attributes:
        cells: site and product -> first and last place in the arrays.
        known: when each position became known, UTC micros.
        free: on hand less allocated, pieces.
    """

    cells: dict[tuple[str, str], tuple[int, int]]
    known: Ints
    free: Floats

    @classmethod
    def of(cls, history: History) -> Self:
        """Take the positions of a log."""
        table = history.positions
        if not len(table):
            return cls({}, np.empty(0, dtype=np.int64), np.empty(0))
        number = table.groupby(["site", "sku"], sort=False).ngroup().to_numpy()
        order = np.argsort(number, kind="stable")
        ends = np.cumsum(np.bincount(number))
        first = table.iloc[order[np.concatenate([[0], ends[:-1]])]]
        names = zip(first["site"].tolist(), first["sku"].tolist(), strict=True)
        spans = zip(np.concatenate([[0], ends[:-1]]).tolist(), ends.tolist(), strict=True)
        free = (table["on_hand"] - table["allocated"]).to_numpy(np.float64)
        return cls(
            dict(zip(names, spans, strict=True)),
            table["record_time"].to_numpy(np.int64)[order],
            free[order],
        )

    def at(self, site: str, sku: str, as_of: int) -> float:
        """Return free pieces as recorded before a moment (UTC micros); NaN if there is nothing."""
        span = self.cells.get((site, sku))
        if span is None:
            return float("nan")
        first, last = span
        if self.known[last - 1] < as_of:  # nothing is newer, as for every order that is open now
            return float(self.free[last - 1])
        place = first + int(np.searchsorted(self.known[first:last], as_of))
        return float("nan") if place == first else float(self.free[place - 1])
