"""Free stock as last recorded, at any moment of the past."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from triage.domain.clock import UNKNOWN_TIME, to_micros
from triage.domain.records import InventoryPosition
from triage.features.compile import Floats, Ints
from triage.history.tables import History


@dataclass(frozen=True, slots=True)
class StockBook:
    """Positions by site and product, each cell's in the order in which they became known.

    Attributes:
        cells: site and product -> first and last place in the arrays.
        known: when each position became known, UTC micros.
        free: on hand less allocated, pieces.
        added: positions that came in later, by cell: known, event (UTC micros), free; ascending.
    """

    cells: dict[tuple[str, str], tuple[int, int]]
    known: Ints
    free: Floats
    added: dict[tuple[str, str], list[tuple[int, int, float]]] = field(default_factory=dict)

    @classmethod
    def of(cls, history: History) -> Self:
        """Take the positions of a log."""
        table = history.imported.positions
        if not len(table):
            return cls({}, np.empty(0, dtype=np.int64), np.empty(0), _came(history))
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
            _came(history),
        )

    def at(self, site: str, sku: str, as_of: int) -> float:
        """Return free pieces as recorded before a moment (UTC micros); NaN if there is nothing."""
        known, free = self._imported(site, sku, as_of)
        later = self.added.get((site, sku))
        if later:
            place = bisect_left(later, (as_of,))
            if place and later[place - 1][0] >= known:
                return later[place - 1][2]
        return free

    def add(self, position: InventoryPosition) -> None:
        """Take in one more position; its place does not depend on when it comes."""
        cell = (position.site, position.sku)
        known, event = to_micros(position.record_time), to_micros(position.event_time)
        free = position.on_hand - position.allocated
        insort(self.added.setdefault(cell, []), (known, event, free))

    def _imported(self, site: str, sku: str, as_of: int) -> tuple[int, float]:
        """Return since when a position is known, and free pieces, of those that were imported."""
        span = self.cells.get((site, sku))
        if span is None:
            return UNKNOWN_TIME, float("nan")
        first, last = span
        place = last
        if self.known[last - 1] >= as_of:  # for an order that is open now nothing is newer
            place = first + int(np.searchsorted(self.known[first:last], as_of))
        if place == first:
            return UNKNOWN_TIME, float("nan")
        return int(self.known[place - 1]), float(self.free[place - 1])


def _came(history: History) -> dict[tuple[str, str], list[tuple[int, int, float]]]:
    """Return the positions that came as events, as `add` would have put them."""
    found: dict[tuple[str, str], list[tuple[int, int, float]]] = {}
    if history.parts is not None:
        table = history.parts[1].positions
        table = table.assign(free=table["on_hand"] - table["allocated"])
        table = table.sort_values(["record_time", "event_time", "free"])
        columns = ("site", "sku", "record_time", "event_time", "free")
        for site, sku, *position in zip(*(table[c].tolist() for c in columns), strict=True):
            found.setdefault((site, sku), []).append(tuple(position))
    return found
