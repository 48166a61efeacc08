"""What a page or an answer shows of an order besides its score: names, not features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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

    @classmethod
    def of(cls, history: History) -> ShownOrders:
        """Take the columns from the log; the site is that of the most valuable line."""
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
        )  # fmt: skip

    def of_row(self, at: int) -> ShownOrder:
        """Return one order's names."""
        return ShownOrder(
            self.customer[at], self.site[at], self.destination[at], self.carrier[at],
            self.service[at], self.currency[at],
        )  # fmt: skip


def _texts(values: list[object]) -> list[str | None]:
    return [value if isinstance(value, str) else None for value in values]
