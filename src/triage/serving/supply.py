"""Goods on their way to a site, as known at any moment of the past: when a shortage ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from triage.domain.clock import NEVER, UNKNOWN_TIME, to_micros
from triage.domain.records import InboundSupply
from triage.history.tables import History

_SOON = 0.25
"""Share of deliveries that come sooner than what is taken for a soon one."""
_LEAST = 3


class Delivery(NamedTuple):
    """One delivery on its way, those expected first in front; times in UTC micros.

    Attributes:
        expected: when it is expected.
        supply_id: its number.
        ordered: when it became known.
        pieces: how many.
    """

    expected: int
    supply_id: str
    ordered: int
    pieces: float


@dataclass(frozen=True, slots=True)
class Leads:
    """How long a delivery that comes soon takes from its order on, in micros of calendar time.

    Attributes:
        by_product: lower quartile of each product that has come three times or more.
        every: of all; None if none has come.
    """

    by_product: Mapping[str, int] = field(default_factory=dict)
    every: int | None = None

    def of(self, sku: str) -> int | None:
        """Return the time of a product; that of all where it has too little history."""
        return self.by_product.get(sku, self.every)


@dataclass(frozen=True, slots=True)
class SupplyBook:
    """What is on its way.

    Attributes:
        cells: deliveries by site and product, ascending.
        received: when the receipt of each delivery became known, UTC micros.
    """

    cells: dict[tuple[str, str], list[Delivery]] = field(default_factory=dict)
    received: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, history: History) -> Self:
        """Take the inbound supply of a log; what has no expected day is never counted on."""
        book = cls()
        columns = ("supply_id", "phase", "record_time", "site", "sku", "quantity", "expected_by")
        for part in (history,) if history.parts is None else history.parts:
            table = part.supplies
            for row in zip(*(table[name].tolist() for name in columns), strict=True):
                book._take(*row)
        for own in book.cells.values():
            own.sort()
        return book

    def add(self, supply: InboundSupply) -> None:
        """Take in one more record; of each phase of a delivery the first one counts."""
        expected = UNKNOWN_TIME if supply.expected_by is None else to_micros(supply.expected_by)
        cell = (supply.site, supply.sku)
        self._take(
            supply.supply_id, supply.phase.value, to_micros(supply.record_time), *cell,
            supply.quantity, expected,
        )  # fmt: skip
        self.cells.get(cell, []).sort()

    def _take(
        self, name: str, phase: str, known: int, site: str, sku: str, pieces: float, expected: int
    ) -> None:
        if phase == "received":
            self.received[name] = min(known, self.received.get(name, NEVER))
        elif expected != UNKNOWN_TIME:
            own = self.cells.setdefault((site, sku), [])
            own.append(Delivery(expected, name, known, pieces))

    @property
    def kept(self) -> bool:
        """Return whether the log knows of any supply."""
        return bool(self.cells)

    def leads(self, moment: int) -> Leads:
        """Learn from what had come before a moment (UTC micros)."""
        took: dict[str, list[int]] = {}
        for (_, sku), own in self.cells.items():
            for each in own:
                received = self.received.get(each.supply_id, NEVER)
                if each.ordered <= received < moment:
                    took.setdefault(sku, []).append(received - each.ordered)
        every = [time for own in took.values() for time in own]
        known = {sku: _soon(own) for sku, own in took.items() if len(own) >= _LEAST}
        return Leads(known, _soon(every) if every else None)

    def comes(self, site: str, sku: str, missing: float, as_of: int, leads: Leads) -> int:
        """Return when so many pieces are expected to have come, by what was known before a moment.

        Where too little is on its way the rest would have to be ordered: it comes no sooner than
        what is ordered now and comes soon.

        Args:
            site: where to.
            sku: which product.
            missing: pieces.
            as_of: UTC micros.
            leads: how long deliveries take.

        Returns:
            UTC micros, in the past for what is overdue; NEVER if too little is on its way and
            nothing has ever come.
        """
        there = 0.0
        for each in self.cells.get((site, sku), ()):
            if each.ordered < as_of <= self.received.get(each.supply_id, NEVER):
                there += each.pieces
                if there >= missing:
                    return each.expected
        lead = leads.of(sku)
        return NEVER if lead is None else as_of + lead


def _soon(took: list[int]) -> int:
    return sorted(took)[int(_SOON * (len(took) - 1))]
