"""What a page or an answer shows of an order besides its score: names, not features."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from triage.domain.records import Order
from triage.features.facts import main_line
from triage.history.tables import History


@dataclass(frozen=True, slots=True)
class ShownOrder:
    """Names by which people know an order; None where the source gives none."""

    customer: str | None
    site: str | None
    destination: str | None
    carrier: str | None
    service: str | None
    currency: str
    tier: str | None = None
    regulated: bool = False
    channel: str | None = None

    @classmethod
    def of_order(cls, order: Order, regulated: frozenset[str]) -> ShownOrder:
        """Return the names of an order that was sent; some categories are regulated goods."""
        line = main_line(order)
        return cls(
            order.customer_name or order.customer_id, line.site if line else None,
            order.destination_region, order.carrier, order.service, order.currency,
            order.customer_tier, any(each.category in regulated for each in order.lines),
            order.channel,
        )  # fmt: skip

    @property
    def lane(self) -> tuple[str | None, ...]:
        """Return site, destination and service."""
        return (self.site, self.destination, self.service)

    def parted(self) -> dict[str, str | None]:
        """Return the values by which times are told apart (`models.spread.FIELDS`)."""
        return {
            "site": self.site,
            "destination_region": self.destination,
            "carrier": self.carrier,
            "service": self.service,
        }


@dataclass(frozen=True, slots=True)
class ShownOrders:
    """The same for every stored order, as columns by row of the log."""

    customer: list[str | None]
    site: list[str | None]
    destination: list[str | None]
    carrier: list[str | None]
    service: list[str | None]
    currency: list[str]
    tier: list[str | None]
    regulated: list[bool]
    channel: list[str | None]

    def __len__(self) -> int:
        return len(self.currency)

    @classmethod
    def of(cls, history: History, regulated: frozenset[str] = frozenset()) -> ShownOrders:
        """Take the columns from the log; the site is that of the most valuable line.

        Args:
            history: the log.
            regulated: categories of goods that have rules of their own.
        """
        orders, lines = history.orders, history.lines
        name = orders["customer_name"].where(orders["customer_name"].notna(), orders["customer_id"])
        worth = (lines["quantity"] * lines["unit_price"].fillna(0.0)).to_numpy()
        by_worth = np.lexsort((lines["line_no"].to_numpy(), -worth, lines["order"].to_numpy()))
        sites: list[str | None] = [None] * len(orders)
        owner = lines["order"].to_numpy()[by_worth]
        first = np.flatnonzero(np.diff(owner, prepend=-1))
        values = _texts(lines["site"].iloc[by_worth[first]].tolist())
        for order, site in zip(owner[first].tolist(), values, strict=True):
            sites[order] = site
        return cls(
            _texts(name.tolist()), sites, _texts(orders["destination_region"].tolist()),
            _texts(orders["carrier"].tolist()), _texts(orders["service"].tolist()),
            [str(c) for c in orders["currency"].tolist()],
            _texts(orders["customer_tier"].tolist()),
            (np.bincount(
                lines["order"].to_numpy(), lines["category"].isin(regulated), len(orders)
            ) > 0).tolist(),
            _texts(orders["channel"].tolist()),
        )  # fmt: skip

    def add(self, shown: ShownOrder) -> None:
        """Take in the names of one more order."""
        for field in fields(self):
            getattr(self, field.name).append(getattr(shown, field.name))

    def of_row(self, at: int) -> ShownOrder:
        """Return one order's names."""
        return ShownOrder(
            self.customer[at], self.site[at], self.destination[at], self.carrier[at],
            self.service[at], self.currency[at], self.tier[at], self.regulated[at],
            self.channel[at],
        )  # fmt: skip


def _texts(values: list[object]) -> list[str | None]:
    return [value if isinstance(value, str) else None for value in values]
