"""What is known of a line's price when its order comes in, and which groups it belongs to."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from triage.domain.records import Order, OrderLine

EVERYWHERE = ""
"""Key of what holds for all: the root of every chain of groups."""
_BANDS = (2, 10, 50, 200)


@dataclass(frozen=True, slots=True)
class PricedLine:
    """What is known of a line's price when the order comes in; prices are per piece."""

    price: float
    quantity: float
    sku: str
    category: str | None = None
    customer: str | None = None
    tier: str | None = None
    channel: str | None = None
    list_price: float | None = None
    contract_price: float | None = None
    former_contract_price: float | None = None
    promotion_price: float | None = None
    volume_price: float | None = None
    case_quantity: float | None = None

    @classmethod
    def of(cls, order: Order, line: OrderLine) -> PricedLine | None:
        """Take it from an order; None if the line has no price."""
        if line.unit_price is None:
            return None
        return cls(
            line.unit_price, line.quantity, line.sku, line.category, order.customer_id,
            order.customer_tier, order.channel, line.list_price, line.contract_price,
            line.former_contract_price, line.promotion_price, line.volume_price,
            line.case_quantity,
        )  # fmt: skip


def discount_keys(line: PricedLine) -> tuple[str, ...]:
    """Return the groups whose usual discount a line shares, the widest first."""
    tier = f"tier|{line.tier}"
    return EVERYWHERE, tier, f"{tier}|{line.channel}", f"customer|{line.customer}"


def quantity_key(line: PricedLine) -> str:
    """Return the group whose quantity effect a line shares."""
    return f"{line.category}|{bisect_right(_BANDS, line.quantity)}"


def sku_keys(line: PricedLine) -> tuple[str, ...]:
    """Return the groups of things whose spread a line shares, the widest first."""
    return EVERYWHERE, f"category|{line.category}", f"sku|{line.sku}"


def customer_keys(line: PricedLine) -> tuple[str, ...]:
    """Return the groups of customers whose spread a line shares, the widest first."""
    return EVERYWHERE, f"tier|{line.tier}", f"customer|{line.customer}"
