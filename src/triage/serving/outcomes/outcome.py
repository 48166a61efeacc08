"""What came of an order that was scored: late or not by the label contract, and by how many days.

An outcome is on record once promise and tolerance have passed, delivered or not: taking every
delivery as it comes would favour fast orders. What was late and under way then is recorded once
more when its delivery becomes known; the newer entry counts.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np

from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_HOUR, NEVER
from triage.features.book import OrderBook
from triage.ledger.entries import Draft, Entry, canonical
from triage.models.at_risk import LabelContract
from triage.models.landmarks import rows_at


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an order.

    Attributes:
        order_id: the order.
        late: whether it was late by the contract.
        late_at: promise + tolerance, UTC micros.
        delivered: when it was delivered, UTC micros; None if that is not known.
        cancelled: whether it was cancelled; then it says nothing about lateness.
        contract: version of the label contract.
    """

    order_id: str
    late: bool
    late_at: int
    delivered: int | None
    cancelled: bool
    contract: str

    @property
    def delay_days(self) -> float | None:
        """Return days between promise + tolerance and delivery; None if it is not delivered."""
        return None if self.delivered is None else (self.delivered - self.late_at) / MICROS_PER_DAY

    @property
    def final(self) -> bool:
        """Return whether nothing more is to come."""
        return self.cancelled or self.delivered is not None

    def draft(self) -> Draft:
        """Return the outcome as an entry to be recorded."""
        said = {name: value for name, value in asdict(self).items() if name != "order_id"}
        return Draft("outcome", canonical(said), self.order_id)

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Read an entry of kind `outcome`."""
        return cls(order_id=entry.order_id or "", **json.loads(entry.body))


def settle(
    book: OrderBook, contract: LabelContract, order_ids: Collection[str], now: int
) -> list[Outcome]:
    """Return the outcomes of those of some orders that have one by now.

    Args:
        book: what is known of orders.
        contract: what late means.
        order_ids: which orders; those that the book does not hold have no outcome.
        now: UTC micros.
    """
    names = [name for name in order_ids if name in book.row_of]
    order = np.array([book.row_of[name] for name in names], dtype=np.int64)
    tolerance = round(contract.tolerance_hours * MICROS_PER_HOUR)
    rows = rows_at(book, "", order, np.zeros_like(order), tolerance)
    cancelled = rows.cancelled_known <= now
    chosen = np.flatnonzero(cancelled | rows.mature(now + 1))
    late = rows.known_late(now + 1)
    arrived = np.where(rows.delivered_known <= now, rows.delivered, NEVER)
    return [
        Outcome(
            names[at], bool(late[at] and not cancelled[at]), int(rows.late_at[at]),
            None if arrived[at] == NEVER else int(arrived[at]), bool(cancelled[at]),
            contract.version,
        )
        for at in chosen
    ]  # fmt: skip
